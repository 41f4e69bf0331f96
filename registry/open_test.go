package registry_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"samara/registry"
	"samara/registry/disk"
	"samara/registry/journal"
	"samara/registry/registrytest"
	"samara/verify"
)

func closeStore(t *testing.T, s *registry.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// open is openStore for tests that close the store themselves.
func open(t *testing.T, dir string) *registry.Store {
	t.Helper()
	s, err := registry.Open(t.Context(), dir, registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func dump(t *testing.T, s *registry.Store) map[string]string {
	t.Helper()
	records, err := s.Dump()
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir, registry.Options{Socket: "/run/samara.sock"})
	_, err := registry.Open(t.Context(), dir, registry.Options{})
	var locked *registry.LockedError
	if !errors.As(err, &locked) || locked.PID != os.Getpid() || locked.Socket != "/run/samara.sock" || locked.Code() != "locked" {
		t.Errorf("got %v", err)
	}
	if err := registry.Rebuild(t.Context(), dir, registry.Options{}); !errors.As(err, &locked) {
		t.Errorf("rebuild: got %v", err)
	}
	registrytest.Add(t, s, registrytest.NewVersion(t, s, "a/b", "one"))
	closeStore(t, s)
	again := open(t, dir)
	defer closeStore(t, again)
	if _, err := again.Lookup(t.Context(), registrytest.Ref(t, "a/b")); err != nil {
		t.Error(err)
	}
}

func TestFormat(t *testing.T) {
	dir := t.TempDir()
	closeStore(t, open(t, dir))
	path := filepath.Join(dir, "FORMAT")
	if b, err := os.ReadFile(path); err != nil || string(b) != "1\n" {
		t.Fatalf("got %q, %v", b, err)
	}
	for _, text := range []string{"2\n", "0\n", "-1\n", "", "one\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := registry.Open(t.Context(), dir, registry.Options{})
		registrytest.WantCode(t, err, "unsupported_format")
		var format *registry.FormatError
		if !errors.As(err, &format) || !strings.Contains(format.Hint(), "--data") {
			t.Errorf("FORMAT %q: got %v, want a hint", text, err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	_, err := registry.Open(t.Context(), dir, registry.Options{})
	registrytest.WantCode(t, err, "unsupported_format")
	if err := registry.Rebuild(t.Context(), t.TempDir(), registry.Options{}); err == nil {
		t.Error("a folder that holds nothing was rebuilt")
	}
}

func TestDiskReserve(t *testing.T) {
	dir := t.TempDir()
	var space disk.Space
	o := registry.Options{Space: func(string) (disk.Space, error) { return space, nil }}
	for total, reserve := range map[uint64]uint64{
		1 << 40:         1 << 30,
		10 << 30:        512 << 20,
		100 << 20:       32 << 20,
		20 * (64 << 20): 64 << 20,
	} {
		space = disk.Space{Free: reserve - 1, Total: total}
		_, err := registry.Open(t.Context(), dir, o)
		registrytest.WantCode(t, err, "disk_full")
		space.Free = reserve + 1000
		s, err := registry.Open(t.Context(), dir, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.CheckRoom(1000); err != nil {
			t.Error(err)
		}
		registrytest.WantCode(t, s.CheckRoom(1001), "disk_full")
		closeStore(t, s)
	}
	space = disk.Space{Free: 1 << 30, Total: 10 << 30}
	s := openStore(t, dir, o)
	v := registrytest.NewVersion(t, s, "a/b", "one")
	before, _ := s.Journal().Head()
	space.Free = registry.MinDiskReserve - 1
	_, err := s.AddVersion(t.Context(), v)
	registrytest.WantCode(t, err, "disk_full")
	registrytest.WantCode(t, s.PutTransfer(t.Context(), registry.Transfer{ID: "1"}), "disk_full")
	if after, _ := s.Journal().Head(); after != before {
		t.Error("the journal was written to on a full disk")
	}
	space.Free = 1 << 30
	registrytest.Add(t, s, v)
}

// fill makes a store with something of every kind and returns its records.
func fill(t *testing.T, dir string) map[string]string {
	t.Helper()
	s := open(t, dir)
	defer closeStore(t, s)
	ctx := t.Context()
	one := registrytest.Add(t, s, registrytest.NewVersion(t, s, "acme/one", "one"))
	two := registrytest.NewVersion(t, s, "Acme/Two:v1", "two")
	two.Missing, two.FirstSeen = []string{"config.json"}, true
	registrytest.Add(t, s, two)
	gone := registrytest.Add(t, s, registrytest.NewVersion(t, s, "acme/gone", "gone"))
	moved := registrytest.NewVersion(t, s, "acme/one", "moved")
	moved.Move = true
	registrytest.Add(t, s, moved)
	dead := registrytest.Add(t, s, registrytest.NewVersion(t, s, "acme/dead", "dead"))
	for i := range 150 {
		ref := registrytest.Ref(t, fmt.Sprintf("many/name%d", i%7))
		if err := s.Tag(ctx, registrytest.Ref(t, []string{"acme/one", "acme/two:v1"}[i%2]), ref, true, "test"); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(
		s.Remove(ctx, registry.Reference{Digest: gone.Version.Digest}, "test"),
		s.Tag(ctx, registry.Reference{Digest: one.Version.Digest}, registrytest.Ref(t, "old"), false, "test"),
		s.Remove(ctx, dead.Reference, "test"),
	); err != nil {
		t.Fatal(err)
	}
	if got, err := s.GC(ctx, registry.GCOptions{Actor: "test"}); err != nil || got.Versions != 1 {
		t.Fatalf("got %+v, %v", got, err)
	}
	big := registrytest.NewVersion(t, s, "acme/big", "big")
	for i := range 30 { // more than one transaction holds
		big.Trackers = []string{fmt.Sprintf("http://%d.example/%s", i, strings.Repeat("x", registry.MaxURLsBytes-100))}
		registrytest.Add(t, s, big)
	}
	return forgetful(dump(t, s))
}

// forgetful drops what a rebuilt index does not know: the SHA-256 of blobs and
// transfers.
func forgetful(records map[string]string) map[string]string {
	for key, value := range records {
		switch key[0] {
		case 'b':
			records[key] = value[strings.LastIndex(value, `"size"`):]
		case 'x':
			delete(records, key)
		}
	}
	return records
}

// foreignIndex gives dir the index of another journal, which has at least n
// entries.
func foreignIndex(t *testing.T, dir string, n int) error {
	other := t.TempDir()
	s := open(t, other)
	for i := range n {
		if _, err := s.Journal().Append("test", "test", i); err != nil {
			return err
		}
	}
	registrytest.Add(t, s, registrytest.NewVersion(t, s, "not/here", "x"))
	closeStore(t, s)
	return errors.Join(os.RemoveAll(filepath.Join(dir, "index")),
		os.Rename(filepath.Join(other, "index"), filepath.Join(dir, "index")))
}

func TestRebuildGivesTheSameRecords(t *testing.T) {
	dir := t.TempDir()
	want := fill(t, dir)
	if len(want) < 30 {
		t.Fatalf("only %d records", len(want))
	}
	for name, lose := range map[string]func() error{
		"rebuild":     func() error { return registry.Rebuild(t.Context(), dir, registry.Options{}) },
		"folder gone": func() error { return os.RemoveAll(filepath.Join(dir, "index")) },
		"manifest of the index damaged": func() error {
			return os.WriteFile(filepath.Join(dir, "index", "MANIFEST"), []byte("not of Badger"), 0o600)
		},
		"index of a longer journal":  func() error { return foreignIndex(t, dir, 400) },
		"index of a shorter journal": func() error { return foreignIndex(t, dir, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := lose(); err != nil {
				t.Fatal(err)
			}
			s := open(t, dir)
			defer closeStore(t, s)
			if diff := cmp.Diff(want, forgetful(dump(t, s))); diff != "" {
				t.Errorf("records differ (-want +got):\n%s", diff)
			}
		})
	}
}

// A lost or changed manifest concerns its own version only.
func TestLostManifest(t *testing.T) {
	for name, lose := range map[string]func(path string) error{
		"gone": os.Remove,
		"changed": func(path string) error {
			return errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, []byte("samara manifest 1\n"), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			lost := registrytest.Add(t, s, registrytest.NewVersion(t, s, "acme/lost", "lost"))
			registrytest.Add(t, s, registrytest.NewVersion(t, s, "acme/sound", "sound"))
			closeStore(t, s)
			if err := lose(filepath.Join(dir, "manifests", lost.Version.Digest.Hex())); err != nil {
				t.Fatal(err)
			}
			s = open(t, dir)
			defer closeStore(t, s)
			_, err := s.Lookup(t.Context(), registrytest.Ref(t, "acme/lost"))
			registrytest.WantCode(t, err, "verification_failed")
			entries, _, err := s.List(t.Context(), registry.ListOptions{})
			if err != nil || len(entries) != 2 || entries[0].Version.Damaged == "" || entries[1].Version.Damaged != "" {
				t.Errorf("got %+v, %v", entries, err)
			}
			damaged := 0
			err = s.EachVersion(t.Context(), func(v registry.Version) error {
				if v.Damaged != "" && v.Digest == lost.Version.Digest {
					damaged++
				}
				return nil
			})
			if err != nil || damaged != 1 {
				t.Errorf("got %d damaged versions, %v, want 1", damaged, err)
			}
			// What the manifest names is not known: nothing may be collected.
			_, err = s.GC(t.Context(), registry.GCOptions{})
			registrytest.WantCode(t, err, "verification_failed")
			if err := s.Remove(t.Context(), registrytest.Ref(t, "acme/lost"), "test"); err != nil {
				t.Error(err)
			}
		})
	}
}

// openDirVar names the folder that TestOpenChild opens.
const openDirVar = "SAMARA_TEST_OPEN_DIR"

// TestOpenChild is a process that opens a folder and closes it.
func TestOpenChild(t *testing.T) {
	if dir := os.Getenv(openDirVar); dir != "" {
		closeStore(t, open(t, dir))
	}
}

// An index whose last opening ended the process is set aside.
func TestCrashedIndexIsSetAside(t *testing.T) {
	dir := t.TempDir()
	want := fill(t, dir)
	report := "panic: github.com/dgraph-io/badger/v4"
	if err := os.WriteFile(filepath.Join(dir, "index.crash"), []byte(report), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	defer closeStore(t, s)
	if diff := cmp.Diff(want, forgetful(dump(t, s))); diff != "" {
		t.Errorf("records differ (-want +got):\n%s", diff)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "quarantine", "index.reason")); err != nil || string(got) != report {
		t.Errorf("got reason %q, %v", got, err)
	}
}

// A table that was cut short ends the process in a goroutine of Badger's, unless
// it is found before.
func TestDamagedTablesAreSetAside(t *testing.T) {
	dir := t.TempDir()
	want := fill(t, dir)
	files, err := filepath.Glob(filepath.Join(dir, "index", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("got files %v, %v", files, err)
	}
	for _, path := range files {
		if err := os.Truncate(path, 50); err != nil {
			t.Fatal(err)
		}
	}
	openInChild := func() ([]byte, error) {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOpenChild$")
		child.Env = append(os.Environ(), openDirVar+"="+dir)
		return child.CombinedOutput()
	}
	if out, err := openInChild(); err != nil {
		t.Fatalf("the first start: %v\n%s", err, out)
	}
	s := open(t, dir)
	defer closeStore(t, s)
	if diff := cmp.Diff(want, forgetful(dump(t, s))); diff != "" {
		t.Errorf("records differ (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(dir, "quarantine", "index")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "index.crash")); err == nil {
		t.Error("the report of an opening that went well stays")
	}
}

// A crash between the journal and the index loses nothing.
func TestIndexCatchesUp(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	e := registrytest.Add(t, s, registrytest.NewVersion(t, s, "a/b", "one"))
	if err := s.AppendOnly(registrytest.Ref(t, "a/at-open"), e.Version.Digest); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	s = open(t, dir)
	defer closeStore(t, s)
	if _, err := s.Lookup(t.Context(), registrytest.Ref(t, "a/at-open")); err != nil {
		t.Errorf("after open: %v", err)
	}
	if err := s.AppendOnly(registrytest.Ref(t, "a/next-change"), e.Version.Digest); err != nil {
		t.Fatal(err)
	}
	if err := s.Tag(t.Context(), e.Reference, registrytest.Ref(t, "a/c"), false, "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lookup(t.Context(), registrytest.Ref(t, "a/next-change")); err != nil {
		t.Errorf("after the next change: %v", err)
	}
}

func TestBrokenJournalIsRefused(t *testing.T) {
	dir := t.TempDir()
	fill(t, dir)
	path := filepath.Join(dir, "journal", "journal.jsonl")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = registry.Open(t.Context(), dir, registry.Options{})
	var broken *journal.BrokenError
	if !errors.As(err, &broken) || broken.Line < 2 {
		t.Errorf("got %v", err)
	}
}

func TestDamagedManifest(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	e := registrytest.Add(t, s, registrytest.NewVersion(t, s, "a/b", "one"))
	closeStore(t, s)
	path := filepath.Join(dir, "manifests", e.Version.Digest.Hex())
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("samara manifest 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	defer closeStore(t, s)
	_, err := s.Lookup(t.Context(), e.Reference)
	registrytest.WantCode(t, err, "verification_failed")
	_, err = s.GC(t.Context(), registry.GCOptions{})
	registrytest.WantCode(t, err, "verification_failed")
	for _, f := range e.Version.Manifest.Files {
		if !s.Blobs().Has(f.Digest) {
			t.Errorf("file %s was collected", f.Path)
		}
	}
	if err := s.Remove(t.Context(), e.Reference, "test"); err != nil {
		t.Fatal(err)
	}
	registrytest.Add(t, s, registrytest.NewVersion(t, s, "a/b", "one"))
	if _, err := s.Lookup(t.Context(), e.Reference); err != nil {
		t.Errorf("added again: %v", err)
	}
}

func TestManyBlobRecords(t *testing.T) {
	s := openStore(t, t.TempDir(), registry.Options{})
	records := map[verify.Digest]registry.BlobFacts{}
	for i := range 7000 {
		records[verify.Sum(fmt.Append(nil, i))] = registry.BlobFacts{Size: int64(i), HasSHA256: true}
	}
	if err := s.PutBlobRecords(records); err != nil {
		t.Fatal(err)
	}
	for d, want := range records {
		if got, err := s.BlobFacts(t.Context(), d); err != nil || got != want {
			t.Fatalf("got %+v, %v, want %+v", got, err, want)
		}
	}
}

func TestNamesAreBounded(t *testing.T) {
	s := openStore(t, t.TempDir(), registry.Options{})
	e := registrytest.Add(t, s, registrytest.NewVersion(t, s, "a/b", "one"))
	var err error
	for i := range registry.MaxNames {
		if err = s.Tag(t.Context(), e.Reference, registrytest.Ref(t, fmt.Sprintf("a/b:t%d", i)), false, "test"); err != nil {
			break
		}
	}
	registrytest.WantCode(t, err, "too_large")
	registrytest.Add(t, s, registrytest.NewVersion(t, s, "a/b", "one"))
	if err := s.Remove(t.Context(), registry.Reference{Digest: e.Version.Digest}, "test"); err != nil {
		t.Fatal(err)
	}
	if list, _, err := s.List(t.Context(), registry.ListOptions{}); err != nil || len(list) != 0 {
		t.Errorf("got %d tags, %v", len(list), err)
	}
}

// Everything at once, and Close in the middle of it.
func TestConcurrentUse(t *testing.T) {
	s := open(t, t.TempDir())
	ctx := t.Context()
	v := registrytest.NewVersion(t, s, "a/b", "one")
	registrytest.Add(t, s, v)
	var wg sync.WaitGroup
	work := []func(i int) error{
		func(i int) error { _, err := s.AddVersion(ctx, v); return err },
		func(i int) error { _, err := s.Lookup(ctx, v.Reference); return err },
		func(i int) error { _, _, err := s.List(ctx, registry.ListOptions{}); return err },
		func(i int) error { _, err := s.GC(ctx, registry.GCOptions{}); return err },
		func(i int) error { _, err := s.Log(ctx, v.Reference, 3); return err },
		func(i int) error {
			return s.Tag(ctx, v.Reference, registry.Reference{Name: fmt.Sprintf("t%d", i%3), Tag: "x"}, true, "test")
		},
		func(i int) error { return s.PutTransfer(ctx, registry.Transfer{ID: fmt.Sprint(i % 3)}) },
	}
	for _, do := range work {
		wg.Go(func() {
			for i := range 1000 {
				if err := do(i); errors.Is(err, os.ErrClosed) {
					return
				} else if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 20 {
		if _, err := s.Transfers(ctx); err != nil {
			t.Error(err)
		}
	}
	closeStore(t, s)
	wg.Wait()
}
