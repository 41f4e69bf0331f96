package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"

	"samara/magnets"
	"samara/registry"
	"samara/verify"
	"samara/web/client"
)

// A fetcher runs the transfers: one task, one goroutine for each that is at
// work. It implements web.Transfers.
type fetcher struct {
	swarm   *network
	store   *registry.Store
	catalog *catalog
	seeds   *seeds
	hub     *hub
	log     *slog.Logger
	dht     bool // whether the swarm looks for peers by itself

	ops sync.Mutex // one change of the set of transfers at a time

	mu    sync.Mutex
	ctx   context.Context // of Run; tasks end with it
	tasks map[string]*task
	peeks map[magnets.Hash]*peek
	facts map[magnets.Hash]torrentFacts // of every torrent that was shown
	wg    sync.WaitGroup
}

// Why a task ends before its transfer is ready.
var (
	errPause  = errors.New("paused")
	errCancel = errors.New("canceled")
)

// reasonPaused is the reason of a transfer that a user paused, reasonHeld of
// one that was added to wait once it is resolved.
const (
	reasonPaused = "paused by the user"
	reasonHeld   = "added paused"
)

// start goes on with the transfers that were at work when the daemon stopped,
// and removes what no transfer owns any more. Tasks end with ctx.
func (f *fetcher) start(ctx context.Context) error {
	f.mu.Lock()
	f.ctx = ctx
	f.mu.Unlock()
	return f.takeUp(ctx)
}

// takeUp goes on with what is at work, once there is a swarm.
func (f *fetcher) takeUp(ctx context.Context) error {
	if !f.swarm.on() {
		return nil
	}
	f.ops.Lock()
	defer f.ops.Unlock()
	all, err := f.store.Transfers(ctx)
	if err != nil {
		return err
	}
	owned := map[string]bool{}
	for _, rec := range all {
		if rec.State != registry.StateReady {
			owned[rec.InfoHash.String()] = true
		}
		if goesOn(rec) && f.task(rec.ID) == nil {
			f.launch(rec, nil, "")
		}
	}
	return f.removeOrphans(owned)
}

// goesOn reports whether a transfer works without being asked to: it was at
// work, or waits for room on the disk.
func goesOn(rec registry.Transfer) bool {
	switch rec.State {
	case registry.StateResolving, registry.StateFetching, registry.StateVerifying:
		return true
	case registry.StatePaused:
		return rec.ErrorCode == client.CodeDiskFull
	}
	return false
}

// removeOrphans deletes unfinished files that belong to no transfer.
func (f *fetcher) removeOrphans(owned map[string]bool) error {
	entries, err := os.ReadDir(f.store.Blobs().Incoming())
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		h, err := magnets.ParseHash(e.Name())
		if err != nil || owned[e.Name()] {
			continue
		}
		errs = append(errs, f.swarm.RemoveIncoming(h))
	}
	return errors.Join(errs...)
}

// wait returns once every task has ended, after the context of start has.
func (f *fetcher) wait() { f.wg.Wait() }

// launch starts the task of a transfer. Layers and from are task's fields, which
// only the request itself knows. The caller holds ops.
func (f *fetcher) launch(rec registry.Transfer, layers []byte, from string) *task {
	f.mu.Lock()
	defer f.mu.Unlock()
	ctx, cancel := context.WithCancelCause(f.ctx)
	t := &task{
		f: f, id: rec.ID, hash: rec.InfoHash, rec: rec, layers: layers, from: from, cancel: cancel,
		done: make(chan struct{}), resolved: make(chan struct{}), kick: make(chan struct{}, 1),
	}
	f.tasks[rec.ID] = t
	f.wg.Add(1)
	go func() {
		defer f.wg.Done()
		defer cancel(nil)
		t.run(ctx)
	}()
	return t
}

// forget takes a task that has ended out of the table.
func (f *fetcher) forget(t *task) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.tasks, t.id)
}

// task returns the task of a transfer that is at work, or nil.
func (f *fetcher) task(id string) *task {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tasks[id]
}

// taskOf returns the task that fetches a torrent, or nil.
func (f *fetcher) taskOf(h magnets.Hash) *task {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.taskLocked(h)
}

// taskLocked is taskOf for whoever holds mu.
func (f *fetcher) taskLocked(h magnets.Hash) *task {
	for _, t := range f.tasks {
		if t.hash == h {
			return t
		}
	}
	return nil
}

// inUse returns the blobs that transfers at work rely on.
func (f *fetcher) inUse() map[verify.Digest]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	used := map[verify.Digest]bool{}
	for _, t := range f.tasks {
		t.mu.Lock()
		for _, d := range t.uses {
			used[d] = true
		}
		t.mu.Unlock()
	}
	return used
}

// stop ends a transfer's task for the given reason and waits for it.
func (f *fetcher) stop(id string, why error) {
	if t := f.task(id); t != nil {
		t.cancel(why)
		<-t.done
	}
}

// needSwarm starts the swarm where it does not run yet.
func (f *fetcher) needSwarm(op string) error {
	if err := f.swarm.need(); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return nil
}
