package magnets

import (
	"crypto/sha1"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zeebo/blake3"
)

// goldenHash is the infohash that testdata/golden.py prints.
const goldenHash = "ad70f6f10727beb7d757202140a8f1682feef17f"

// goldenFiles are the files of testdata/golden.py, and goldenBytes their bytes.
var goldenFiles = []struct {
	path       string
	size, seed int
}{
	{"sub/tokenizer.json", 70_000, 3},
	{"Readme", 0, 0},
	{"model.safetensors", 2_500_000, 2},
	{"model-extra.bin", 33, 4},
	{"config.json", 100, 1},
}

func goldenBytes(size, seed int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i*31 + (i>>8)*7 + seed)
	}
	return b
}

// goldenBuild describes the golden torrent to Build.
func goldenBuild() BuildInfo {
	b := BuildInfo{Name: "golden", PieceLength: 1 << 20}
	content := map[string][]byte{}
	for _, f := range goldenFiles {
		data := goldenBytes(f.size, f.seed)
		content[f.path] = data
		b.Files = append(b.Files, File{Path: f.path, Size: int64(f.size), Blake3: blake3.Sum256(data)})
	}
	sorted := append([]File(nil), b.Files...)
	SortFiles(sorted)
	var all []byte
	for _, f := range sorted {
		all = append(all, content[f.Path]...)
	}
	for len(all) > 0 {
		piece := all[:min(len(all), int(b.PieceLength))]
		sum := sha1.Sum(piece)
		b.Pieces = append(b.Pieces, sum[:]...)
		all = all[len(piece):]
	}
	return b
}

func TestBuildGolden(t *testing.T) {
	want, err := os.ReadFile("testdata/golden.info")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Build(goldenBuild())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("Build differs from testdata/golden.py (-want +got):\n%s", diff)
	}
	info, err := ParseInfo(got)
	if err != nil {
		t.Fatal(err)
	}
	if info.InfoHash.String() != goldenHash {
		t.Errorf("infohash %s, want %s", info.InfoHash, goldenHash)
	}
	var paths []string
	for _, f := range info.Files {
		paths = append(paths, f.Path)
		if f.Blake3 == ([32]byte{}) {
			t.Errorf("%s has no digest", f.Path)
		}
	}
	wantPaths := []string{"Readme", "config.json", "model-extra.bin", "model.safetensors", "sub/tokenizer.json"}
	if diff := cmp.Diff(wantPaths, paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	if !info.V1 || info.V2 || info.SingleFile || info.Private || !info.HasBlake3 || info.Pieces != 3 {
		t.Errorf("got %+v", info)
	}
}

func TestBuildPrivateChangesTheHash(t *testing.T) {
	b := goldenBuild()
	b.Private = true
	raw, err := Build(b)
	if err != nil {
		t.Fatal(err)
	}
	info, err := ParseInfo(raw)
	if err != nil {
		t.Fatal(err)
	}
	if !info.Private || info.InfoHash.String() == goldenHash {
		t.Errorf("private %v, infohash %s", info.Private, info.InfoHash)
	}
}

func TestBuildRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*BuildInfo){
		"no digest":   func(b *BuildInfo) { b.Files[0].Blake3 = [32]byte{} },
		"pad":         func(b *BuildInfo) { b.Files[0].Pad = true },
		"path":        func(b *BuildInfo) { b.Files[0].Path = "../x" },
		"name":        func(b *BuildInfo) { b.Name = ".." },
		"few pieces":  func(b *BuildInfo) { b.Pieces = b.Pieces[20:] },
		"twins":       func(b *BuildInfo) { b.Files[0].Path = strings.ToUpper(b.Files[1].Path) },
		"piece bytes": func(b *BuildInfo) { b.PieceLength = 0 },
	} {
		b := goldenBuild()
		spoil(&b)
		if _, err := Build(b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestPieceLength(t *testing.T) {
	for total, want := range map[int64]int64{
		0:                  1 << 20,
		1:                  1 << 20,
		8192 << 20:         1 << 20,
		8192<<20 + 1:       2 << 20,
		100 << 30:          16 << 20,
		1 << 40:            16 << 20,
		982_000_000_000:    16 << 20,
		8192 * (8 << 20):   8 << 20,
		8192*(8<<20) + 100: 16 << 20,
	} {
		if got := PieceLength(total); got != want {
			t.Errorf("PieceLength(%d) = %d, want %d", total, got, want)
		}
	}
}
