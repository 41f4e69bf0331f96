// Package daemon wires the parts of Samara into one running program: it opens
// the data folder, runs the swarm, the fetch pipeline, the engine and the HTTP
// server, and stops them in the order in which nothing is read after it is
// gone.
//
//	d, err := daemon.New(ctx, daemon.Config{Data: dir, Listen: "127.0.0.1:0"}, log)
//	if err != nil { … }        // a held folder, a taken port, a refused setting
//	err = d.Run(ctx)           // until ctx ends; everything is closed then
//
// A verb that finds no daemon runs one inside itself with Listen "" and talks
// to it over SocketPath, like to any other.
package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"samara/magnets"
	"samara/magnets/swarm"
	"samara/registry"
	"samara/web"
	"samara/web/client"
	"samara/web/ui"
)

// SocketName and AdminTokenName are paths inside a data folder.
const (
	SocketName     = "samara.sock"
	AdminTokenName = "tokens/admin"
)

// A Daemon is one open data folder with everything that works on it.
// New opens it, Run serves it and closes it.
type Daemon struct {
	cfg     Config
	log     *slog.Logger
	started time.Time
	ready   chan struct{}

	store   *registry.Store
	swarm   *network
	hub     *hub
	seeds   *seeds
	sums    *sums
	catalog *catalog
	fetch   *fetcher
	engine  *engine

	web    *web.Server
	tls    *tls.Config  // nil without TLS
	tcp    net.Listener // nil without Config.Listen
	socket net.Listener
	work   context.Context // of what works behind the requests; set before the first of them
}

// New opens the data folder (creating it at first), takes its lock, binds the
// listeners and prepares everything else; nothing is answered before Run.
// Run must follow, if only with a context that is done: it closes what New
// opened. On an error nothing stays open.
//
// Errors carry a code: locked where another process holds the folder
// (*registry.LockedError), address_in_use where a port is taken,
// invalid_request where a setting is refused.
func New(ctx context.Context, cfg Config, log *slog.Logger) (_ *Daemon, err error) {
	if cfg, err = cfg.check(); err != nil {
		return nil, err
	}
	d := &Daemon{cfg: cfg, log: log, started: time.Now().UTC(), ready: make(chan struct{}), hub: newHub()}
	if d.store, err = registry.Open(ctx, cfg.Data, registry.Options{Socket: d.SocketPath(), DiskReserve: cfg.DiskReserve, Space: cfg.space}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if n := d.store.Journal().Cut(); n > 0 {
		log.Warn("the journal's last line was unfinished and is cut off", "bytes", n)
	}
	token, err := adminToken(cfg.Data)
	if err != nil {
		return nil, err
	}
	d.swarm = &network{open: d.openSwarm, started: d.takeUp}
	if !cfg.NoSwarm {
		if err := d.swarm.start(); err != nil {
			return nil, err
		}
	}
	if err := d.listen(ctx); err != nil {
		return nil, err
	}
	d.wire()
	return d, d.openWeb(token)
}

// openSwarm starts the BitTorrent client.
func (d *Daemon) openSwarm() (*swarm.Swarm, error) {
	allow, err := d.cfg.networks()
	if err != nil {
		return nil, err
	}
	c := swarm.Config{
		Dir: d.store.Blobs().Incoming(), Listen: d.cfg.Swarm, Log: d.log,
		DHT: d.cfg.DHT, PEX: d.cfg.PEX, NoUpload: d.cfg.NoUpload,
		UploadRate: d.cfg.UploadRate, DownloadRate: d.cfg.DownloadRate,
		Airgap: d.cfg.Airgap, AllowPrivate: allow,
	}
	if d.cfg.Airgap {
		c.Allow = append(allow, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
	}
	return swarm.New(c)
}

// listen binds the HTTP listeners.
func (d *Daemon) listen(ctx context.Context) (err error) {
	if d.cfg.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(d.cfg.TLSCert, d.cfg.TLSKey)
		if err != nil {
			return settingError("tls", "", "%v", err)
		}
		d.tls = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	if d.cfg.Listen != "" {
		if d.tcp, err = listenTCP(ctx, d.cfg.Listen); err != nil {
			return err
		}
	}
	d.socket, err = listenSocket(ctx, d.SocketPath())
	return err
}

// wire makes the parts that work on the open folder.
func (d *Daemon) wire() {
	d.seeds = newSeeds(d.swarm, d.store, d.log)
	d.sums = newSums(d.store, d.log)
	d.catalog = &catalog{store: d.store, seeds: d.seeds, sums: d.sums, hub: d.hub}
	d.fetch = &fetcher{
		swarm: d.swarm, store: d.store, catalog: d.catalog, seeds: d.seeds, hub: d.hub, log: d.log, dht: d.cfg.DHT,
		tasks: map[string]*task{}, peeks: map[magnets.Hash]*peek{}, facts: map[magnets.Hash]torrentFacts{},
	}
	d.catalog.inUse = d.fetch.inUse
	d.seeds.busy = func(h magnets.Hash) bool { return d.fetch.taskOf(h) != nil }
	d.engine = newEngine(d.cfg, d.store, d.hub, d.log)
}

// openWeb makes the HTTP server.
func (d *Daemon) openWeb(token string) (err error) {
	metrics := prometheus.NewRegistry()
	if err := d.registerMetrics(metrics); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	d.web, err = web.New(web.Config{
		Catalog: d.catalog, Transfers: d.fetch, Generator: d.engine, Events: d.hub, System: system{d},
		Tokens: web.AdminToken(token), NoAuth: d.cfg.NoAuth, Hosts: d.cfg.Hosts, BaseURL: d.URL,
		UI: ui.Handler(), Log: d.log, Metrics: metrics,
	})
	return err
}

// Ready is closed when Run answers requests.
func (d *Daemon) Ready() <-chan struct{} { return d.ready }

// Addr is the host:port of the HTTP listener, "" where there is none. It is
// known as soon as New has returned.
func (d *Daemon) Addr() string {
	if d.tcp == nil {
		return ""
	}
	return d.tcp.Addr().String()
}

// URL is the address of the web page, without a slash at its end, "" where
// there is no HTTP listener.
func (d *Daemon) URL() string {
	if d.tcp == nil {
		return ""
	}
	host, port, err := net.SplitHostPort(d.Addr())
	if err != nil {
		return ""
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http"
	if d.tls != nil {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// SwarmAddr is the host:port on which peers reach the swarm, "" where it
// accepts nobody.
func (d *Daemon) SwarmAddr() string { return d.seeds.addr() }

// SocketPath is the Unix socket inside the data folder: whoever can open it
// is admin.
func (d *Daemon) SocketPath() string { return filepath.Join(d.cfg.Data, SocketName) }

// LoginLink returns an address that logs one browser in, once.
// It fails with code unavailable where there is no HTTP listener.
func (d *Daemon) LoginLink() (client.LoginLink, error) { return d.web.LoginLink() }

// close closes what New opened and Run does not use any more: the listeners,
// then what reads the store, then the store.
func (d *Daemon) close() error {
	var errs []error
	for _, l := range []net.Listener{d.tcp, d.socket} {
		if l == nil {
			continue
		}
		if err := l.Close(); !errors.Is(err, net.ErrClosed) { // by the server that answered on it
			errs = append(errs, err)
		}
	}
	if d.engine != nil {
		errs = append(errs, d.engine.close())
	}
	if d.swarm != nil {
		errs = append(errs, d.swarm.close())
	}
	return errors.Join(append(errs, d.store.Close())...)
}
