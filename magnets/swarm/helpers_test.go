package swarm

import (
	"bytes"
	"context"
	"crypto/sha1"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"samara/magnets"
	"samara/verify"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		childMain()
		return
	}
	code := m.Run()
	if code == 0 {
		if err := leaked(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// leaked waits for what closed swarms left: announces to trackers and DHT
// queries end by their own time limits, within half a minute.
func leaked() error {
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		// A DHT node that is closed while it joins leaves its look-up waiting:
		// the library's own leak, one goroutine a node.
		err = goleak.Find(goleak.IgnoreAnyFunction("github.com/anacrolix/dht/v2/traversal.(*Operation).run"))
		if err == nil {
			return nil
		}
	}
	return err
}

// A release is a set of files and the torrent that Samara makes of them.
type release struct {
	info  *magnets.Info
	paths []string // of each file of info
	data  [][]byte
}

// newRelease writes files of the given sizes under a new folder; piece is the
// piece length.
func newRelease(t testing.TB, piece int64, sizes ...int) *release {
	t.Helper()
	dir := t.TempDir()
	r := &release{}
	random := rand.NewChaCha8([32]byte{byte(len(sizes)), byte(piece >> 16), 7})
	b := magnets.BuildInfo{Name: "release", PieceLength: piece}
	var all []byte
	for i, size := range sizes {
		data := make([]byte, size)
		if _, err := io.ReadFull(random, data); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, fmt.Sprintf("source-%d", i))
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		r.paths = append(r.paths, path)
		r.data = append(r.data, data)
		all = append(all, data...)
		b.Files = append(b.Files, magnets.File{Path: fmt.Sprintf("f%03d.bin", i), Size: int64(size), Blake3: verify.Sum(data)})
	}
	for off := 0; off < len(all); off += int(piece) {
		sum := sha1.Sum(all[off:min(len(all), off+int(piece))])
		b.Pieces = append(b.Pieces, sum[:]...)
	}
	raw, err := magnets.Build(b)
	if err != nil {
		t.Fatal(err)
	}
	if r.info, err = magnets.ParseInfo(raw); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *release) link() magnets.Link {
	return magnets.Link{InfoHash: r.info.InfoHash, HasV1: true, Name: "release"}
}

// layout wants every file of info but those that skip names.
func layout(info *magnets.Info, skip ...int) Layout {
	l := Layout{Files: make([]LayoutFile, len(info.Files))}
	for i, f := range info.Files {
		l.Files[i].Size = f.Size
	}
	for _, i := range skip {
		l.Files[i].Skip = true
	}
	return l
}

// newSwarm starts a swarm that listens on loopback.
func newSwarm(t testing.TB, dir string) *Swarm {
	t.Helper()
	s, err := New(Config{Dir: dir, Listen: "127.0.0.1:0"})
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

// seed offers r on a swarm of its own.
func seed(t testing.TB, r *release) (*Swarm, *Torrent) {
	t.Helper()
	s := newSwarm(t, t.TempDir())
	tor, err := s.Seed(t.Context(), r.info.Bytes, r.paths, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, tor
}

// waitTime is how long a test waits for what must happen.
const waitTime = 60 * time.Second

func waitDone(t testing.TB, tor *Torrent) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitTime)
	defer cancel()
	for {
		select {
		case <-tor.Done():
			return
		case <-time.After(100 * time.Millisecond):
			if err := tor.Trouble(); err != nil {
				t.Fatalf("trouble: %v", err)
			}
		case <-ctx.Done():
			t.Fatalf("not done: %+v", tor.Stats())
		}
	}
}

// eventually waits until ok holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(waitTime); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still not so after %v: %s", waitTime, what)
		}
	}
}

// fetch adds r by its magnet link from peers and starts it.
func fetch(t testing.TB, s *Swarm, r *release, l Layout, peers ...string) *Torrent {
	t.Helper()
	tor, err := s.Add(t.Context(), Spec{Link: r.link(), Peers: peers})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), waitTime)
	defer cancel()
	if _, err := tor.Metadata(ctx); err != nil {
		t.Fatalf("metadata: %v", err)
	}
	if err := tor.Start(ctx, l); err != nil {
		t.Fatal(err)
	}
	return tor
}

// checkFiles compares the wanted files and their trees with r.
func checkFiles(t testing.TB, r *release, tor *Torrent) {
	t.Helper()
	for i, f := range tor.Files() {
		if f.Path == "" {
			continue
		}
		got, err := os.ReadFile(f.Path)
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(got, r.data[i]) {
			t.Errorf("file %d differs", i)
		}
		if f.Tree == nil {
			continue
		}
		root, err := f.Tree.Root()
		if err != nil {
			t.Errorf("file %d: %v", i, err)
		} else if root != verify.Sum(r.data[i]) {
			t.Errorf("file %d: root %s, want %s", i, root, verify.Sum(r.data[i]))
		}
		if f.Done != f.Size {
			t.Errorf("file %d: %d bytes done, want %d", i, f.Done, f.Size)
		}
	}
}

const childEnv = "SAMARA_SWARM_CHILD"

func sha1Sum(b []byte) [20]byte { return sha1.Sum(b) }

func bencodeInt(n int) string { return fmt.Sprintf("i%de", n) }

func bencodeString(s string) string { return fmt.Sprintf("%d:%s", len(s), s) }

// newTracker is a tracker that answers every announce with one peer.
func newTracker(t testing.TB, peer string) string {
	t.Helper()
	a := netip.MustParseAddrPort(peer)
	ip := a.Addr().As4()
	compact := append(ip[:], byte(a.Port()>>8), byte(a.Port()))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "d8:intervali60e5:peers%se", bencodeString(string(compact)))
	}))
	t.Cleanup(server.Close)
	return server.URL + "/announce"
}
