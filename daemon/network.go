package daemon

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"samara/magnets"
	"samara/magnets/swarm"
)

// A network is the daemon's swarm. It is started with the daemon, or with
// Config.NoSwarm by the first request that cannot do without.
type network struct {
	open    func() (*swarm.Swarm, error)
	started func() error // takes up what waited for a swarm

	starting sync.Mutex // held by need
	swarm    atomic.Pointer[swarm.Swarm]
}

// on reports whether the swarm runs.
func (n *network) on() bool { return n.swarm.Load() != nil }

// start runs the swarm.
func (n *network) start() error {
	s, err := n.open()
	if err == nil {
		n.swarm.Store(s)
	}
	return err
}

// need returns once the swarm runs and has taken up what waited for it.
func (n *network) need() error {
	n.starting.Lock()
	defer n.starting.Unlock()
	if n.on() {
		return nil
	}
	if err := n.start(); err != nil {
		return fmt.Errorf("start the swarm: %w", err)
	}
	return n.started()
}

// close leaves the swarm, where it runs.
func (n *network) close() error {
	if s := n.swarm.Load(); s != nil {
		return s.Close()
	}
	return nil
}

// Addr is where peers reach the swarm, "" where it accepts nobody.
func (n *network) Addr() string {
	if s := n.swarm.Load(); s != nil {
		return s.Addr()
	}
	return ""
}

// Add is swarm.Swarm's; the swarm runs.
func (n *network) Add(ctx context.Context, spec swarm.Spec) (*swarm.Torrent, error) {
	return n.swarm.Load().Add(ctx, spec)
}

// Seed is swarm.Swarm's; the swarm runs.
func (n *network) Seed(ctx context.Context, info []byte, paths, trackers, webSeeds []string) (*swarm.Torrent, error) {
	return n.swarm.Load().Seed(ctx, info, paths, trackers, webSeeds)
}

// RemoveIncoming is swarm.Swarm's; the swarm runs.
func (n *network) RemoveIncoming(h magnets.Hash) error {
	return n.swarm.Load().RemoveIncoming(h)
}
