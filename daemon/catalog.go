package daemon

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"samara/registry"
	"samara/verify"
	"samara/web"
	"samara/web/client"
)

// gcGrace is how old bytes that nothing names must be before a collection
// takes them, unless the request says otherwise.
const gcGrace = time.Hour

// A catalog is the registry with what the daemon does to it. It implements
// web.Catalog.
type catalog struct {
	store *registry.Store
	seeds *seeds
	sums  *sums
	hub   *hub

	// gate is held for reading from the first blob of a version until the
	// version names it, for writing while a collection decides.
	gate sync.RWMutex

	inUse func() map[verify.Digest]bool // blobs that transfers at work rely on
}

// List returns one page of tags, sorted by reference.
func (c *catalog) List(ctx context.Context, o registry.ListOptions) (web.VersionList, error) {
	entries, next, err := c.store.List(ctx, o)
	if err != nil {
		return web.VersionList{}, err
	}
	list := web.VersionList{Versions: make([]web.Version, 0, len(entries)), Next: next}
	for _, e := range entries {
		list.Versions = append(list.Versions, c.versionOf(e))
	}
	return list, nil
}

// lookup finds a version and calls it by a tag where it has one, one of the
// repository that was asked for if there is such.
func (c *catalog) lookup(ctx context.Context, ref registry.Reference) (registry.Entry, error) {
	e, err := c.store.Lookup(ctx, ref)
	if err != nil || !e.Reference.IsDigest() {
		return e, err
	}
	tags, err := c.store.Tags(ctx, e.Version.Digest)
	if err != nil || len(tags) == 0 {
		return e, err
	}
	named := slices.IndexFunc(tags, func(t registry.Reference) bool { return strings.EqualFold(t.Repo(), ref.Repo()) })
	e.Reference = tags[max(0, named)]
	return e, nil
}

// Show returns one version with its files and magnet.
func (c *catalog) Show(ctx context.Context, ref registry.Reference) (web.VersionDetail, error) {
	e, err := c.lookup(ctx, ref)
	if err != nil {
		return web.VersionDetail{}, err
	}
	v, flat := e.Version, c.versionOf(e)
	d := web.VersionDetail{
		Reference: flat.Reference, Version: flat.Version, Bytes: flat.Bytes,
		Format: flat.Format, Architecture: flat.Architecture, Parameters: flat.Parameters,
		Quantization: flat.Quantization, License: flat.License, Trust: flat.Trust, State: flat.State,
		ContextLength: flat.ContextLength, Memory: flat.Memory, FirstSeen: flat.FirstSeen,
		Seeding: flat.Seeding, Added: flat.Added,
		Layout: v.Facts.Layout, Tokenizer: v.Facts.Tokenizer, Name: v.Name,
	}
	if d.Files, err = c.filesOf(ctx, v); err != nil {
		return d, err
	}
	o, err := c.offerOf(ctx, e)
	if err != nil || o == nil {
		return d, err
	}
	link := c.linkOf(v, o)
	d.Magnet, d.Infohash = link.String(), linkHash(link).String()
	d.Name, d.Trackers, d.WebSeeds = o.info.Name, o.trackers, o.webSeeds
	return d, nil
}

func (c *catalog) filesOf(ctx context.Context, v registry.Version) ([]web.File, error) {
	here := presentFiles(c.store.Blobs(), v)
	files := make([]web.File, 0, len(v.Manifest.Files))
	for _, f := range v.Manifest.Files {
		_, present := here[f.Path]
		file := web.File{Path: f.Path, Size: f.Size, Digest: f.Digest.String(), Missing: !present}
		facts, err := c.store.BlobFacts(ctx, f.Digest)
		if err != nil && !isNotFound(err) {
			return nil, err
		}
		if facts.HasSHA256 {
			file.Sha256 = hex.EncodeToString(facts.SHA256[:])
		}
		files = append(files, file)
	}
	return files, nil
}

// Source says where a version's files lie on this machine, without those that
// --only left out.
func (c *catalog) Source(ctx context.Context, ref registry.Reference) (web.Source, error) {
	e, err := c.lookup(ctx, ref)
	if err != nil {
		return web.Source{}, err
	}
	s := web.Source{Reference: e.Reference.String(), Version: e.Version.Digest.String(), Files: []web.SourceFile{}}
	for _, f := range expectedFiles(e.Version) {
		if _, err := c.store.Blobs().Stat(f.Digest); err != nil {
			return web.Source{}, lostFile("open", e.Reference, f.Path, err)
		}
		s.Files = append(s.Files, web.SourceFile{Path: f.Path, Size: f.Size, Disk: c.store.Blobs().Path(f.Digest)})
	}
	return s, nil
}

// Tag gives target the name; an existing one moves only with move.
func (c *catalog) Tag(ctx context.Context, target, name registry.Reference, move bool, actor string) (web.Version, error) {
	if name.IsDigest() {
		return web.Version{}, errorf(client.CodeInvalidRequest, "a name looks like ns/name or ns/name:tag", "tag %s: got a digest, want a name", name)
	}
	if err := c.store.Tag(ctx, target, name, move, actor); err != nil {
		return web.Version{}, err
	}
	e, err := c.store.Lookup(ctx, name)
	if err != nil {
		return web.Version{}, err
	}
	v := c.versionOf(e)
	c.hub.publish(eventVersion, v)
	return v, nil
}

// Remove removes a tag, or for a digest the version and its tags. What no tag
// names is not offered to the swarm any more; a collection frees the bytes.
func (c *catalog) Remove(ctx context.Context, ref registry.Reference, actor string) error {
	if err := c.store.Remove(ctx, ref, actor); err != nil {
		return err
	}
	return c.seeds.reconcile(ctx)
}

// GC deletes what no version names and no transfer at work relies on.
func (c *catalog) GC(ctx context.Context, r web.GCRequest, actor string) (web.GCResult, error) {
	o := registry.GCOptions{Grace: gcGrace, DryRun: r.DryRun}
	if r.GraceSeconds != nil {
		o.Grace = time.Duration(*r.GraceSeconds) * time.Second
	}
	c.gate.Lock()
	defer c.gate.Unlock()
	used := c.inUse()
	o.Keep = func(d verify.Digest) bool { return used[d] }
	got, err := c.store.GC(ctx, o)
	if err != nil {
		return web.GCResult{}, err
	}
	if err := c.seeds.reconcile(ctx); err != nil {
		return web.GCResult{}, err
	}
	return web.GCResult{Blobs: got.Blobs, Bytes: got.Bytes, Versions: got.Versions, DryRun: r.DryRun}, nil
}

// Log returns journal entries, the newest first; a zero ref means all.
func (c *catalog) Log(ctx context.Context, ref registry.Reference, limit int) (web.Log, error) {
	entries, err := c.store.Log(ctx, ref, limit)
	if err != nil {
		return web.Log{}, err
	}
	l := web.Log{Entries: make([]web.LogEntry, 0, len(entries))}
	for _, e := range entries {
		entry := web.LogEntry{Seq: int64(e.Seq), Time: e.Time, Op: e.Op, Actor: e.Actor, Hash: e.Hash.String(), Prev: e.Prev.String()}
		if len(e.Data) > 0 {
			if err := json.Unmarshal(e.Data, &entry.Data); err != nil {
				return l, errorf(client.CodeInternal, "", "log: entry %d: %w", e.Seq, err)
			}
		}
		l.Entries = append(l.Entries, entry)
	}
	return l, nil
}
