package daemon

import (
	"context"
	"errors"

	"samara/magnets"
	"samara/magnets/swarm"
	"samara/verify"
	"samara/web"
)

// errTakenOver ends a peek whose torrent is being fetched from now on.
var errTakenOver = errors.New("the torrent is being fetched now")

// A peek is a torrent that somebody looks into; nothing of it is stored.
type peek struct {
	cancel context.CancelCauseFunc
	done   chan struct{} // closed once the torrent has left the swarm
}

// Peek says what a link holds. It waits for peers until ctx ends.
func (f *fetcher) Peek(ctx context.Context, r web.PeekRequest) (web.Peek, error) {
	w, err := parseWanted(r.Link, r.Torrent)
	if err != nil {
		return web.Peek{}, err
	}
	for w.info == nil {
		if w.info, err = f.lookInto(ctx, w, r.Peers); err != nil && !errors.Is(err, errTakenOver) {
			return web.Peek{}, err
		}
	}
	return f.describe(ctx, w)
}

// lookInto returns the info dictionary from the registry, from a transfer that
// is at work, or from peers. It fails with errTakenOver where a transfer of the
// same torrent started or ended meanwhile: look again.
func (f *fetcher) lookInto(ctx context.Context, w *wanted, peers []string) (*magnets.Info, error) {
	raw, _, _, err := f.store.Torrent(ctx, w.hash())
	if err == nil {
		return magnets.ParseInfo(raw)
	}
	if !isNotFound(err) {
		return nil, err
	}
	if t := f.taskOf(w.hash()); t != nil {
		return t.awaitInfo(ctx, peers)
	}
	if err := f.needSwarm("peek"); err != nil {
		return nil, err
	}
	return f.askPeers(ctx, w, peers)
}

// awaitInfo waits until a transfer at work has its info dictionary.
func (t *task) awaitInfo(ctx context.Context, peers []string) (*magnets.Info, error) {
	if torrent := t.f.torrentOf(t.record()); torrent != nil {
		torrent.AddPeers(peers)
	}
	select {
	case <-t.resolved:
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.info, nil
	case <-t.done:
		return nil, errTakenOver
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// askPeers resolves a link in the swarm and forgets the torrent again.
func (f *fetcher) askPeers(ctx context.Context, w *wanted, peers []string) (_ *magnets.Info, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	h := w.hash()
	p := &peek{cancel: cancel, done: make(chan struct{})}
	f.mu.Lock()
	if f.taskLocked(h) != nil {
		f.mu.Unlock()
		return nil, errTakenOver
	}
	if other := f.peeks[h]; other != nil {
		f.mu.Unlock()
		select { // one at a time: the next finds the swarm free
		case <-other.done:
			return nil, errTakenOver
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	f.peeks[h] = p
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.peeks, h)
		f.mu.Unlock()
		close(p.done)
	}()
	t, err := f.swarm.Add(ctx, swarm.Spec{Link: w.link, Peers: peers})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.Drop()) }()
	info, err := t.Metadata(ctx)
	if err != nil && errors.Is(context.Cause(ctx), errTakenOver) {
		return nil, errTakenOver
	}
	return info, err
}

// endPeek makes room for a transfer of a torrent that somebody looks into.
func (f *fetcher) endPeek(h magnets.Hash) {
	f.mu.Lock()
	p := f.peeks[h]
	f.mu.Unlock()
	if p != nil {
		p.cancel(errTakenOver)
		<-p.done
	}
}

// describe is the API's form of what a link holds.
func (f *fetcher) describe(ctx context.Context, w *wanted) (web.Peek, error) {
	i := w.info
	v := web.Peek{
		Infohash:    w.hash().String(),
		Name:        i.Name,
		PieceLength: i.PieceLength,
		Pieces:      i.Pieces,
		Private:     i.Private,
		HasDigests:  i.HasBlake3,
		Trackers:    w.link.Trackers,
		WebSeeds:    w.link.WebSeeds,
		Warnings:    w.warnings,
	}
	if i.HasBlake3 {
		m, err := manifestOf(i)
		if err != nil {
			return v, err
		}
		v.Manifest = m.Digest().String()
	}
	for _, file := range i.Files {
		if file.Pad {
			continue
		}
		entry := web.File{Path: file.Path, Size: file.Size}
		if i.HasBlake3 {
			digest := verify.Digest(file.Blake3)
			entry.Digest = digest.String()
			if f.store.Blobs().Has(digest) {
				v.BytesKnown += file.Size
			}
		}
		v.Bytes += file.Size
		v.Files = append(v.Files, entry)
	}
	version, err := f.store.ByInfoHash(ctx, w.hash())
	switch {
	case err == nil:
		v.Facts = apiFacts(version.Facts)
	case !isNotFound(err):
		return v, err
	}
	return v, nil
}
