package swarm

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"samara/magnets"
	"samara/verify"
)

// troubles collects what a store reports.
type troubles struct {
	mu   sync.Mutex
	errs []error
	lost []int
}

func (r *troubles) report(err error, lost []int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
	r.lost = append(r.lost, lost...)
}

func openRelease(t testing.TB, dir string, r *release, l Layout) (*store, *troubles) {
	t.Helper()
	tr := &troubles{}
	s, err := openIncoming(newFileCache(), dir, r.info, l.Files, tr.report)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	return s, tr
}

// fill writes piece i of r into s and marks it, as the client does.
func fill(t testing.TB, s *store, r *release, i int) {
	t.Helper()
	all := bytes.Join(r.data, nil)
	p := &piece{s, i, s.pieceLen(i)}
	b := all[s.pieceStart(i):][:p.len]
	if _, err := p.WriteAt(b, 0); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if _, err := p.WriteTo(&got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), b) {
		t.Fatalf("piece %d reads differently", i)
	}
	if err := p.MarkComplete(); err != nil {
		t.Fatal(err)
	}
}

// Whatever the sizes, the piece length and the order in which pieces come,
// the files and their trees are right at the end, and not before.
func TestStoreAnyOrder(t *testing.T) {
	base := t.TempDir()
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		sizes := rapid.SliceOfN(rapid.IntRange(0, 100_000), 1, 6).Draw(rt, "sizes")
		sizes = append(sizes, 1) // never nothing at all
		pieceLen := rapid.IntRange(magnets.MinPieceLength, 70_000).Draw(rt, "piece")
		r := newRelease(t, int64(pieceLen), sizes...)
		s, tr := openRelease(t, filepath.Join(base, fmt.Sprint(run)), r, layout(r.info))
		order := rapid.Permutation(slices.Collect(seq(r.info.Pieces))).Draw(rt, "order")
		for n, i := range order {
			select {
			case <-s.finished:
				rt.Fatalf("finished with %d of %d pieces", n, len(order))
			default:
			}
			fill(t, s, r, i)
		}
		<-s.finished
		for i, f := range s.states() {
			got, err := os.ReadFile(f.Path)
			if err != nil || !bytes.Equal(got, r.data[i]) {
				rt.Fatalf("file %d: %v", i, err)
			}
			if root, err := f.Tree.Root(); err != nil || root != verify.Sum(r.data[i]) {
				rt.Fatalf("file %d: %s, %v", i, root, err)
			}
		}
		if len(tr.errs) != 0 {
			rt.Fatal(tr.errs)
		}
	})
}

func seq(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
	}
}

// A store that is opened again in the same boot knows its pieces, and hashes
// their groups in the background.
func TestStoreReopened(t *testing.T) {
	r := newRelease(t, 64<<10, 300_000, 70_000)
	dir := filepath.Join(t.TempDir(), "x")
	s, _ := openRelease(t, dir, r, layout(r.info))
	for i := range r.info.Pieces - 1 {
		fill(t, s, r, i)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	again, tr := openRelease(t, dir, r, layout(r.info))
	if n := again.have.count(); n != r.info.Pieces-1 || again.doubts != 0 {
		t.Fatalf("%d pieces, %d doubtful", n, again.doubts)
	}
	fill(t, again, r, r.info.Pieces-1)
	<-again.finished
	for i, f := range again.states() {
		if root, err := f.Tree.Root(); err != nil || root != verify.Sum(r.data[i]) {
			t.Errorf("file %d: %s, %v", i, root, err)
		}
	}
	if len(tr.errs) != 0 {
		t.Error(tr.errs)
	}
}

// A file that was cut or removed behind our back loses its pieces.
func TestStoreLosesFiles(t *testing.T) {
	r := newRelease(t, 64<<10, 300_000, 70_000)
	dir := filepath.Join(t.TempDir(), "x")
	s, _ := openRelease(t, dir, r, layout(r.info))
	for i := range r.info.Pieces {
		fill(t, s, r, i)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(s.files[0].numbered, 70_000); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.files[1].numbered); err != nil {
		t.Fatal(err)
	}
	again, _ := openRelease(t, dir, r, layout(r.info))
	if n := again.have.count(); n != 1 {
		t.Errorf("%d pieces are left, want the first", n)
	}
}

// Verified bytes are synced on the way; pieces whose sync fails are not here.
func TestStoreSync(t *testing.T) {
	r := newRelease(t, 64<<10, 300_000)
	s, tr := openRelease(t, filepath.Join(t.TempDir(), "x"), r, layout(r.info))
	s.syncAt = 128 << 10
	for i := range 3 {
		fill(t, s, r, i)
	}
	s.work.Wait()
	if len(tr.errs) != 0 || len(s.unsynced) > 1 {
		t.Fatalf("%v, %d pieces unsynced", tr.errs, len(s.unsynced))
	}
	s.unsynced = nil
	fill(t, s, r, 3)
	s.cache.forget(s.files[0].numbered)
	if err := os.Remove(s.files[0].numbered); err != nil {
		t.Fatal(err)
	}
	p := &piece{s, 4, s.pieceLen(4)}
	if err := p.MarkComplete(); err != nil {
		t.Fatal(err)
	}
	s.work.Wait()
	if len(tr.errs) == 0 || !slices.Contains(tr.lost, 3) || s.have.has(3) {
		t.Errorf("%v, lost %v", tr.errs, tr.lost)
	}
}

// A read that fails while groups are hashed is made up for by retry.
func TestStoreRetry(t *testing.T) {
	r := newRelease(t, 100_000, 300_000)
	s, _ := openRelease(t, filepath.Join(t.TempDir(), "x"), r, layout(r.info))
	fill(t, s, r, 0)
	fill(t, s, r, 1)
	p := &piece{s, 2, s.pieceLen(2)}
	if _, err := p.WriteAt(r.data[0][200_000:], 0); err != nil {
		t.Fatal(err)
	}
	path := s.files[0].numbered
	s.cache.forget(path)
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	if err := p.MarkComplete(); err == nil {
		t.Fatal("no error without the file")
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	s.retry()
	<-s.finished
	if root, err := s.states()[0].Tree.Root(); err != nil || root != verify.Sum(r.data[0]) {
		t.Errorf("%s, %v", root, err)
	}
}
