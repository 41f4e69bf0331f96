package disk_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"samara/registry/disk"
)

func TestWrap(t *testing.T) {
	if disk.Wrap("write x", "/d", nil) != nil {
		t.Error("nil becomes an error")
	}
	plain := errors.New("broken")
	if err := disk.Wrap("write x", "/d", plain); !errors.Is(err, plain) || err.Error() != "write x: broken" {
		t.Errorf("got %v", err)
	}
	for _, cause := range []error{syscall.ENOSPC, syscall.EDQUOT} {
		err := disk.Wrap("write x", "/d", fmt.Errorf("deep: %w", &os.PathError{Op: "write", Path: "x", Err: cause}))
		var full *disk.FullError
		if !errors.As(err, &full) || full.Code() != "disk_full" || full.Hint() == "" || !errors.Is(err, cause) {
			t.Errorf("got %v", err)
		}
		if again := disk.Wrap("outer", "/d", err); again != err {
			t.Errorf("wrapped twice: %v", again)
		}
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.WriteFile(path+".new", []byte("left by a crash"), 0o400); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"one", "two"} {
		if err := disk.WriteFile(path, []byte(want), 0o400); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if err := disk.WriteFile(filepath.Join(dir, "none", "f"), nil, 0o600); err == nil {
		t.Error("a file in no folder was written")
	}
}

func TestMkdirAll(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	for range 2 {
		if err := disk.MkdirAll(dir); err != nil {
			t.Fatal(err)
		}
	}
	if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v", st, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "x")} {
		if err := disk.MkdirAll(path); err == nil {
			t.Errorf("%s was made", path)
		}
	}
}

func TestSpaceOf(t *testing.T) {
	s, err := disk.SpaceOf(t.TempDir())
	if err != nil || s.Total == 0 || s.Free > s.Total {
		t.Errorf("got %+v, %v", s, err)
	}
	if _, err := disk.SpaceOf(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a folder that is not there has space")
	}
}
