// Package blobs keeps files by the digest of their bytes.
//
// A blob lies under blobs/ab/abcdef…, read-only, beside abcdef….tree, its group
// hashes. It comes to be in one way: a file under incoming/ whose complete
// [verify.Tree] has the digest as its root is synced, made read-only and renamed
// into place by [Store.CommitFile], the tree first. So whoever sees a blob sees
// all of it and its tree.
//
// A blob that was read and found to hold other bytes is marked by abcdef….bad,
// which says why. It stays where it is, so that what is good of it can still be
// used by whoever mends it, but to everybody else it is not there, until
// CommitFile puts the right bytes in its place.
//
// Only digests become paths here, never a name from outside.
package blobs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"samara/registry/disk"
	"samara/verify"
)

const (
	blobDir       = "blobs"
	incomingDir   = "incoming"
	quarantineDir = "quarantine"
	treeSuffix    = ".tree"
	markSuffix    = ".bad"
	tempPrefix    = "tmp-"
	blobMode      = 0o444
)

// Store is the blobs of one data folder. All methods may be called from several
// goroutines. It holds no files open and needs no closing.
type Store struct {
	dir string

	// mu keeps a tree that CommitFile has just placed from being swept.
	mu sync.Mutex
}

// A NotFoundError reports a blob that is not in the store.
type NotFoundError struct {
	Digest verify.Digest
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("open blob %s: not in the store", e.Digest)
}

// Code returns "not_found".
func (e *NotFoundError) Code() string { return "not_found" }

// Is reports whether target is fs.ErrNotExist.
func (e *NotFoundError) Is(target error) bool { return target == fs.ErrNotExist }

// A DamagedError reports a blob that is in the store with bytes that are not
// those its digest names.
type DamagedError struct {
	Digest verify.Digest
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("open blob %s: its bytes are damaged", e.Digest)
}

// Code returns "verification_failed".
func (e *DamagedError) Code() string { return "verification_failed" }

// Open returns the blobs of the data folder dir, which exists. It makes the
// folders blobs, incoming and quarantine, and removes what NewTemp left there
// before.
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir}
	for _, d := range []string{blobDir, incomingDir, quarantineDir} {
		if err := disk.MkdirAll(filepath.Join(dir, d)); err != nil {
			return nil, disk.Wrap("open blobs", dir, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, incomingDir, tempPrefix+"*"))
	if err != nil {
		return nil, fmt.Errorf("open blobs %s: %w", dir, err)
	}
	for _, path := range left {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("open blobs: %w", err)
		}
	}
	return s, nil
}

// Path returns where the blob lies, whether it exists or not.
func (s *Store) Path(d verify.Digest) string {
	h := d.Hex()
	return filepath.Join(s.dir, blobDir, h[:2], h)
}

// Incoming returns the folder in which files wait to be committed.
func (s *Store) Incoming() string { return filepath.Join(s.dir, incomingDir) }

// Has reports whether the blob is in the store and not known to be damaged.
func (s *Store) Has(d verify.Digest) bool {
	_, err := s.Stat(d)
	return err == nil
}

// Stat returns the size of a blob in bytes, a *NotFoundError, or a *DamagedError.
func (s *Store) Stat(d verify.Digest) (int64, error) {
	if s.marked(d) {
		return 0, &DamagedError{d}
	}
	st, err := os.Lstat(s.Path(d))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, &NotFoundError{d}
	case err != nil:
		return 0, fmt.Errorf("stat blob: %w", err)
	case !st.Mode().IsRegular():
		return 0, fmt.Errorf("stat blob %s: not a regular file", d)
	}
	return st.Size(), nil
}

// Open opens a blob for reading, or returns a *NotFoundError or a *DamagedError.
// The caller closes it; a blob that is removed meanwhile stays readable until
// then.
func (s *Store) Open(d verify.Digest) (*os.File, error) {
	if s.marked(d) {
		return nil, &DamagedError{d}
	}
	return s.open(d)
}

// open is Open for whoever checks the bytes.
func (s *Store) open(d verify.Digest) (*os.File, error) {
	f, err := os.Open(s.Path(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &NotFoundError{d}
	}
	if err != nil {
		return nil, fmt.Errorf("open blob: %w", err)
	}
	return f, nil
}

// Tree returns the group hashes of a blob, proven against its digest.
// A damaged tree is a *verify.TreeError or *verify.MismatchError; a lost one
// satisfies errors.Is(err, fs.ErrNotExist).
func (s *Store) Tree(d verify.Digest) (*verify.Tree, error) {
	b, err := os.ReadFile(s.Path(d) + treeSuffix)
	if err != nil {
		return nil, fmt.Errorf("read tree: %w", err)
	}
	t, err := verify.ParseTree(b)
	if err != nil {
		return nil, fmt.Errorf("tree of %s: %w", d, err)
	}
	if got, err := t.Root(); err != nil || got != d {
		return nil, errors.Join(err, &verify.MismatchError{File: "tree", Size: t.Size(), Got: got, Want: d})
	}
	return t, nil
}

// List calls fn with every blob and its size in bytes, in order of digest, until
// fn returns an error, which it returns.
func (s *Store) List(fn func(d verify.Digest, size int64) error) error {
	return s.walk(func(d verify.Digest, e fs.DirEntry) error {
		st, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed since
		}
		if err != nil {
			return fmt.Errorf("list blobs: %w", err)
		}
		return fn(d, st.Size())
	})
}

func (s *Store) walk(fn func(d verify.Digest, e fs.DirEntry) error) error {
	root := filepath.Join(s.dir, blobDir)
	shelves, err := os.ReadDir(root)
	if err != nil {
		return fmt.Errorf("list blobs: %w", err)
	}
	for _, shelf := range shelves {
		entries, err := os.ReadDir(filepath.Join(root, shelf.Name()))
		if err != nil {
			return fmt.Errorf("list blobs: %w", err)
		}
		for _, e := range entries {
			d, err := verify.ParseDigest(e.Name())
			if err != nil || !e.Type().IsRegular() {
				continue // a tree, or nothing of ours
			}
			if err := fn(d, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// Age returns how long ago a blob was last committed, by now.
func (s *Store) Age(d verify.Digest, now time.Time) (time.Duration, error) {
	st, err := os.Lstat(s.Path(d))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, &NotFoundError{d}
	}
	if err != nil {
		return 0, fmt.Errorf("stat blob: %w", err)
	}
	return now.Sub(st.ModTime()), nil
}

// Remove deletes a blob, its tree and its mark. A blob that is not there is no error.
func (s *Store) Remove(d verify.Digest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, path := range []string{s.Path(d), s.Path(d) + treeSuffix, s.Path(d) + markSuffix} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove blob: %w", err)
		}
	}
	return nil
}

// Sweep removes trees, marks and unfinished ones of either that no blob belongs
// to, as a crash may leave them.
func (s *Store) Sweep() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, suffix := range []string{treeSuffix, markSuffix} {
		left, err := filepath.Glob(filepath.Join(s.dir, blobDir, "??", "*"+suffix+"*"))
		if err != nil {
			return fmt.Errorf("sweep blobs: %w", err)
		}
		for _, path := range left {
			blob, rest, _ := strings.Cut(path, suffix)
			if _, err := os.Lstat(blob); err == nil && rest == "" {
				continue
			}
			if err := os.Remove(path); err != nil {
				return fmt.Errorf("sweep blobs: %w", err)
			}
		}
	}
	return nil
}
