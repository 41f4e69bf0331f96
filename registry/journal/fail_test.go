package journal

import (
	"errors"
	"syscall"
	"testing"

	"samara/registry/disk"
)

// failing is a file whose next calls fail where an error is set.
type failing struct {
	file
	write, sync, truncate error
}

func (f *failing) WriteAt(b []byte, at int64) (int, error) {
	if f.write == nil {
		return f.file.WriteAt(b, at)
	}
	n, err := f.file.WriteAt(b[:len(b)-3], at) // most of the line is written
	return n, errors.Join(err, f.write)
}

func (f *failing) Sync() error {
	if err := f.sync; err != nil {
		f.sync = nil // the system tells once
		return err
	}
	return f.file.Sync()
}

func (f *failing) Truncate(n int64) error {
	if f.truncate != nil {
		return f.truncate
	}
	return f.file.Truncate(n)
}

// start returns a journal of one entry whose file can be made to fail.
func start(t *testing.T, dir string) (*Journal, *failing) {
	t.Helper()
	j, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append("test.op", "me", "first"); err != nil {
		t.Fatal(err)
	}
	f := &failing{file: j.f}
	j.f = f
	return j, f
}

// finish closes j and fails unless the journal holds want entries and is whole.
func finish(t *testing.T, j *Journal, dir string, want uint64) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if seq, _ := again.Head(); seq != want || again.Cut() != 0 {
		t.Errorf("reopened: %d entries, want %d; %d bytes cut", seq, want, again.Cut())
	}
}

func TestFailedWriteIsTakenBack(t *testing.T) {
	dir := t.TempDir()
	j, f := start(t, dir)
	f.write = syscall.ENOSPC
	_, err := j.Append("test.op", "me", "a line that is longer than the next")
	var full *disk.FullError
	if !errors.As(err, &full) {
		t.Errorf("got %v", err)
	}
	if err := j.Verify(); err != nil {
		t.Error(err)
	}
	f.write = nil
	if _, err := j.Append("test.op", "me", "next"); err != nil {
		t.Errorf("once there is room again: %v", err)
	}
	finish(t, j, dir, 2)
}

func TestFailedWriteLeavesNoTrace(t *testing.T) {
	dir := t.TempDir()
	j, f := start(t, dir)
	f.write = syscall.ENOSPC
	if _, err := j.Append("test.op", "me", 1); err == nil {
		t.Error("a failed write was acknowledged")
	}
	finish(t, j, dir, 1)
}

// A disk that failed to sync may have lost the bytes: nothing is added to what may
// be there or not.
func TestFailedSyncEndsAppending(t *testing.T) {
	for name, fail := range map[string]func(f *failing){
		"sync":          func(f *failing) { f.sync = syscall.EIO },
		"take back":     func(f *failing) { f.write, f.truncate = syscall.ENOSPC, syscall.EIO },
		"both of these": func(f *failing) { f.sync, f.truncate = syscall.EIO, syscall.EIO },
	} {
		t.Run(name, func(t *testing.T) {
			j, f := start(t, t.TempDir())
			defer j.Close()
			fail(f)
			if _, err := j.Append("test.op", "me", 1); err == nil {
				t.Fatal("acknowledged")
			}
			*f = failing{file: f.file}
			if _, err := j.Append("test.op", "me", 2); err == nil {
				t.Error("appended after a failure that leaves the last line open")
			}
			if err := j.Verify(); err != nil {
				t.Error(err)
			}
		})
	}
}
