package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"samara/magnets/swarm"
	"samara/registry"
	"samara/verify"
	"samara/web/client"
)

// crashpoint is called between two steps of a commit; tests end the process
// there.
var crashpoint = func(string) {}

// commit turns fetched files into blobs and the version visible: every file's
// BLAKE3 root is compared with the author's digest first, and nothing of a
// torrent that fails is kept where anything would serve it.
func (t *task) commit(ctx context.Context, p *plan) error {
	t.update(func(r *registry.Transfer) { r.State, r.Reason, r.BytesDone = registry.StateVerifying, "", r.BytesTotal })
	rec := t.record()
	files := t.torrent.Files()
	trees, err := t.digests(ctx, p, files)
	if err != nil {
		return err
	}
	nv, err := t.f.newVersion(rec, p)
	if err != nil {
		return err
	}
	if err := t.f.writeDigests(t.hash, p); err != nil {
		return err
	}
	crashpoint("digests")
	// No collection may run between the first blob and the version.
	t.f.catalog.gate.RLock()
	defer t.f.catalog.gate.RUnlock()
	for i, tree := range trees {
		if tree == nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := t.f.store.Blobs().CommitFile(files[i].Path, p.digest[i], tree); err != nil {
			return fmt.Errorf("add %s: file %s: %w", t.hash, p.info.Files[i].Path, err)
		}
		crashpoint("blob")
	}
	crashpoint("blobs")
	nv.Facts = factsOf(t.f.store.Blobs(), registry.Version{Manifest: nv.Manifest, Missing: nv.Missing})
	entry, err := t.f.store.AddVersion(ctx, nv)
	if err != nil {
		return err
	}
	crashpoint("version")
	t.finish(ctx, p, entry)
	return nil
}

// digests returns the complete tree of every file that has to be committed, nil
// for the others, and fills in the plan's digests. A file that is not what its
// author's digest names goes to quarantine and fails the transfer.
func (t *task) digests(ctx context.Context, p *plan, files []swarm.FileState) ([]*verify.Tree, error) {
	trees := make([]*verify.Tree, len(files))
	for i, file := range files {
		if !p.want[i] || p.here(t.f.store, i) {
			continue
		}
		tree, err := completeTree(ctx, file)
		if err != nil {
			return nil, fmt.Errorf("add %s: file %s: %w", t.hash, p.info.Files[i].Path, err)
		}
		got, err := tree.Root()
		if err != nil {
			return nil, err
		}
		if want := p.digest[i]; !want.IsZero() && got != want {
			bad := &verify.MismatchError{File: p.info.Files[i].Path, Size: file.Size, Got: got, Want: want}
			return nil, t.quarantine(file.Path, bad)
		}
		p.digest[i], trees[i] = got, tree
	}
	return trees, nil
}

// completeTree returns the file's tree with every group hashed; what was
// fetched by an earlier run is read again.
func completeTree(ctx context.Context, file swarm.FileState) (*verify.Tree, error) {
	tree := file.Tree
	if tree == nil {
		tree = verify.NewTree(file.Size)
	}
	if tree.Complete() {
		return tree, nil
	}
	f, err := os.Open(file.Path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return tree, tree.Fill(ctx, f, 0)
}

// quarantine takes a torrent that lies about its bytes out of the swarm, keeps
// the file that proves it and returns why.
func (t *task) quarantine(path string, bad *verify.MismatchError) error {
	errs := []error{
		errorf(client.CodeVerification, "the torrent's pieces are not what its author's digests name; the file went to quarantine/",
			"add %s: %w", t.hash, bad),
		t.torrent.Drop(),
		t.f.store.Blobs().Quarantine(path, fmt.Sprintf("torrent %s: %v", t.hash, bad)),
		t.f.swarm.RemoveIncoming(t.hash),
	}
	return errors.Join(errs...)
}

// newVersion is the version that the plan's files make, checked against what
// the link and the user demand of it.
func (f *fetcher) newVersion(rec registry.Transfer, p *plan) (registry.NewVersion, error) {
	var files []verify.File
	var missing []string
	for i, file := range p.info.Files {
		switch {
		case file.Pad:
			continue
		case p.want[i]:
		case !p.info.HasBlake3:
			continue // nobody knows its digest
		case !p.here(f.store, i):
			missing = append(missing, file.Path)
		}
		files = append(files, verify.File{Path: file.Path, Size: file.Size, Digest: p.digest[i]})
	}
	m, err := verify.NewManifest(files)
	if err != nil {
		return registry.NewVersion{}, fmt.Errorf("add %s: %w", rec.InfoHash, err)
	}
	if err := checkPins(rec, m); err != nil {
		return registry.NewVersion{}, err
	}
	return registry.NewVersion{
		Manifest:  m,
		Binding:   registry.Binding{InfoHash: rec.InfoHash, InfoHashV2: p.info.InfoHashV2},
		Name:      p.info.Name,
		FirstSeen: !p.info.HasBlake3,
		Missing:   missing,
		Seed:      true,
		Reference: rec.Reference,
		Move:      rec.Move,
		Actor:     "transfer " + rec.ID,
	}, nil
}

// finish lets the swarm read from the blobs from now on and says that the
// version is there.
func (t *task) finish(ctx context.Context, p *plan, entry registry.Entry) {
	paths := blobPaths(t.f.store, p.info, entry.Version)
	err := t.torrent.Rebase(paths)
	if err == nil {
		t.f.seeds.adopt(t.hash, t.torrent, paths)
		t.f.seeds.refresh(ctx, true) // others may have lacked what came
	} else {
		err = errors.Join(err, t.torrent.Drop())
	}
	if err = errors.Join(err, t.f.swarm.RemoveIncoming(t.hash)); err != nil {
		t.f.log.Warn("cannot go on seeding", "transfer", t.id, "error", err)
	}
	t.update(func(r *registry.Transfer) {
		r.State, r.Reason, r.Error, r.ErrorCode, r.Hint = registry.StateReady, "", "", "", ""
		r.Version, r.Reference, r.Finished = entry.Version.Digest, entry.Reference, time.Now().UTC()
	})
	t.f.hub.publish(eventVersion, t.f.catalog.versionOf(entry))
	t.f.catalog.sums.wake()
}
