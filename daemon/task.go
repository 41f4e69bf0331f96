package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"samara/magnets"
	"samara/magnets/swarm"
	"samara/registry"
	"samara/verify"
	"samara/web/client"
)

const (
	// beatEvery is how often a task looks at its torrent and tells.
	beatEvery = time.Second
	// saveEvery is how often a task writes down how far it is; what was
	// fetched is known to the swarm's own records.
	saveEvery = 10 * time.Second
	// lonelyAfter is how long nobody may answer before a task says so.
	lonelyAfter = 30 * time.Second
	// roomEvery is how often a task that waits for the disk looks again.
	roomEvery = 5 * time.Second
)

// A task is a transfer at work: one goroutine that takes it from resolving to
// ready. Pausing ends the task; resuming starts another, which finds what is on
// the disk, like after a restart.
type task struct {
	f      *fetcher
	id     string
	hash   magnets.Hash
	layers []byte // magnets.Torrent.PieceLayers, where it came as a .torrent
	from   string // a folder to adopt files from
	cancel context.CancelCauseFunc
	done   chan struct{} // closed once the goroutine has ended
	kick   chan struct{} // the user wants to go on now

	resolved chan struct{} // closed once info is set

	mu      sync.Mutex
	rec     registry.Transfer
	info    *magnets.Info
	uses    []verify.Digest // blobs that the transfer may rely on
	torrent *swarm.Torrent  // nil before it is in the swarm
	lonely  time.Time       // since when nobody is connected
	saved   time.Time
}

// run works until the transfer is ready, failed, or the task is stopped.
func (t *task) run(ctx context.Context) {
	defer close(t.done)
	defer t.f.forget(t)
	err := t.fetch(ctx)
	if err == nil {
		return
	}
	t.mu.Lock()
	torrent := t.torrent
	t.mu.Unlock()
	if torrent != nil {
		if derr := torrent.Drop(); derr != nil {
			t.f.log.Warn("cannot drop a torrent", "transfer", t.id, "error", derr)
		}
	}
	switch why := context.Cause(ctx); {
	case errors.Is(why, errPause):
		t.update(func(r *registry.Transfer) { r.State, r.Reason, r.ErrorCode = registry.StatePaused, reasonPaused, "" })
	case errors.Is(err, errHeld):
		t.update(func(r *registry.Transfer) { r.State, r.Reason = registry.StatePaused, reasonHeld })
	case errors.Is(why, errCancel), ctx.Err() != nil:
		t.save(t.record()) // the next start goes on from here
	default:
		e := client.FromError("add", err)
		t.f.log.Warn("transfer failed", "transfer", t.id, "error", err)
		t.update(func(r *registry.Transfer) {
			r.State, r.Reason = registry.StateFailed, ""
			r.Error, r.ErrorCode, r.Hint = e.Message, e.Code, e.Hint
			r.Finished = time.Now().UTC()
		})
	}
}

// errHeld ends a task whose transfer was added paused and is resolved now.
var errHeld = errors.New("held")

// fetch is the life of a transfer. Every step finds what an earlier run left.
func (t *task) fetch(ctx context.Context) error {
	rec := t.record()
	link, err := magnets.Parse(rec.Link)
	if err != nil {
		return err
	}
	info, err := t.resolve(ctx, link)
	if err != nil {
		return err
	}
	p, err := t.f.plan(ctx, rec, info)
	if err != nil {
		return err
	}
	if err := t.f.putTorrent(ctx, link, rec, info); err != nil {
		return err
	}
	t.mu.Lock()
	t.info, t.uses = info, slices.Clone(p.digest)
	held := t.rec.Reason == reasonHeld
	t.mu.Unlock()
	close(t.resolved)
	t.update(func(r *registry.Transfer) { r.BytesTotal, r.BytesHere = p.bytes(), p.bytesHere(t.f.store) })
	if held {
		return errHeld
	}
	if err := t.adopt(ctx, p, t.from); err != nil {
		return err
	}
	if err := t.download(ctx, p); err != nil {
		return err
	}
	return t.commit(ctx, p)
}

// resolve puts the torrent into the swarm and waits for its info dictionary.
func (t *task) resolve(ctx context.Context, link magnets.Link) (*magnets.Info, error) {
	rec := t.record()
	known, _, _, err := t.f.store.Torrent(ctx, t.hash)
	if err != nil && !isNotFound(err) {
		return nil, err
	}
	t.f.endPeek(t.hash)
	if err := t.f.seeds.drop(t.hash); err != nil { // offered again once ready
		return nil, err
	}
	torrent, err := t.f.swarm.Add(ctx, swarm.Spec{
		Link: link, Info: known, Layers: t.layers,
		Peers: rec.Peers, Trackers: rec.Trackers, WebSeeds: rec.WebSeeds,
	})
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.torrent = torrent
	t.mu.Unlock()

	type answer struct {
		info *magnets.Info
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		info, err := torrent.Metadata(ctx)
		answered <- answer{info, err}
	}()
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		select {
		case a := <-answered: // comes when ctx ends, too
			return a.info, a.err
		case <-beat.C:
			t.beat()
		}
	}
}

// download fetches what the plan wants and waits for room on the disk where it
// has to.
func (t *task) download(ctx context.Context, p *plan) error {
	if err := t.awaitRoom(ctx, p, t.f.checkRoom(p, t.hash)); err != nil {
		return err
	}
	t.update(func(r *registry.Transfer) { r.State, r.Reason = registry.StateFetching, "" })
	for {
		err := t.torrent.Start(ctx, p.layout(t.f.store))
		if err == nil {
			break
		}
		if err := t.awaitRoom(ctx, p, err); err != nil {
			return err
		}
	}
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		select {
		case <-t.torrent.Done():
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-beat.C:
			t.beat()
		}
		trouble := t.torrent.Trouble()
		if trouble == nil {
			continue
		}
		if err := t.awaitRoom(ctx, p, trouble); err != nil {
			return err
		}
		t.torrent.Resume()
	}
}

// awaitRoom pauses the transfer while the disk is full, which is what trouble
// says; any other trouble is returned. It looks again every so often, and as
// soon as the user resumes.
func (t *task) awaitRoom(ctx context.Context, p *plan, trouble error) error {
	for trouble != nil {
		e := client.FromError("add", trouble)
		if e.Code != client.CodeDiskFull {
			return trouble
		}
		t.update(func(r *registry.Transfer) {
			r.State, r.Reason, r.ErrorCode = registry.StatePaused, e.Message, e.Code
		})
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.kick:
		case <-time.After(roomEvery):
		}
		if trouble = t.f.checkRoom(p, t.hash); trouble == nil {
			t.update(func(r *registry.Transfer) { r.State, r.Reason, r.ErrorCode = registry.StateFetching, "", "" })
		}
	}
	return nil
}

// beat takes over how far the torrent is, says when nobody answers, and tells
// whoever listens.
func (t *task) beat() {
	stats := t.torrent.Stats()
	now := time.Now()
	t.mu.Lock()
	if t.info != nil {
		t.rec.BytesDone, t.rec.BytesTotal = stats.BytesDone, stats.BytesTotal
	}
	if stats.Peers > 0 || t.lonely.IsZero() {
		t.lonely = now
	}
	t.rec.Reason = t.f.lonelyReason(t.rec, now.Sub(t.lonely))
	rec, due := t.rec, now.Sub(t.saved) >= saveEvery
	if due {
		t.saved = now
	}
	t.mu.Unlock()
	if due {
		t.save(rec)
	}
	t.tell(rec)
}

// lonelyReason is a transfer's reason after nobody was connected for that long.
func (f *fetcher) lonelyReason(rec registry.Transfer, d time.Duration) string {
	switch {
	case rec.Reason == reasonHeld:
		return reasonHeld
	case d < lonelyAfter:
		return ""
	case f.dht:
		return fmt.Sprintf("nobody answered for %d s; --peer HOST:PORT names somebody who has it", int(lonelyAfter.Seconds()))
	}
	return fmt.Sprintf("nobody answered for %d s; --dht looks further than the link, --peer HOST:PORT names somebody who has it", int(lonelyAfter.Seconds()))
}

// record returns the transfer as it is now.
func (t *task) record() registry.Transfer {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rec
}

// update changes the record, writes it down and tells whoever listens.
func (t *task) update(change func(*registry.Transfer)) {
	t.mu.Lock()
	change(&t.rec)
	rec := t.rec
	t.saved = time.Now()
	t.mu.Unlock()
	t.save(rec)
	t.tell(rec)
}

// save writes a record down. Losing one costs no data: the next start finds
// what is on the disk.
func (t *task) save(rec registry.Transfer) {
	if err := t.f.store.PutTransfer(context.Background(), rec); err != nil {
		t.f.log.Error("cannot write a transfer down", "transfer", t.id, "error", err)
	}
}

func (t *task) tell(rec registry.Transfer) {
	if v, err := t.f.view(context.Background(), rec, false); err == nil {
		t.f.hub.publish(eventTransfer, v)
	}
}
