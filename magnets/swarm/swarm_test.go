package swarm

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anacrolix/dht/v2"

	"samara/magnets"
	"samara/verify"
)

// Files whose sizes leave groups and pieces across every kind of boundary.
var oddSizes = []int{0, 1, 16 << 10, 100_000, 16<<10 - 1, 3<<20 + 77, 5, 1 << 20, 200_001}

func TestTwoSwarms(t *testing.T) {
	for _, piece := range []int64{16 << 10, 100_000, 1 << 20} {
		r := newRelease(t, piece, oddSizes...)
		from, _ := seed(t, r)
		to := newSwarm(t, t.TempDir())
		tor := fetch(t, to, r, layout(r.info), from.Addr())
		waitDone(t, tor)
		checkFiles(t, r, tor)
		st := tor.Stats()
		if st.State != StateSeeding || st.BytesDone != r.info.Length() || st.BytesTotal != st.BytesDone || st.PiecesDone != r.info.Pieces || st.PiecesTotal != r.info.Pieces {
			t.Errorf("piece %d: %+v", piece, st)
		}
	}
}

func TestRebaseGoesOnSeeding(t *testing.T) {
	r := newRelease(t, 64<<10, 300_000, 0, 200_000)
	from, _ := seed(t, r)
	middle := newSwarm(t, t.TempDir())
	tor := fetch(t, middle, r, layout(r.info), from.Addr())
	if err := tor.Rebase(r.paths); err == nil && tor.Stats().State != StateSeeding {
		t.Error("rebased while fetching")
	}
	waitDone(t, tor)
	if err := middle.RemoveIncoming(r.info.InfoHash); err == nil {
		t.Error("removed files in use")
	}
	blobs := t.TempDir()
	var paths []string
	for i, f := range tor.Files() {
		path := filepath.Join(blobs, filepath.Base(f.Path))
		if err := os.Rename(f.Path, path); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, 0o400); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
		_ = i
	}
	if err := tor.Rebase(paths); err != nil {
		t.Fatal(err)
	}
	if err := middle.RemoveIncoming(r.info.InfoHash); err != nil {
		t.Fatal(err)
	}
	if err := from.Close(); err != nil {
		t.Fatal(err)
	}
	last := newSwarm(t, t.TempDir())
	got := fetch(t, last, r, layout(r.info), middle.Addr())
	waitDone(t, got)
	checkFiles(t, r, got)
	if up := tor.Stats().Uploaded; up < r.info.Length() {
		t.Errorf("%d bytes uploaded, want %d", up, r.info.Length())
	}
}

// A skipped file is not fetched, but what its neighbours share with it is,
// and the wanted files are right.
func TestSkip(t *testing.T) {
	r := newRelease(t, 64<<10, 100_000, 2_000_000, 100_000)
	from, seeder := seed(t, r)
	dir := t.TempDir()
	to := newSwarm(t, dir)
	tor := fetch(t, to, r, layout(r.info, 1), from.Addr())
	waitDone(t, tor)
	checkFiles(t, r, tor)
	st := tor.Stats()
	if st.BytesTotal != 200_000 || st.BytesDone != 200_000 || st.PiecesDone >= r.info.Pieces {
		t.Errorf("%+v", st)
	}
	if up := seeder.Stats().Uploaded; up > 5*64<<10 {
		t.Errorf("%d bytes came", up)
	}
	f := tor.Files()
	if f[1].Path != "" || f[1].Tree != nil {
		t.Errorf("skipped file: %+v", f[1])
	}
	// The whole files become blobs, the skipped one is gone.
	if err := tor.Rebase([]string{r.paths[0], "", r.paths[2]}); err != nil {
		t.Fatal(err)
	}
	if after := tor.Stats(); after.PiecesDone >= st.PiecesDone || after.PiecesDone == 0 {
		t.Errorf("%d pieces after, %d before", after.PiecesDone, st.PiecesDone)
	}
}

// A file that is known is read where it lies, and what it shares with wanted
// files is fetched without touching it.
func TestBlob(t *testing.T) {
	r := newRelease(t, 64<<10, 100_000, 2_000_000, 100_000)
	from, seeder := seed(t, r)
	to := newSwarm(t, t.TempDir())
	l := layout(r.info)
	l.Files[1].Blob = r.paths[1]
	if err := os.Chmod(r.paths[1], 0o400); err != nil {
		t.Fatal(err)
	}
	tor := fetch(t, to, r, l, from.Addr())
	waitDone(t, tor)
	checkFiles(t, r, tor)
	if up := seeder.Stats().Uploaded; up > 5*64<<10 {
		t.Errorf("%d bytes came", up)
	}
	eventually(t, "blob pieces are hashed and offered", func() bool { return tor.Stats().PiecesDone == r.info.Pieces })
	if st := tor.Stats(); st.BytesTotal != r.info.Length() || st.BytesDone != st.BytesTotal {
		t.Errorf("%+v", st)
	}
}

// A kill between two commits: one file has left its number for its place in
// the store, the bitmap knows the pieces, and none is fetched again.
func TestKilledWhileCommitting(t *testing.T) {
	r := newRelease(t, 64<<10, 100_000, 300_000)
	from, seeder := seed(t, r)
	dir := t.TempDir()
	first := newSwarm(t, dir)
	tor := fetch(t, first, r, layout(r.info), from.Addr())
	waitDone(t, tor)
	committed := tor.Files()[0].Path
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(committed); err != nil {
		t.Fatal(err)
	}
	before := seeder.Stats().Uploaded
	l := layout(r.info)
	l.Files[0].Blob = r.paths[0]
	tor = fetch(t, newSwarm(t, dir), r, l, from.Addr())
	waitDone(t, tor)
	checkFiles(t, r, tor)
	if got := seeder.Stats().Uploaded - before; got != 0 {
		t.Errorf("%d bytes came, want none", got)
	}

	// With a file in the store that is not what the pieces say, its shared
	// piece is fetched, the file itself left alone.
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, make([]byte, 100_000), 0o400); err != nil {
		t.Fatal(err)
	}
	second := newSwarm(t, dir)
	l.Files[0].Blob = other
	tor = fetch(t, second, r, l, from.Addr())
	waitDone(t, tor)
	if root, err := tor.Files()[1].Tree.Root(); err != nil || root != verify.Sum(r.data[1]) {
		t.Errorf("the wanted file: %s, %v", root, err)
	}
	if got := seeder.Stats().Uploaded - before; got != 64<<10 {
		t.Errorf("%d bytes came, want one piece", got)
	}
}

func TestNothingWanted(t *testing.T) {
	r := newRelease(t, 64<<10, 100_000, 0)
	from, _ := seed(t, r)
	tor := fetch(t, newSwarm(t, t.TempDir()), r, layout(r.info, 0), from.Addr())
	waitDone(t, tor)
	if f := tor.Files()[1]; !f.Tree.Complete() {
		t.Error("the empty file has no digest")
	}
}

func TestNothingIsWrittenBeforeStart(t *testing.T) {
	r := newRelease(t, 64<<10, 100_000)
	from, _ := seed(t, r)
	dir := t.TempDir()
	s := newSwarm(t, dir)
	tor, err := s.Add(t.Context(), Spec{Link: r.link(), Peers: []string{from.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	if st := tor.Stats(); st.State != StateResolving && st.State != StateResolved {
		t.Errorf("state %s", st.State)
	}
	info, err := tor.Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.InfoHash != r.info.InfoHash || !info.HasBlake3 {
		t.Errorf("got %+v", info)
	}
	if st := tor.Stats(); st.State != StateResolved || st.PiecesTotal != r.info.Pieces {
		t.Errorf("%+v", st)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 0 {
		t.Errorf("%v %v", entries, err)
	}
}

func TestPauseResume(t *testing.T) {
	r := newRelease(t, 64<<10, 1_000_000)
	from, seeder := seed(t, r)
	to := newSwarm(t, t.TempDir())
	tor, err := to.Add(t.Context(), Spec{Info: r.info.Bytes})
	if err != nil {
		t.Fatal(err)
	}
	tor.Pause()
	if err := tor.Start(t.Context(), layout(r.info)); err != nil {
		t.Fatal(err)
	}
	tor.AddPeers([]string{from.Addr()})
	if st := tor.Stats(); st.State != StatePaused {
		t.Errorf("state %s", st.State)
	}
	time.Sleep(300 * time.Millisecond) // time enough for a client that does not pause
	if up := seeder.Stats().Uploaded; up != 0 {
		t.Errorf("%d bytes came while paused", up)
	}
	tor.Resume()
	waitDone(t, tor)
	checkFiles(t, r, tor)
}

// A seeder that appears only after the client tried it is found all the same.
func TestNamedPeerComesLater(t *testing.T) {
	r := newRelease(t, 64<<10, 100_000)
	from, seeder := seed(t, r)
	addr := from.Addr()
	if err := from.Close(); err != nil {
		t.Fatal(err)
	}
	_ = seeder
	to := newSwarm(t, t.TempDir())
	tor, err := to.Add(t.Context(), Spec{Link: r.link(), Peers: []string{addr}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := tor.Metadata(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("metadata: %v", err)
	}
	late, err := New(Config{Dir: t.TempDir(), Listen: addr})
	if err != nil {
		t.Skipf("the port was taken meanwhile: %v", err)
	}
	defer late.Close()
	if _, err := late.Seed(t.Context(), r.info.Bytes, r.paths, nil, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), waitTime)
	defer cancel()
	if _, err := tor.Metadata(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestErrors(t *testing.T) {
	r := newRelease(t, 64<<10, 100_000)
	s := newSwarm(t, t.TempDir())
	tor, err := s.Add(t.Context(), Spec{Link: r.link()})
	if err != nil {
		t.Fatal(err)
	}
	var exists *ExistsError
	if _, err := s.Add(t.Context(), Spec{Info: r.info.Bytes}); !errors.As(err, &exists) {
		t.Errorf("second add: %v", err)
	}
	if _, err := s.Add(t.Context(), Spec{}); err == nil {
		t.Error("no infohash: no error")
	}
	var bad *magnets.InfoError
	if _, err := s.Add(t.Context(), Spec{Info: []byte("d4:name2:..e")}); !errors.As(err, &bad) {
		t.Errorf("bad info: %v", err)
	}
	other := magnets.Link{InfoHash: magnets.Hash{1}, HasV1: true}
	if _, err := s.Add(t.Context(), Spec{Link: other, Info: r.info.Bytes}); !errors.As(err, &bad) {
		t.Errorf("other link: %v", err)
	}
	if _, err := s.Seed(t.Context(), r.info.Bytes, nil, nil, nil); err == nil {
		t.Error("too few paths: no error")
	}
	if _, err := s.Seed(t.Context(), r.info.Bytes, []string{"/nowhere"}, nil, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing blob: %v", err)
	}
	if err := tor.Rebase(nil); err == nil {
		t.Error("rebase before start: no error")
	}
	if err := tor.Drop(); err != nil {
		t.Fatal(err)
	}
	if tor.Stats().State != StateDropped {
		t.Errorf("state %s", tor.Stats().State)
	}
	if _, err := tor.Metadata(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("metadata of a dropped torrent: %v", err)
	}
	again, err := s.Add(t.Context(), Spec{Info: r.info.Bytes})
	if err != nil {
		t.Fatalf("add after drop: %v", err)
	}
	short := layout(r.info)
	short.Files[0].Size--
	if err := again.Start(t.Context(), short); err == nil {
		t.Error("wrong layout: no error")
	}
	if err := again.Start(t.Context(), layout(r.info)); err != nil {
		t.Fatal(err)
	}
	if err := again.Start(t.Context(), layout(r.info)); err == nil {
		t.Error("second start: no error")
	}
	var listen *ListenError
	if _, err := New(Config{Listen: s.Addr()}); !errors.As(err, &listen) || listen.Code() != "address_in_use" {
		t.Errorf("taken port: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Add(t.Context(), Spec{Info: r.info.Bytes}); !errors.Is(err, ErrClosed) {
		t.Errorf("add after close: %v", err)
	}
}

// A swarm joins the DHT through a node that it may contact, and only then.
func TestDHT(t *testing.T) {
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	start := func(allow []netip.Prefix, node string) *Swarm {
		s, err := New(Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", DHT: true, DHTNodes: []string{node}, AllowPrivate: allow})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
		return s
	}
	goodNodes := func(s *Swarm) int {
		return s.dht.(*dht.Server).Stats().GoodNodes
	}
	first := start(loopback, "127.0.0.1:1")
	guarded := start(nil, first.Addr())
	second := start(loopback, first.Addr())
	eventually(t, "the second node knows the first", func() bool { return goodNodes(second) == 1 })
	if n := goodNodes(guarded); n != 0 {
		t.Errorf("%d nodes known on loopback though nobody allowed it", n)
	}
	if _, err := New(Config{DHT: true, Airgap: true}); err == nil {
		t.Error("DHT across an air gap: no error")
	}
}

// A port that is taken is named once, with what to do.
func TestListenTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = New(Config{Dir: t.TempDir(), Listen: l.Addr().String()})
	var taken *ListenError
	if !errors.As(err, &taken) || taken.Code() != "address_in_use" {
		t.Fatalf("got %v, want a *ListenError", err)
	}
	if n := strings.Count(err.Error(), l.Addr().String()); n != 1 || !strings.Contains(taken.Hint(), "port 0") {
		t.Errorf("the address stands %d times in %q, hint %q", n, err, taken.Hint())
	}
}
