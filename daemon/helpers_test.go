package daemon

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"samara/magnets"
	"samara/registry/disk"
	"samara/verify"
)

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// seedForeign makes a torrent as other programs do, without digests, and lets
// the daemon's swarm offer it.
func seedForeign(t *testing.T, d *Daemon, files map[string][]byte) (torrent []byte, hash magnets.Hash) {
	t.Helper()
	return seedTorrent(t, d, files, func(string) string { return "" })
}

// seedLie makes a torrent whose digests are not those of its bytes.
func seedLie(t *testing.T, d *Daemon, files map[string][]byte) (torrent []byte, hash magnets.Hash) {
	t.Helper()
	return seedTorrent(t, d, files, func(key string) string {
		b := []byte(key)
		b[len(b)-1] ^= 1
		return string(b)
	})
}

// seedTorrent offers files in a torrent whose "blake3" entry, which comes first
// in the info dictionary, change has replaced.
func seedTorrent(t *testing.T, d *Daemon, files map[string][]byte, change func(string) string) ([]byte, magnets.Hash) {
	t.Helper()
	dir := writeTree(t, files)
	var all []byte
	b := magnets.BuildInfo{Name: "foreign", PieceLength: 1 << 20}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		b.Files = append(b.Files, magnets.File{Path: name, Size: int64(len(files[name])), Blake3: verify.Sum(files[name])})
		all = append(all, files[name]...)
	}
	for piece := range slices.Chunk(all, int(b.PieceLength)) {
		sum := sha1.Sum(piece)
		b.Pieces = append(b.Pieces, sum[:]...)
	}
	raw, err := magnets.Build(b)
	if err != nil {
		t.Fatal(err)
	}
	entry, rest, _ := strings.Cut(string(raw[1:]), "5:filesl")
	if !strings.HasPrefix(entry, "6:blake3") {
		t.Fatalf("info dictionary starts with %.20q", entry)
	}
	raw = []byte("d" + change(entry) + "5:filesl" + rest)
	info, err := magnets.ParseInfo(raw)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range info.Files {
		paths = append(paths, filepath.Join(dir, filepath.FromSlash(f.Path)))
	}
	if _, err := d.swarm.Seed(t.Context(), raw, paths, nil, nil); err != nil {
		t.Fatal(err)
	}
	return (&magnets.Torrent{Info: info}).Marshal(), info.InfoHash
}

// A fakeDisk has as much room as a test says.
type fakeDisk struct{ free atomic.Uint64 }

func newFakeDisk(free uint64) *fakeDisk {
	d := &fakeDisk{}
	d.set(free)
	return d
}

func (d *fakeDisk) set(free uint64) { d.free.Store(free) }

func (d *fakeDisk) space(string) (disk.Space, error) {
	return disk.Space{Free: d.free.Load(), Total: 1 << 40}, nil
}
