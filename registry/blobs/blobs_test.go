package blobs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"samara/registry/blobs"
	"samara/verify"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string) *blobs.Store {
	t.Helper()
	s, err := blobs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// temp writes content to a new temporary file and returns its path and tree.
func temp(t *testing.T, s *blobs.Store, content []byte) (string, verify.Digest, *verify.Tree) {
	t.Helper()
	f, err := s.NewTemp()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
	tree, err := verify.HashFile(t.Context(), f, int64(len(content)), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	d, err := tree.Root()
	if err != nil {
		t.Fatal(err)
	}
	return f.Name(), d, tree
}

func put(t *testing.T, s *blobs.Store, content []byte) verify.Digest {
	t.Helper()
	path, d, tree := temp(t, s, content)
	if err := s.CommitFile(path, d, tree); err != nil {
		t.Fatal(err)
	}
	return d
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestCommitAndRead(t *testing.T) {
	s := open(t, t.TempDir())
	content := bytes.Repeat([]byte("weights "), 10_000)
	path, d, tree := temp(t, s, content)
	if s.Has(d) {
		t.Error("the blob is there before it is committed")
	}
	if err := s.CommitFile(path, d, tree); err != nil {
		t.Fatal(err)
	}
	if exists(path) {
		t.Error("the file is still under incoming")
	}
	f, err := s.Open(d)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	st, err := f.Stat()
	if err != nil || st.Mode().Perm() != 0o444 {
		t.Errorf("mode: got %v, %v", st.Mode(), err)
	}
	if size, err := s.Stat(d); err != nil || size != int64(len(content)) {
		t.Errorf("size: got %d, %v", size, err)
	}
	back, err := s.Tree(d)
	if err != nil || !back.VerifyGroup(1, content[verify.GroupSize:2*verify.GroupSize]) {
		t.Errorf("tree: %v", err)
	}
	if want := filepath.Join("blobs", d.Hex()[:2], d.Hex()); !strings.HasSuffix(s.Path(d), want) {
		t.Errorf("path: got %s, want …%s", s.Path(d), want)
	}
}

func TestCommitTwiceKeepsTheFirst(t *testing.T) {
	s := open(t, t.TempDir())
	d := put(t, s, []byte("weights"))
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(s.Path(d), old, old); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(s.Path(d))
	if err != nil {
		t.Fatal(err)
	}
	path, d, tree := temp(t, s, []byte("weights"))
	if err := s.CommitFile(path, d, tree); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(s.Path(d))
	if err != nil || !os.SameFile(before, after) || exists(path) {
		t.Errorf("the blob was replaced or the file stays, %v", err)
	}
	if age, err := s.Age(d, time.Now()); err != nil || age > time.Minute {
		t.Errorf("age: got %v, %v", age, err)
	}
	if err := os.Remove(s.Path(d) + ".tree"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Tree(d); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("lost tree: got %v", err)
	}
	put(t, s, []byte("weights"))
	if _, err := s.Tree(d); err != nil {
		t.Errorf("a lost tree does not come back: %v", err)
	}
}

func TestCommitConcurrently(t *testing.T) {
	s := open(t, t.TempDir())
	var wg sync.WaitGroup
	for i := range 8 {
		path, d, tree := temp(t, s, fmt.Appendf(nil, "content %d", i%2))
		wg.Go(func() {
			if err := s.CommitFile(path, d, tree); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	n := 0
	if err := s.List(func(verify.Digest, int64) error { n++; return nil }); err != nil || n != 2 {
		t.Errorf("got %d blobs, %v", n, err)
	}
}

func TestCommitRefuses(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	path, d, tree := temp(t, s, []byte("weights"))
	outside := filepath.Join(dir, "outside")
	link := filepath.Join(s.Incoming(), "link")
	if err := errors.Join(os.WriteFile(outside, []byte("weights"), 0o600), os.Symlink(outside, link)); err != nil {
		t.Fatal(err)
	}
	longer, _, _ := temp(t, s, []byte("weights!"))
	var mismatch *verify.MismatchError
	if err := s.CommitFile(path, verify.Digest{1}, tree); !errors.As(err, &mismatch) {
		t.Errorf("another digest: got %v", err)
	}
	var unfinished *verify.TreeError
	if err := s.CommitFile(path, d, verify.NewTree(7)); !errors.As(err, &unfinished) {
		t.Errorf("an unfinished tree: got %v", err)
	}
	var size *verify.SizeError
	if err := s.CommitFile(longer, d, tree); !errors.As(err, &size) {
		t.Errorf("another size: got %v", err)
	}
	for _, p := range []string{outside, link, filepath.Join(s.Incoming(), "none"), s.Incoming(), filepath.Join(s.Incoming(), "..", "outside")} {
		if err := s.CommitFile(p, d, tree); err == nil {
			t.Errorf("%s was committed", p)
		}
	}
	if s.Has(d) || !exists(path) || !exists(longer) || !exists(outside) {
		t.Error("a refused file was taken")
	}
}

func TestOpenCleansTemporaryFiles(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	path, _, _ := temp(t, s, []byte("weights"))
	kept := filepath.Join(s.Incoming(), "0123")
	if err := os.MkdirAll(kept, 0o700); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	if exists(path) || !exists(kept) {
		t.Error("Open removes the wrong files")
	}
}

func TestRemoveAndSweep(t *testing.T) {
	s := open(t, t.TempDir())
	one, two := put(t, s, []byte("one")), put(t, s, []byte("two"))
	f, err := s.Open(one)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for range 2 {
		if err := s.Remove(one); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := io.ReadAll(f); err != nil || string(b) != "one" {
		t.Errorf("an open blob that was removed: %q, %v", b, err)
	}
	var none *blobs.NotFoundError
	if _, err := s.Open(one); !errors.As(err, &none) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Stat(one); !errors.As(err, &none) {
		t.Errorf("got %v", err)
	}
	orphan, mark := s.Path(one)+".tree", s.Path(one)+".bad"
	for _, path := range []string{orphan, mark} {
		if err := os.WriteFile(path, []byte("x"), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(s.Path(two)+".tree.new", []byte("x"), 0o400); err != nil {
		t.Fatal(err)
	}
	if err := s.Sweep(); err != nil {
		t.Fatal(err)
	}
	if exists(orphan) || exists(mark) || exists(s.Path(two)+".tree.new") {
		t.Error("an orphaned tree or mark stays")
	}
	if _, err := s.Tree(two); err != nil {
		t.Errorf("a tree in use was swept: %v", err)
	}
}

func TestCheck(t *testing.T) {
	s := open(t, t.TempDir())
	content := bytes.Repeat([]byte("0123456789abcdef"), 3000)
	d, size := put(t, s, content), int64(len(content))
	check := func(want ...verify.BadRange) {
		t.Helper()
		got, err := s.Check(t.Context(), d, size, nil)
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
	check()
	if err := os.Chmod(s.Path(d), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(s.Path(d), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("X"), 20_000); err != nil {
		t.Fatal(err)
	}
	check(verify.BadRange{Offset: verify.GroupSize, Length: verify.GroupSize})
	if err := f.Truncate(40_000); err != nil {
		t.Fatal(err)
	}
	check(verify.BadRange{Offset: verify.GroupSize, Length: size - verify.GroupSize})
	if _, err := f.WriteAt(append(content, "more"...), 0); err != nil {
		t.Fatal(err)
	}
	check(verify.BadRange{Offset: size, Length: 4})
	if err := os.Remove(s.Path(d) + ".tree"); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	check()
	if err := os.WriteFile(s.Path(d)+".tree", []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	check()
	var none *blobs.NotFoundError
	if _, err := s.Check(t.Context(), verify.Digest{1}, 1, nil); !errors.As(err, &none) {
		t.Errorf("got %v", err)
	}
}

// A tree that belongs to other bytes proves nothing.
// TestDamagedIsReplaced follows a blob from the check that finds it damaged to
// the commit that mends it.
func TestDamagedIsReplaced(t *testing.T) {
	s := open(t, t.TempDir())
	content := bytes.Repeat([]byte("0123456789abcdef"), 3000)
	d, size := put(t, s, content), int64(len(content))
	overwrite := func(b []byte) {
		t.Helper()
		if err := errors.Join(os.Chmod(s.Path(d), 0o600), os.WriteFile(s.Path(d), b, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	isDamaged := func(want bool) {
		t.Helper()
		_, statErr := s.Stat(d)
		f, openErr := s.Open(d)
		if openErr == nil {
			openErr = f.Close()
		}
		for _, err := range []error{statErr, openErr} {
			var damaged *blobs.DamagedError
			if errors.As(err, &damaged) != want || !want && err != nil {
				t.Errorf("got %v, want damaged: %v", err, want)
			}
		}
	}
	check := func() {
		t.Helper()
		if _, err := s.Check(t.Context(), d, size, nil); err != nil {
			t.Fatal(err)
		}
	}
	overwrite(bytes.Replace(content, []byte("f"), []byte("F"), 1))
	check()
	isDamaged(true)
	if b, err := os.ReadFile(s.Path(d) + ".bad"); err != nil || !strings.Contains(string(b), "bytes 0-16383 ") {
		t.Errorf("the mark says %q (%v), want the range", b, err)
	}
	put(t, s, content)
	isDamaged(false)
	if b, err := os.ReadFile(s.Path(d)); err != nil || !bytes.Equal(b, content) {
		t.Errorf("after a commit the blob is still damaged (%v)", err)
	}
	check()
	isDamaged(false)

	overwrite([]byte("short")) // which nobody has checked yet
	put(t, s, content)
	if got, err := s.Stat(d); err != nil || got != size {
		t.Errorf("a blob of another size was kept: %d bytes, %v", got, err)
	}
	overwrite([]byte("short"))
	check()
	overwrite(content) // put back by hand
	isDamaged(true)
	check()
	isDamaged(false)

	overwrite([]byte("short"))
	check()
	if err := s.Remove(d); err != nil || exists(s.Path(d)+".bad") {
		t.Errorf("a removed blob left its mark (%v)", err)
	}
}

func TestTreeIsProven(t *testing.T) {
	s := open(t, t.TempDir())
	one, two := put(t, s, []byte("one")), put(t, s, []byte("two"))
	if err := os.Rename(s.Path(two)+".tree", s.Path(one)+".tree"); err != nil {
		t.Fatal(err)
	}
	var mismatch *verify.MismatchError
	if _, err := s.Tree(one); !errors.As(err, &mismatch) {
		t.Errorf("got %v", err)
	}
}

func TestQuarantine(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	path, _, _ := temp(t, s, []byte("weights"))
	if err := s.Quarantine(path, "got x, want y"); err != nil {
		t.Fatal(err)
	}
	reasons, err := filepath.Glob(filepath.Join(dir, "quarantine", "*-"+filepath.Base(path)+".reason"))
	if err != nil || len(reasons) != 1 {
		t.Fatalf("got %q, %v", reasons, err)
	}
	reason, err := os.ReadFile(reasons[0])
	if err != nil || string(reason) != "got x, want y\n" {
		t.Errorf("got %q, %v", reason, err)
	}
	if b, err := os.ReadFile(strings.TrimSuffix(reasons[0], ".reason")); err != nil || string(b) != "weights" {
		t.Errorf("got %q, %v", b, err)
	}
	if err := s.Quarantine(filepath.Join(dir, "..", "x"), ""); err == nil {
		t.Error("a file outside was taken")
	}
}

func TestClone(t *testing.T) {
	s := open(t, t.TempDir())
	src, err := s.NewTemp()
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if _, err := src.WriteString("weights"); err != nil {
		t.Fatal(err)
	}
	dst, err := s.NewTemp()
	if err != nil {
		t.Fatal(err)
	}
	defer dst.Close()
	shared, err := s.Clone(src, dst)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(dst.Name())
	if err != nil {
		t.Fatal(err)
	}
	if want := map[bool]string{true: "weights", false: ""}[shared]; string(b) != want {
		t.Errorf("shared %t: got %q", shared, b)
	}
}
