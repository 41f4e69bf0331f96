package daemon

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"samara/magnets"
	"samara/registry"
	"samara/verify"
	"samara/web"
	"samara/web/client"
)

// A wanted is what a link or .torrent names.
type wanted struct {
	link     magnets.Link
	text     string        // the link as it was given, or one made of the .torrent
	info     *magnets.Info // nil until peers tell
	layers   []byte        // magnets.Torrent.PieceLayers
	warnings []string
}

// hash is the torrent's key everywhere: the v1 infohash, or the first 20 bytes
// of the v2 one.
func (w *wanted) hash() magnets.Hash { return linkHash(w.link) }

func linkHash(l magnets.Link) magnets.Hash {
	if l.HasV1 {
		return l.InfoHash
	}
	return l.InfoHashV2.Short()
}

// parseWanted reads a magnet link, an infohash, or the bytes of a .torrent.
func parseWanted(text string, torrent []byte) (*wanted, error) {
	text = strings.TrimSpace(text)
	switch {
	case text != "" && len(torrent) > 0:
		return nil, errorf(client.CodeInvalidRequest, "", "add: got both a link and a .torrent, want one")
	case len(torrent) > 0:
		return wantTorrent(torrent)
	case text == "":
		return nil, errorf(client.CodeInvalidRequest, "", "add: got neither a link nor a .torrent")
	}
	if h, err := magnets.ParseHash(text); err == nil {
		l := magnets.Link{InfoHash: h, HasV1: true}
		return &wanted{link: l, text: l.String()}, nil
	}
	if !strings.HasPrefix(strings.ToLower(text), "magnet:") {
		return nil, errorf(client.CodeInvalidRequest, "a link is a magnet (magnet:?xt=…), a .torrent file or an infohash of 40 digits",
			"add %.80q: not a link that samara knows", text)
	}
	l, err := magnets.Parse(text)
	if err != nil {
		return nil, err
	}
	return &wanted{link: l, text: text, warnings: l.Warnings}, nil
}

func wantTorrent(b []byte) (*wanted, error) {
	t, err := magnets.ParseTorrent(b)
	if err != nil {
		return nil, err
	}
	i := t.Info
	l := magnets.Link{
		InfoHash: i.InfoHash, HasV1: i.V1, InfoHashV2: i.InfoHashV2, HasV2: i.V2,
		Name: i.Name, Trackers: slices.Concat(t.Trackers...), WebSeeds: t.WebSeeds,
	}
	return &wanted{link: l, text: l.String(), info: i, layers: t.PieceLayers, warnings: t.Warnings}, nil
}

// Add starts a transfer, or returns the one that fetches the torrent already.
func (f *fetcher) Add(ctx context.Context, r web.AddRequest, _ string) (web.Transfer, error) {
	if err := f.needSwarm("add"); err != nil {
		return web.Transfer{}, err
	}
	if r.From != "" && !filepath.IsAbs(r.From) {
		return web.Transfer{}, errorf(client.CodeInvalidRequest, "", "add: from %s: got a relative path, want an absolute one", r.From)
	}
	w, err := parseWanted(r.Link, r.Torrent)
	if err != nil {
		return web.Transfer{}, err
	}
	rec, err := newRecord(w, r)
	if err != nil {
		return web.Transfer{}, err
	}
	f.ops.Lock()
	defer f.ops.Unlock()
	old, err := f.running(ctx, rec)
	if err != nil {
		return web.Transfer{}, err
	}
	if old != nil {
		if err := f.checkRepeat(ctx, *old, rec); err != nil {
			return web.Transfer{}, err
		}
		return f.addPeers(ctx, *old, r.Peers)
	}
	if err := f.checkName(ctx, rec); err != nil {
		return web.Transfer{}, err
	}
	if w.info != nil {
		if err := f.putTorrent(ctx, w.link, rec, w.info); err != nil {
			return web.Transfer{}, err
		}
	}
	if err := f.store.PutTransfer(ctx, rec); err != nil {
		return web.Transfer{}, err
	}
	t := f.launch(rec, w.layers, r.From)
	return f.view(ctx, t.record(), false)
}

// putTorrent keeps an info dictionary with everything that is known of where to
// find its bytes.
func (f *fetcher) putTorrent(ctx context.Context, l magnets.Link, rec registry.Transfer, info *magnets.Info) error {
	return f.store.PutTorrent(ctx, rec.InfoHash, info.Bytes, union(l.Trackers, rec.Trackers), union(l.WebSeeds, rec.WebSeeds))
}

// union returns the texts of a and then those of b, each once.
func union(a, b []string) []string {
	var out []string
	for _, s := range slices.Concat(a, b) {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// newRecord checks a request and makes the record of its transfer.
func newRecord(w *wanted, r web.AddRequest) (registry.Transfer, error) {
	rec := registry.Transfer{
		ID:       newID(),
		Link:     w.text,
		InfoHash: w.hash(),
		State:    registry.StateResolving,
		Only:     r.Only,
		Peers:    slices.Clone(r.Peers),
		Trackers: r.Trackers,
		WebSeeds: r.WebSeeds,
		Move:     r.Move,
		Added:    time.Now().UTC(),
	}
	if r.Paused {
		rec.Reason = reasonHeld
	}
	if w.link.HasManifest {
		rec.Manifest = w.link.Manifest
	}
	for _, pattern := range r.Only {
		if _, err := path.Match(pattern, ""); err != nil {
			return rec, errorf(client.CodeInvalidRequest, "", "add: only %q is no pattern: %w", pattern, err)
		}
	}
	var err error
	if r.Expect != "" {
		if rec.Expect, err = verify.ParseDigest(r.Expect); err != nil {
			return rec, err
		}
	}
	name := "incoming/" + rec.InfoHash.String()[:8]
	if r.Name != "" {
		name, rec.Named = r.Name, true
	}
	rec.Reference, err = parseName(name)
	return rec, err
}

// running returns the transfer that the request would repeat: one that fetches
// the same torrent, or that brought it under the same name. One that failed, or
// whose version or files are gone or damaged, is forgotten; its files serve the new one.
func (f *fetcher) running(ctx context.Context, rec registry.Transfer) (*registry.Transfer, error) {
	all, err := f.store.Transfers(ctx)
	if err != nil {
		return nil, err
	}
	for _, old := range all {
		if old.InfoHash != rec.InfoHash {
			continue
		}
		if old, _, err = f.settled(ctx, old); err != nil {
			return nil, err
		}
		sameName := !rec.Named || old.Reference.Key() == rec.Reference.Key()
		switch {
		case old.State == registry.StateReady && !sameName:
			continue // a second name: every file is found in the store
		case old.State == registry.StateReady && slices.Equal(old.Only, rec.Only) && f.stillThere(ctx, old):
			return &old, nil
		case old.State == registry.StateReady, old.State == registry.StateFailed:
			if err := f.store.DeleteTransfer(ctx, old.ID); err != nil {
				return nil, err
			}
		case sameName:
			return &old, nil
		default:
			return nil, errorf(client.CodeConflict, fmt.Sprintf(`once it is ready, "samara tag %s %s" gives it this name too`, old.Reference, rec.Reference),
				"add %s: transfer %s fetches this torrent as %s already", rec.InfoHash, old.ID, old.Reference)
		}
	}
	return nil, nil
}

// checkRepeat holds what a repeated request pins against the transfer that
// answers it: against its manifest, or where nobody knows that yet, against what
// the transfer pins itself.
func (f *fetcher) checkRepeat(ctx context.Context, old, rec registry.Transfer) error {
	if old.State == registry.StateReady {
		e, err := f.store.Lookup(ctx, registry.Reference{Digest: old.Version})
		if err != nil {
			return err
		}
		return checkPins(rec, e.Version.Manifest)
	}
	conflict := func(what string) error {
		return errorf(client.CodeConflict, `wait until it is ready, or "samara transfers cancel `+old.ID+`" and add it again`,
			"add %s: transfer %s fetches this torrent already, with %s", rec.InfoHash, old.ID, what)
	}
	if !slices.Equal(old.Only, rec.Only) {
		return conflict("another choice of files")
	}
	if rec.Expect == old.Expect && rec.Manifest == old.Manifest {
		return nil
	}
	raw, _, _, err := f.store.Torrent(ctx, rec.InfoHash)
	if err != nil && !isNotFound(err) {
		return err
	}
	if info, err := magnets.ParseInfo(raw); err == nil && info.HasBlake3 {
		m, err := manifestOf(info)
		if err != nil {
			return err
		}
		return checkPins(rec, m)
	}
	if !rec.Expect.IsZero() && rec.Expect != old.Expect || !rec.Manifest.IsZero() && rec.Manifest != old.Manifest {
		return conflict("other digests expected")
	}
	return nil
}

// stillThere reports whether the version that a transfer brought has its name
// and its files.
func (f *fetcher) stillThere(ctx context.Context, rec registry.Transfer) bool {
	e, err := f.store.Lookup(ctx, rec.Reference)
	return err == nil && e.Version.Digest == rec.Version &&
		len(presentFiles(f.store.Blobs(), e.Version)) == len(expectedFiles(e.Version))
}

// checkName refuses a name that another version has, before anything is
// fetched for it.
func (f *fetcher) checkName(ctx context.Context, rec registry.Transfer) error {
	if rec.Move {
		return nil
	}
	e, err := f.store.Lookup(ctx, rec.Reference)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	bound := slices.ContainsFunc(e.Version.Bindings, func(b registry.Binding) bool { return b.InfoHash == rec.InfoHash })
	if bound || e.Version.Digest == rec.Manifest {
		return nil
	}
	return errorf(client.CodeConflict, "choose another name, or move it with --move",
		"add %s: the name %s belongs to version %s", rec.InfoHash, rec.Reference, e.Version.Digest)
}

// newID returns a name for a transfer.
func newID() string {
	b := make([]byte, 5)
	_, _ = rand.Read(b) // never fails: it ends the program where the kernel has no randomness
	return hex.EncodeToString(b)
}
