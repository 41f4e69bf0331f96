package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Run serves until ctx ends, then drains: open requests are answered within
// Config.Drain, transfers are written down, the swarm leaves, models are
// unmapped, the store closes. It returns when every goroutine that it started
// has ended; nil after an orderly stop.
func (d *Daemon) Run(ctx context.Context) error {
	// What works behind the requests ends after them.
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var background sync.WaitGroup
	err := d.startWork(work, &background)
	if err == nil {
		err = d.serve(ctx)
	}
	stopWork()
	d.fetch.wait()
	background.Wait()
	// Nobody reads weights or writes records now.
	err = errors.Join(err, d.close())
	if rerr := os.Remove(d.SocketPath()); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
		err = errors.Join(err, rerr)
	}
	return err
}

// startWork starts what works without being asked.
func (d *Daemon) startWork(ctx context.Context, background *sync.WaitGroup) error {
	if err := d.seeds.start(ctx); err != nil {
		return fmt.Errorf("start seeding: %w", err)
	}
	d.work = ctx
	if err := d.fetch.start(ctx); err != nil {
		return fmt.Errorf("resume transfers: %w", err)
	}
	for _, run := range []func(context.Context){d.sums.run, d.engine.run} {
		background.Go(func() { run(ctx) })
	}
	return nil
}

// takeUp does for a swarm that was started on demand what startWork does for
// one that was there.
func (d *Daemon) takeUp() error {
	if err := d.seeds.start(d.work); err != nil {
		return fmt.Errorf("start seeding: %w", err)
	}
	if err := d.fetch.takeUp(d.work); err != nil {
		return fmt.Errorf("resume transfers: %w", err)
	}
	return nil
}

// serve answers requests until ctx ends or a listener fails, and returns once
// every request is answered.
func (d *Daemon) serve(ctx context.Context) error {
	open := newOpenRequests()
	servers := map[net.Listener]*http.Server{d.socket: d.web.HTTPServer(open.count(d.web.SocketHandler()))}
	if d.tcp != nil {
		srv := d.web.HTTPServer(open.count(d.web.Handler()))
		srv.TLSConfig = d.tls
		servers[d.tcp] = srv
	}
	g, ctx := errgroup.WithContext(ctx)
	for l, srv := range servers {
		g.Go(func() error { return serveOn(srv, l) })
		g.Go(func() error { return d.shutDown(ctx, srv) })
	}
	d.log.Info("ready", "data", d.cfg.Data, "http", d.Addr(), "swarm", d.SwarmAddr())
	close(d.ready)
	err := g.Wait()
	open.wait()
	return err
}

func serveOn(srv *http.Server, l net.Listener) error {
	var err error
	if srv.TLSConfig != nil {
		err = srv.ServeTLS(l, "", "")
	} else {
		err = srv.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve on %s: %w", l.Addr(), err)
}

// shutDown waits for ctx, then lets the server's requests finish within
// Config.Drain and breaks off those that do not.
func (d *Daemon) shutDown(ctx context.Context, srv *http.Server) error {
	<-ctx.Done()
	bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), d.cfg.Drain)
	defer cancel()
	if err := srv.Shutdown(bound); err != nil {
		d.log.Warn("requests broken off", "after", d.cfg.Drain.String())
		return srv.Close()
	}
	return nil
}

// openRequests counts the requests that are being answered, so that the store
// stays open for those that a server broke off.
type openRequests struct {
	mu     sync.Mutex
	n      int
	closed bool
	none   chan struct{} // closed once closed and n is 0
}

func newOpenRequests() *openRequests { return &openRequests{none: make(chan struct{})} }

// count returns h with its requests counted.
func (o *openRequests) count(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !o.enter() {
			http.Error(w, "stopping", http.StatusServiceUnavailable)
			return
		}
		defer o.leave()
		h.ServeHTTP(w, r)
	})
}

func (o *openRequests) enter() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return false
	}
	o.n++
	return true
}

func (o *openRequests) leave() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n--
	if o.closed && o.n == 0 {
		close(o.none)
	}
}

// wait lets nobody in any more and returns once the last one has left.
func (o *openRequests) wait() {
	o.mu.Lock()
	o.closed = true
	if o.n == 0 {
		close(o.none)
	}
	o.mu.Unlock()
	<-o.none
}
