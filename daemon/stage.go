package daemon

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"samara/registry"
	"samara/registry/disk"
	"samara/verify"
	"samara/web/client"
)

// A stagedFile is a copy of a user's file that waits under incoming/ to become
// a blob.
type stagedFile struct {
	digests
	digest verify.Digest
	path   string // "" once committed
}

// discard removes the copy unless it was committed.
func (s stagedFile) discard() {
	if s.path != "" {
		_ = os.Remove(s.path) // the next start removes what stays
	}
}

// stage brings one file under incoming/, sharing the source's blocks where the
// file system can, and computes its digests. A shared file is hashed from the
// share, which nobody else can change; before one is copied, beforeCopy may
// refuse. It fails where the file changes meanwhile, and leaves nothing then.
func stage(ctx context.Context, store *registry.Store, p *pass, f sourceFile, beforeCopy func() error) (s stagedFile, err error) {
	src, err := os.Open(f.Disk)
	if err != nil {
		return s, err
	}
	defer src.Close()
	if err := unchanged(src, f.Info); err != nil {
		return s, err
	}
	tmp, err := store.Blobs().NewTemp()
	if err != nil {
		return s, err
	}
	s.path = tmp.Name()
	defer func() {
		if err = errors.Join(err, tmp.Close()); err != nil {
			s.discard()
		}
	}()
	shared, err := store.Blobs().Clone(src, tmp)
	if err != nil {
		return s, err
	}
	if shared {
		s.digests, err = p.file(ctx, tmp, nil, f.Info.Size())
	} else if err = beforeCopy(); err == nil {
		s.digests, err = p.file(ctx, src, tmp, f.Info.Size())
		err = disk.Wrap("copy", store.Dir(), err)
	}
	if err != nil {
		return s, err
	}
	if err := unchanged(src, f.Info); err != nil {
		return s, err
	}
	s.digest, err = s.Tree.Root()
	return s, err
}

// unchanged fails where f is not the file that info was taken of, or was
// written to since.
func unchanged(f *os.File, info fs.FileInfo) error {
	now, err := f.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(now, info) || now.Size() != info.Size() || !now.ModTime().Equal(info.ModTime()) {
		return errorf(client.CodeConflict, "try again once nobody writes to it", "the file changed while it was read")
	}
	return nil
}
