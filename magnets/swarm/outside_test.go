package swarm

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"samara/magnets"
	"samara/verify"
)

// libtorrentPython returns a python that imports libtorrent, or skips.
func libtorrentPython(t testing.TB) string {
	t.Helper()
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(python, "-c", "import libtorrent").Run() == nil {
			return python
		}
	}
	t.Skip("no python3 with libtorrent (apt install python3-libtorrent)")
	return ""
}

// libtorrent runs testdata/libtorrent_peer.py to its end.
func libtorrent(t testing.TB, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), waitTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, libtorrentPython(t), append([]string{"testdata/libtorrent_peer.py"}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("libtorrent %s: %v\n%s", args[0], err, out)
	}
	return string(out)
}

// libtorrentSeed seeds a torrent from libtorrent and returns its address.
func libtorrentSeed(t testing.TB, torrent, parent string) string {
	t.Helper()
	cmd := exec.Command(libtorrentPython(t), "testdata/libtorrent_peer.py", "seed", torrent, parent)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close() // ends it
		if err := cmd.Wait(); err != nil {
			t.Errorf("libtorrent: %v", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var port int
	if _, err := fmt.Sscanf(line, "port %d", &port); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// A foreign is a folder of files, or one file, and the torrent that libtorrent
// makes of it.
type foreign struct {
	parent, file string
	tor          *magnets.Torrent
}

func newForeign(t *testing.T, kind string, sizes ...int) *foreign {
	t.Helper()
	f := &foreign{parent: t.TempDir()}
	source := filepath.Join(f.parent, "model")
	r := newRelease(t, 64<<10, sizes...)
	for i, data := range r.data {
		path := source
		if len(sizes) > 1 {
			path = filepath.Join(source, fmt.Sprintf("part-%d", i%2), fmt.Sprintf("file-%d.bin", i))
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.file = filepath.Join(f.parent, "model.torrent")
	libtorrent(t, "make", kind, source, f.file, "65536")
	raw, err := os.ReadFile(f.file)
	if err != nil {
		t.Fatal(err)
	}
	if f.tor, err = magnets.ParseTorrent(raw); err != nil {
		t.Fatal(err)
	}
	return f
}

// path returns where file i of the torrent lies under parent.
func (f *foreign) path(parent string, i int) string {
	if f.tor.Info.SingleFile {
		return filepath.Join(parent, "model")
	}
	return filepath.Join(parent, "model", f.tor.Info.Files[i].Path)
}

// fetch gets the torrent from libtorrent by a swarm of ours.
func (f *foreign) fetch(t *testing.T, spec Spec) *Swarm {
	t.Helper()
	spec.Peers = []string{libtorrentSeed(t, f.file, f.parent)}
	s := newSwarm(t, t.TempDir())
	tor, err := s.Add(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), waitTime)
	defer cancel()
	if _, err := tor.Metadata(ctx); err != nil {
		t.Fatal(err)
	}
	if err := tor.Start(ctx, layout(f.tor.Info)); err != nil {
		t.Fatal(err)
	}
	waitDone(t, tor)
	for i, st := range tor.Files() {
		if st.Path == "" {
			continue
		}
		want, err := os.ReadFile(f.path(f.parent, i))
		if err != nil {
			t.Fatal(err)
		}
		root, err := st.Tree.Root()
		if err != nil {
			t.Errorf("file %d: %v", i, err)
		} else if root != verify.Sum(want) {
			t.Errorf("file %d: %s, want %s", i, root, verify.Sum(want))
		}
	}
	return s
}

// Torrents that libtorrent made and seeds: v1, hybrid and v2, of one file and
// of several, by file and by magnet. Then libtorrent fetches them back from
// us, but for v2 torrents and hybrids of several files: there it asks for
// blocks beyond a file's end, for which the client here drops it.
func TestLibtorrentSeeds(t *testing.T) {
	libtorrentPython(t)
	for _, kind := range []string{"v1", "hybrid", "v2"} {
		for name, sizes := range map[string][]int{"one file": {1_700_001}, "files": {700_001, 20_000, 5, 3_000_000}} {
			t.Run(kind+" "+name, func(t *testing.T) {
				f := newForeign(t, kind, sizes...)
				info := f.tor.Info
				link, err := magnets.Parse(magnets.Link{InfoHash: info.InfoHash, HasV1: info.V1, InfoHashV2: info.InfoHashV2, HasV2: info.V2}.String())
				if err != nil {
					t.Fatal(err)
				}
				f.fetch(t, Spec{Link: link})
				s := f.fetch(t, Spec{Info: info.Bytes, Layers: f.tor.PieceLayers})
				if !info.V1 || info.V2 && !info.SingleFile {
					return
				}
				to := t.TempDir()
				libtorrent(t, "leech", f.file, to, s.Addr())
				for i, file := range info.Files {
					if !file.Pad {
						same(t, f.path(f.parent, i), f.path(to, i))
					}
				}
			})
		}
	}
}

// Of a torrent of several files any one is fetched alone, whatever the kind.
func TestLibtorrentSkips(t *testing.T) {
	libtorrentPython(t)
	for _, kind := range []string{"v1", "hybrid", "v2"} {
		t.Run(kind, func(t *testing.T) {
			f := newForeign(t, kind, 700_001, 20_000, 5, 300_000)
			info := f.tor.Info
			peer := libtorrentSeed(t, f.file, f.parent)
			n := 0
			for only, file := range info.Files {
				if file.Pad {
					continue
				}
				n++
				spec := Spec{Info: info.Bytes, Layers: f.tor.PieceLayers}
				if n%2 == 0 { // by magnet: the hashes come from the peer
					spec = Spec{Link: magnets.Link{InfoHash: info.InfoHash, HasV1: info.V1, InfoHashV2: info.InfoHashV2, HasV2: info.V2}}
				}
				spec.Peers = []string{peer}
				s := newSwarm(t, t.TempDir())
				tor, err := s.Add(t.Context(), spec)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := tor.Metadata(t.Context()); err != nil {
					t.Fatal(err)
				}
				l := layout(info)
				for i := range l.Files {
					l.Files[i].Skip = i != only && !info.Files[i].Pad
				}
				if err := tor.Start(t.Context(), l); err != nil {
					t.Fatal(err)
				}
				waitDone(t, tor)
				want, err := os.ReadFile(f.path(f.parent, only))
				if err != nil {
					t.Fatal(err)
				}
				if root, err := tor.Files()[only].Tree.Root(); err != nil || root != verify.Sum(want) {
					t.Errorf("%s alone: %s, %v", file.Path, root, err)
				}
				if err := tor.Trouble(); err != nil {
					t.Errorf("%s alone: %v", file.Path, err)
				}
			}
		})
	}
}

func same(t *testing.T, want, got string) {
	t.Helper()
	a, err := os.ReadFile(want)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(got)
	if err != nil {
		t.Fatal(err)
	}
	if string(a) != string(b) {
		t.Errorf("%s differs from %s", got, want)
	}
}

// What Samara publishes and seeds, libtorrent and aria2 fetch, by file and by
// magnet.
func TestOthersLeech(t *testing.T) {
	r := newRelease(t, 1<<20, 3_000_000, 0, 100, 2_500_000)
	s, _ := seed(t, r)
	file := filepath.Join(t.TempDir(), "release.torrent")
	if err := os.WriteFile(file, (&magnets.Torrent{Info: r.info}).Marshal(), 0o600); err != nil {
		t.Fatal(err)
	}
	link := r.link()
	link.Peers = []string{s.Addr()}
	link.Manifest, link.HasManifest = [32]byte{1}, true
	check := func(t *testing.T, parent string) {
		t.Helper()
		for i, f := range r.info.Files {
			same(t, r.paths[i], filepath.Join(parent, "release", f.Path))
		}
	}
	for name, what := range map[string]string{"file": file, "magnet": link.String()} {
		t.Run("libtorrent by "+name, func(t *testing.T) {
			to := t.TempDir()
			libtorrent(t, "leech", what, to, s.Addr())
			check(t, to)
		})
		t.Run("aria2 by "+name, func(t *testing.T) {
			if _, err := exec.LookPath("aria2c"); err != nil {
				t.Skip("no aria2c (apt install aria2)")
			}
			to := t.TempDir()
			aria2(t, r, s, to, what)
			check(t, to)
		})
	}
}

// aria2 fetches what with aria2c into to. It takes peers from a tracker only,
// so the test is one.
func aria2(t *testing.T, r *release, s *Swarm, to, what string) {
	t.Helper()
	tracker := newTracker(t, s.Addr())
	ctx, cancel := context.WithTimeout(context.Background(), waitTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "aria2c", "--dir="+to, "--seed-time=0", "--enable-dht=false", "--enable-dht6=false",
		"--bt-enable-lpd=false", "--enable-peer-exchange=false", "--interface=127.0.0.1", "--bt-tracker="+tracker,
		"--bt-tracker-interval=1", "--console-log-level=warn", "--summary-interval=0", what)
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "ERR|") {
		t.Fatalf("aria2c: %v\n%s", err, out)
	}
}
