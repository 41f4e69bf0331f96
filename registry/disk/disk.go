// Package disk holds the few file system steps that the registry's parts share:
// writing a file so that it is there whole or not at all, making a folder's
// entries last, asking for free space and holding some, and one error for a full
// disk.
package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dustin/go-humanize"
	"golang.org/x/sys/unix"
)

// A FullError reports a disk with no room for what had to be written.
type FullError struct {
	Op         string // operation and object
	Dir        string // a folder on the full disk
	Free, Need uint64 // bytes; both 0 where the system only said that it is full
	Cause      error  // nil where the room was only looked at
}

func (e *FullError) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: disk of %s is full: %v", e.Op, e.Dir, e.Cause)
	}
	return fmt.Sprintf("%s: disk of %s has %s free, want at least %s", e.Op, e.Dir, humanize.IBytes(e.Free), humanize.IBytes(e.Need))
}

// Unwrap returns the system's error.
func (e *FullError) Unwrap() error { return e.Cause }

// Code returns "disk_full".
func (e *FullError) Code() string { return "disk_full" }

// Hint says what to do next.
func (e *FullError) Hint() string {
	return fmt.Sprintf(`free some space on the disk of %s; while a daemon runs, "samara rm" and "samara gc" drop models`, e.Dir)
}

// Wrap says that op failed with err: as a *FullError where the disk or the
// quota is full, as a plain error otherwise, nil for nil.
func Wrap(op, dir string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		var full *FullError
		if errors.As(err, &full) {
			return err
		}
		return &FullError{Op: op, Dir: dir, Cause: err}
	}
	return fmt.Errorf("%s: %w", op, err)
}

// Space is the room on a file system, in bytes.
type Space struct {
	Free  uint64 // for this user
	Total uint64
}

// SpaceOf returns the room on the file system that holds path.
func SpaceOf(path string) (Space, error) {
	var st unix.Statfs_t
	for {
		err := unix.Statfs(path, &st)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EINTR) {
			return Space{}, fmt.Errorf("free space of %s: %w", path, err)
		}
	}
	block := uint64(st.Bsize)
	return Space{Free: st.Bavail * block, Total: st.Blocks * block}, nil
}

// SyncDir makes the entries of dir last over a power cut.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// MkdirAll makes dir and the folders above it with mode 0700 and makes the new
// entries last.
func MkdirAll(dir string) error {
	if st, err := os.Stat(dir); err == nil {
		if !st.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
		}
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := MkdirAll(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return SyncDir(parent)
}

// WriteFile makes path hold data with the given mode: whole and lasting once it
// returns nil, untouched otherwise. A leftover of a crash is named path + ".new".
func WriteFile(path string, data []byte, mode fs.FileMode) error {
	tmp := path + ".new"
	if err := writeSynced(tmp, data, mode); err != nil {
		_ = os.Remove(tmp) // the error that counts is the one above
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

func writeSynced(path string, data []byte, mode fs.FileMode) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// Allocate makes path a file of size bytes that takes its room on the disk. What
// it holds is of no use. A file that cannot be made whole is removed.
func Allocate(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(allocate(f, size), f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func writeZeros(f *os.File, size int64) error {
	zeros := make([]byte, 1<<20)
	for at := int64(0); at < size; at += int64(len(zeros)) {
		if _, err := f.WriteAt(zeros[:min(size-at, int64(len(zeros)))], at); err != nil {
			return err
		}
	}
	return nil
}
