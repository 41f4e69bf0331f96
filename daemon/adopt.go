package daemon

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"samara/registry"
	"samara/verify"
	"samara/web/client"
)

// adopt takes what the transfer wants from a folder of the user's, so that it
// need not be fetched: files that lie there under their own paths and are, by
// their BLAKE3 digest, what the torrent's author names. Others are left alone.
func (t *task) adopt(ctx context.Context, p *plan, dir string) error {
	if dir == "" {
		return nil
	}
	if !p.info.HasBlake3 {
		return errorf(client.CodeUnsupported, "add it without --from, or publish the folder under a name of its own",
			"add %s: the torrent names no digests by which files of %s could be told", t.hash, dir)
	}
	t.update(func(r *registry.Transfer) {
		r.State, r.Reason = registry.StateFetching, "looking for files in "+dir
	})
	sums := newPass(0, func(int64) {})
	for i, file := range p.info.Files {
		if !p.want[i] || p.here(t.f.store, i) {
			continue
		}
		source := sourceFile{Path: file.Path, Disk: filepath.Join(dir, filepath.FromSlash(file.Path))}
		var err error
		if source.Info, err = os.Stat(source.Disk); err != nil || !source.Info.Mode().IsRegular() || source.Info.Size() != file.Size {
			continue
		}
		if err := t.adoptFile(ctx, sums, source, p.digest[i]); err != nil {
			return fmt.Errorf("adopt %s: %w", source.Disk, err)
		}
	}
	return nil
}

// adoptFile makes a file a blob if it has the digest.
func (t *task) adoptFile(ctx context.Context, sums *pass, source sourceFile, want verify.Digest) error {
	s, err := stage(ctx, t.f.store, sums, source, func() error { return t.f.store.CheckRoom(source.Info.Size()) })
	if err != nil {
		return err
	}
	defer s.discard()
	if s.digest != want {
		return nil
	}
	return t.f.store.Blobs().CommitFile(s.path, s.digest, s.Tree)
}
