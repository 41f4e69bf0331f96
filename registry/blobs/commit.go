package blobs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"samara/registry/disk"
	"samara/verify"
)

// NewTemp makes an empty file under incoming/ that belongs to the caller until
// CommitFile takes it or the caller removes it; what a crash leaves is removed
// by Open.
func (s *Store) NewTemp() (*os.File, error) {
	f, err := os.CreateTemp(s.Incoming(), tempPrefix+"*")
	if err != nil {
		return nil, disk.Wrap("make temporary file", s.dir, err)
	}
	return f, nil
}

// Clone makes dst share the bytes of src where the file system can (FICLONE), at
// no cost in space. It reports whether it did; where it did not, dst is as it
// was and the caller copies.
func (s *Store) Clone(src, dst *os.File) (bool, error) {
	ok, err := clone(src, dst)
	if err != nil {
		return false, disk.Wrap("clone "+src.Name(), s.dir, err)
	}
	return ok, nil
}

// CommitFile makes the file at path the blob d and takes the file away: path is
// a finished regular file under incoming/ that nobody writes any more, and t its
// complete tree, computed over the very bytes of the file. The blob and its tree
// last once CommitFile returns nil. A blob that is there already is kept and the
// file dropped, unless that blob is known to be damaged or has another size: the
// file then takes its place.
//
// It refuses, and leaves the file, where the tree's root is not d
// (*verify.MismatchError) or the size is not the tree's (*verify.SizeError). A
// failed sync means that the bytes may be lost: write the file again.
func (s *Store) CommitFile(path string, d verify.Digest, t *verify.Tree) error {
	if rel, err := filepath.Rel(s.Incoming(), path); err != nil || !filepath.IsLocal(rel) || rel == "." {
		return fmt.Errorf("commit blob %s: %s is not under %s", d, path, s.Incoming())
	}
	root, err := t.Root()
	if err != nil {
		return fmt.Errorf("commit blob %s: %w", d, err)
	}
	if root != d {
		return &verify.MismatchError{Size: t.Size(), Got: root, Want: d}
	}
	st, err := os.Lstat(path)
	switch {
	case err != nil:
		return fmt.Errorf("commit blob: %w", err)
	case !st.Mode().IsRegular():
		return fmt.Errorf("commit blob %s: %s is not a regular file", d, path)
	case st.Size() != t.Size():
		return &verify.SizeError{Got: st.Size(), Want: t.Size()}
	}
	if s.adopt(d, t.Size()) {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("commit blob %s: %w", d, err)
		}
		return nil
	}
	if err := s.place(path, d, t); err != nil {
		return disk.Wrap("commit blob "+d.String(), s.dir, err)
	}
	return nil
}

// adopt reports whether the blob is there whole, as far as is known, and if so
// makes it young again, so that a collection's grace time covers whoever commits it now.
func (s *Store) adopt(d verify.Digest, size int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if got, err := s.Stat(d); err != nil || got != size {
		return false
	}
	if _, err := os.Lstat(s.Path(d) + treeSuffix); err != nil {
		return false
	}
	now := time.Now()
	return os.Chtimes(s.Path(d), now, now) == nil
}

// place syncs the file and its tree and renames both into blobs/.
func (s *Store) place(path string, d verify.Digest, t *verify.Tree) error {
	if err := finish(path); err != nil {
		return err
	}
	tree, err := t.MarshalBinary()
	if err != nil {
		return err
	}
	blob := s.Path(d)
	if err := disk.MkdirAll(filepath.Dir(blob)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := disk.WriteFile(blob+treeSuffix, tree, blobMode); err != nil {
		return err
	}
	if err := os.Rename(path, blob); err != nil {
		return err
	}
	if err := disk.SyncDir(filepath.Dir(blob)); err != nil {
		return err
	}
	return errors.Join(s.unmark(d), disk.SyncDir(filepath.Dir(path)))
}

// finish makes the bytes of a file last, sets its time to now and takes the
// right to write it away.
func finish(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrPermission) {
		f, err = os.Open(path) // read-only already
	}
	if err != nil {
		return err
	}
	now := time.Now()
	err = errors.Join(f.Chmod(blobMode), os.Chtimes(path, now, now), f.Sync())
	return errors.Join(err, f.Close())
}

// Quarantine moves a file that failed a check from the data folder into
// quarantine/ and writes the reason beside it, as NAME.reason.
func (s *Store) Quarantine(path, reason string) error {
	if rel, err := filepath.Rel(s.dir, path); err != nil || !filepath.IsLocal(rel) || rel == "." {
		return fmt.Errorf("quarantine: %s is not under %s", path, s.dir)
	}
	stamp := time.Now().UTC().Format("20060102T150405.000000000")
	to := filepath.Join(s.dir, quarantineDir, stamp+"-"+filepath.Base(path))
	if err := os.Rename(path, to); err != nil {
		return fmt.Errorf("quarantine: %w", err)
	}
	text := strings.TrimSpace(reason) + "\n"
	if err := disk.WriteFile(to+".reason", []byte(text), 0o600); err != nil {
		return disk.Wrap("quarantine "+path, s.dir, err)
	}
	return disk.SyncDir(filepath.Dir(path))
}
