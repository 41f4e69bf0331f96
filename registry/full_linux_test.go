package registry_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"samara/registry"
	"samara/registry/disk"
	"samara/registry/registrytest"
	"samara/verify"
)

// A disk that is full gives one typed error wherever it is met, and once there is
// room again the store goes on.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("samara-test", dir, "tmpfs", 0, "size=300m"); err != nil {
		t.Skipf("needs the right to mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	data := filepath.Join(dir, "data")
	s := openStore(t, data, registry.Options{})
	e := registrytest.Add(t, s, registrytest.NewVersion(t, s, "a/before", "one"))

	ballast := filepath.Join(dir, "ballast")
	fillUp(t, ballast)
	var full *disk.FullError
	if _, err := s.AddVersion(t.Context(), registry.NewVersion{Manifest: e.Version.Manifest, Reference: registrytest.Ref(t, "a/x")}); !errors.As(err, &full) {
		t.Errorf("add version: got %v", err)
	}
	if _, err := s.Journal().Append("test", "test", make([]byte, 100_000)); !errors.As(err, &full) {
		t.Errorf("journal: got %v", err)
	}
	if _, _, err := tryCommit(t, s, bytes.Repeat([]byte("x"), 1<<20)); !errors.As(err, &full) && !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("blob: got %v", err)
	}
	if err := s.CheckRoom(1); !errors.As(err, &full) || full.Code() != "disk_full" {
		t.Errorf("room: got %v", err)
	}
	if _, err := s.Lookup(t.Context(), e.Reference); err != nil {
		t.Errorf("reading on a full disk: %v", err)
	}
	if err := s.Remove(t.Context(), e.Reference, "test"); err != nil {
		t.Errorf("removing on a full disk: %v", err)
	}
	if got, err := s.GC(t.Context(), registry.GCOptions{}); err != nil || got.Versions != 1 {
		t.Errorf("collecting on a full disk: got %+v, %v", got, err)
	}
	fillUp(t, ballast)
	closeStore(t, s)
	if _, err := registry.Open(t.Context(), data, registry.Options{}); !errors.As(err, &full) {
		t.Errorf("open: got %v", err)
	}

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, data, registry.Options{})
	if err := s.Journal().Verify(); err != nil {
		t.Error(err)
	}
	registrytest.Add(t, s, registrytest.NewVersion(t, s, "a/after", "two"))
}

// fillUp writes to path until the disk is full.
func fillUp(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	chunk := make([]byte, 1<<20)
	for len(chunk) > 0 {
		if _, err := f.Write(chunk); err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			chunk = chunk[:len(chunk)/2]
		}
	}
}

func tryCommit(t *testing.T, s *registry.Store, content []byte) (string, verify.Digest, error) {
	t.Helper()
	tree, err := verify.HashFile(t.Context(), bytes.NewReader(content), int64(len(content)), 1)
	if err != nil {
		t.Fatal(err)
	}
	d, err := tree.Root()
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Blobs().NewTemp()
	if err != nil {
		return "", d, err
	}
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		return "", d, err
	}
	return f.Name(), d, s.Blobs().CommitFile(f.Name(), d, tree)
}
