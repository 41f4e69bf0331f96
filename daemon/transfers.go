package daemon

import (
	"context"
	"slices"

	"samara/registry"
	"samara/web"
	"samara/web/client"
)

// List returns all transfers, the newest first.
func (f *fetcher) List(ctx context.Context) ([]web.Transfer, error) {
	all, err := f.store.Transfers(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b registry.Transfer) int { return b.Added.Compare(a.Added) })
	views := make([]web.Transfer, 0, len(all))
	for _, rec := range all {
		v, err := f.view(ctx, f.current(rec), false)
		if err != nil {
			return nil, err
		}
		views = append(views, v)
	}
	return views, nil
}

// current is the record as its task has it, or as it is written down.
func (f *fetcher) current(rec registry.Transfer) registry.Transfer {
	if t := f.task(rec.ID); t != nil {
		return t.record()
	}
	return rec
}

// settled is the record of a transfer as it is now, and its task if that is at
// work. A task that has reached its last state and is only leaving is waited
// for, so that the record is written down.
func (f *fetcher) settled(ctx context.Context, rec registry.Transfer) (registry.Transfer, *task, error) {
	t := f.task(rec.ID)
	if t != nil {
		if now := t.record(); goesOn(now) {
			return now, t, nil
		}
		<-t.done
	}
	rec, err := f.store.Transfer(ctx, rec.ID)
	return rec, nil, err
}

// Get returns one transfer with its files and pieces.
func (f *fetcher) Get(ctx context.Context, id string) (web.Transfer, error) {
	rec, err := f.store.Transfer(ctx, id)
	if err != nil {
		return web.Transfer{}, err
	}
	return f.view(ctx, f.current(rec), true)
}

// Pause stops fetching; what is there stays.
func (f *fetcher) Pause(ctx context.Context, id string) (web.Transfer, error) {
	f.ops.Lock()
	defer f.ops.Unlock()
	rec, err := f.store.Transfer(ctx, id)
	if err != nil {
		return web.Transfer{}, err
	}
	f.stop(rec.ID, errPause)
	if rec, err = f.store.Transfer(ctx, rec.ID); err != nil {
		return web.Transfer{}, err
	}
	if goesOn(rec) { // no task was at work: nothing is fetched in this process
		rec.State, rec.Reason, rec.ErrorCode = registry.StatePaused, reasonPaused, ""
		if err := f.store.PutTransfer(ctx, rec); err != nil {
			return web.Transfer{}, err
		}
	}
	if rec.State != registry.StatePaused {
		return web.Transfer{}, errorf(client.CodeConflict, "", "pause %s: the transfer is %s", rec.ID, rec.State)
	}
	return f.view(ctx, rec, true)
}

// Resume goes on after a pause or a failure; where it waits for room on the
// disk it looks again now. Without a swarm, the next start with one goes on.
func (f *fetcher) Resume(ctx context.Context, id string) (web.Transfer, error) {
	f.ops.Lock()
	defer f.ops.Unlock()
	rec, err := f.store.Transfer(ctx, id)
	if err != nil {
		return web.Transfer{}, err
	}
	rec, t, err := f.settled(ctx, rec)
	if err != nil {
		return web.Transfer{}, err
	}
	if t != nil {
		select {
		case t.kick <- struct{}{}:
		default: // told already
		}
	}
	if t == nil && (rec.State == registry.StatePaused || rec.State == registry.StateFailed) {
		rec.State, rec.Reason = registry.StateResolving, ""
		rec.Error, rec.ErrorCode, rec.Hint = "", "", ""
		if err := f.store.PutTransfer(ctx, rec); err != nil {
			return web.Transfer{}, err
		}
		if f.swarm.on() {
			rec = f.launch(rec, nil, "").record()
		}
	}
	return f.view(ctx, rec, true)
}

// Cancel stops a transfer and forgets it with its unfinished files. A version
// that it brought stays.
func (f *fetcher) Cancel(ctx context.Context, id string) error {
	f.ops.Lock()
	defer f.ops.Unlock()
	rec, err := f.store.Transfer(ctx, id)
	if err != nil {
		return err
	}
	f.stop(rec.ID, errCancel)
	if rec, err = f.store.Transfer(ctx, rec.ID); err != nil {
		return err
	}
	// The files go first: on a full disk the record cannot be changed before.
	// Without a swarm, the next start with one removes them.
	if rec.State != registry.StateReady && f.swarm.on() {
		if err := f.swarm.RemoveIncoming(rec.InfoHash); err != nil {
			return err
		}
	}
	return f.store.DeleteTransfer(ctx, rec.ID)
}

// AddPeers names peers, which may be private or on loopback.
func (f *fetcher) AddPeers(ctx context.Context, id string, peers []string) (web.Transfer, error) {
	f.ops.Lock()
	defer f.ops.Unlock()
	rec, err := f.store.Transfer(ctx, id)
	if err != nil {
		return web.Transfer{}, err
	}
	return f.addPeers(ctx, rec, peers)
}

// addPeers is AddPeers for whoever holds ops.
func (f *fetcher) addPeers(ctx context.Context, rec registry.Transfer, peers []string) (web.Transfer, error) {
	rec, t, err := f.settled(ctx, rec)
	if err != nil {
		return web.Transfer{}, err
	}
	if t == nil {
		rec.Peers = union(rec.Peers, peers)
		if err := f.store.PutTransfer(ctx, rec); err != nil {
			return web.Transfer{}, err
		}
		return f.view(ctx, rec, true)
	}
	if len(peers) > 0 {
		t.update(func(r *registry.Transfer) { r.Peers = union(r.Peers, peers) })
		if torrent := f.torrentOf(rec); torrent != nil {
			torrent.AddPeers(peers)
		}
	}
	return f.view(ctx, t.record(), true)
}
