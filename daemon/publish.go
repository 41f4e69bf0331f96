package daemon

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"samara/magnets"
	"samara/registry"
	"samara/verify"
	"samara/web"
	"samara/web/client"
)

// Stages of publishing, as its progress names them.
const (
	stageScan  = "scan"
	stageHash  = "hash"
	stageStore = "store"
	stageSeed  = "seed"
)

// progressEvery is how often a long operation reports how far it is.
const progressEvery = 100 * time.Millisecond

// A publication is one folder or file on its way into the registry.
type publication struct {
	c        *catalog
	ref      registry.Reference
	files    []sourceFile // sorted by the bytes of their paths
	total    int64        // bytes
	staged   []stagedFile // as far as the pass came
	copied   bool         // some file was copied, not shared
	event    web.PublishEvent
	reported time.Time
	progress func(web.PublishEvent)
}

// Publish stores a local folder or file as a version, names it and seeds it.
// The source is read once and left as it is; nothing becomes visible unless
// everything went well. The same files under the same name give the same
// infohash and version on every machine.
func (c *catalog) Publish(ctx context.Context, r web.PublishRequest, actor string, progress func(web.PublishEvent)) (web.PublishResult, error) {
	began := time.Now()
	ref, err := parseName(r.Name)
	if err != nil {
		return web.PublishResult{}, err
	}
	if !filepath.IsAbs(r.Path) {
		return web.PublishResult{}, errorf(client.CodeInvalidRequest, "", "publish %s: got a relative path, want an absolute one", r.Path)
	}
	p := &publication{c: c, ref: ref, progress: progress}
	defer p.discard()
	if err := p.scan(r.Path, r.FollowLinks); err != nil {
		return web.PublishResult{}, err
	}
	if err := p.checkName(ctx, r.Move, p.mayBe); err != nil {
		return web.PublishResult{}, err
	}
	pieces, err := p.hash(ctx)
	if err != nil {
		return web.PublishResult{}, err
	}
	info, err := p.torrent(pieces, r.Private)
	if err != nil {
		return web.PublishResult{}, err
	}
	entry, err := p.store(ctx, info, r, actor)
	if err != nil {
		return web.PublishResult{}, err
	}
	if !r.NoSeed {
		p.report(stageSeed, "")
		if err := c.seeds.seed(ctx, entry.Version); err != nil {
			return web.PublishResult{}, err
		}
		c.seeds.refresh(ctx, true)
	}
	c.hub.publish(eventVersion, c.versionOf(entry))
	made, err := c.offer(ctx, registry.Binding{InfoHash: info.InfoHash})
	if err != nil {
		return web.PublishResult{}, err
	}
	return web.PublishResult{
		Reference: entry.Reference.String(),
		Version:   entry.Version.Digest.String(),
		Magnet:    c.linkOf(entry.Version, made).String(),
		Infohash:  info.InfoHash.String(),
		Files:     len(p.files),
		Bytes:     p.total,
		Reflinked: !p.copied,
		Seconds:   time.Since(began).Seconds(),
	}, nil
}

// scan lists the files and refuses names that no version may hold.
func (p *publication) scan(root string, followLinks bool) error {
	p.report(stageScan, "")
	files, err := walkSource(filepath.Clean(root), followLinks)
	if err != nil {
		return err
	}
	slices.SortFunc(files, func(a, b sourceFile) int { return cmp.Compare(a.Path, b.Path) })
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.Path
		p.total += f.Info.Size()
	}
	if err := verify.CheckPaths(paths); err != nil {
		return fmt.Errorf("publish %s: %w", root, err)
	}
	p.files, p.event.BytesTotal = files, p.total
	return nil
}

// hash reads every file once, into incoming/ where it has to be copied, and
// returns the SHA-1 of the pieces.
func (p *publication) hash(ctx context.Context) ([]byte, error) {
	pass := newPass(magnets.PieceLength(p.total), func(n int64) {
		p.event.BytesDone += n
		p.reportNow(false)
	})
	for _, f := range p.files {
		p.report(stageHash, f.Path)
		s, err := stage(ctx, p.c.store, pass, f, p.beforeCopy)
		if err != nil {
			return nil, fmt.Errorf("publish %s: %w", f.Disk, err)
		}
		p.staged = append(p.staged, s)
	}
	pass.pieces.finish()
	return pass.pieces.sums, nil
}

// beforeCopy looks for room on the disk once it is known that files have to be
// copied.
func (p *publication) beforeCopy() error {
	if p.copied {
		return nil
	}
	p.copied = true
	return p.c.store.CheckRoom(p.total - p.event.BytesDone)
}

// torrent builds the info dictionary and reads it back as a stranger would.
func (p *publication) torrent(pieces []byte, private bool) (*magnets.Info, error) {
	b := magnets.BuildInfo{
		Name: p.ref.Name, PieceLength: magnets.PieceLength(p.total), Pieces: pieces, Private: private,
	}
	for i, f := range p.files {
		b.Files = append(b.Files, magnets.File{Path: f.Path, Size: f.Info.Size(), Blake3: p.staged[i].digest})
	}
	raw, err := magnets.Build(b)
	if err != nil {
		return nil, fmt.Errorf("publish %s: %w", p.ref, err)
	}
	info, err := magnets.ParseInfo(raw)
	if err != nil {
		return nil, fmt.Errorf("publish %s: %w", p.ref, err)
	}
	return info, nil
}

// store commits the staged files and then makes the version visible.
func (p *publication) store(ctx context.Context, info *magnets.Info, r web.PublishRequest, actor string) (registry.Entry, error) {
	p.report(stageStore, "")
	manifest, err := manifestOf(info)
	if err != nil {
		return registry.Entry{}, fmt.Errorf("publish %s: %w", p.ref, err)
	}
	digest := manifest.Digest()
	err = p.checkName(ctx, r.Move, func(v registry.Version) bool { return v.Digest == digest })
	if err != nil {
		return registry.Entry{}, err
	}
	// No collection may run between the first blob and the version.
	p.c.gate.RLock()
	defer p.c.gate.RUnlock()
	facts := make(map[verify.Digest]registry.BlobFacts, len(p.staged))
	for i := range p.staged {
		s := &p.staged[i]
		if err := ctx.Err(); err != nil {
			return registry.Entry{}, err
		}
		if err := p.c.store.Blobs().CommitFile(s.path, s.digest, s.Tree); err != nil {
			return registry.Entry{}, fmt.Errorf("publish %s: %w", p.files[i].Disk, err)
		}
		s.path = ""
		facts[s.digest] = registry.BlobFacts{Size: s.Tree.Size(), SHA256: s.SHA256, HasSHA256: true}
	}
	return p.c.store.AddVersion(ctx, registry.NewVersion{
		Manifest:  manifest,
		Facts:     factsOf(p.c.store.Blobs(), registry.Version{Manifest: manifest}),
		Binding:   registry.Binding{InfoHash: info.InfoHash},
		InfoBytes: info.Bytes,
		Name:      info.Name,
		Seed:      !r.NoSeed,
		Trackers:  r.Trackers,
		WebSeeds:  r.WebSeeds,
		Blobs:     facts,
		Reference: p.ref,
		Move:      r.Move,
		Actor:     actor,
	})
}

// checkName refuses a name that a version has which is not the same.
func (p *publication) checkName(ctx context.Context, move bool, same func(registry.Version) bool) error {
	if move {
		return nil
	}
	e, err := p.c.store.Lookup(ctx, p.ref)
	switch {
	case isNotFound(err):
		return nil
	case err != nil:
		return err
	case same(e.Version):
		return nil
	}
	return errorf(client.CodeConflict, "choose another name, or move it with --move",
		"publish %s: the name belongs to version %s", p.ref, e.Version.Digest)
}

// mayBe reports whether a version has files of the same names and sizes: only
// then is it worth reading them.
func (p *publication) mayBe(v registry.Version) bool {
	return slices.EqualFunc(p.files, v.Manifest.Files, func(a sourceFile, b verify.File) bool {
		return a.Path == b.Path && a.Info.Size() == b.Size
	})
}

// discard removes what was staged and not committed.
func (p *publication) discard() {
	for _, s := range p.staged {
		s.discard()
	}
}

// report says that a stage or file begins.
func (p *publication) report(stage, file string) {
	begins := stage != p.event.Stage
	p.event.Stage, p.event.File = stage, file
	p.reportNow(begins)
}

// reportNow tells the present state, unless it was told just now.
func (p *publication) reportNow(always bool) {
	if now := time.Now(); always || now.Sub(p.reported) >= progressEvery {
		p.reported = now
		p.progress(p.event)
	}
}

// parseName reads the reference that a version is to be called; a digest is
// no name.
func parseName(s string) (registry.Reference, error) {
	ref, err := registry.ParseReference(s)
	if err != nil {
		return ref, err
	}
	if !ref.Digest.IsZero() {
		return ref, errorf(client.CodeInvalidRequest, "a name looks like ns/name or ns/name:tag", "name %s: got a digest, want a name", s)
	}
	return ref, nil
}
