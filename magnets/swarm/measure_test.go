package swarm

import (
	"bufio"
	"crypto/sha1"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"samara/magnets"
	"samara/verify"
)

// measureEnv, a number of bytes, makes TestMeasure run.
const measureEnv = "SAMARA_SWARM_MEASURE"

// measureRounds is how many transfers of each kind are measured.
const measureRounds = 5

// TestMeasure compares Samara <- Samara with libtorrent <- libtorrent: one
// file over loopback, every client a process of its own, the two kinds in
// turn. It wants the median of Samara to be no slower, in at most 300 MB:
//
//	SAMARA_SWARM_MEASURE=2147483648 go test -run TestMeasure -v ./magnets/swarm
func TestMeasure(t *testing.T) {
	size, err := strconv.ParseInt(os.Getenv(measureEnv), 10, 64)
	if err != nil {
		t.Skipf("a measurement: set %s to a number of bytes", measureEnv)
	}
	parent := t.TempDir()
	info, path := largeRelease(t, parent, size)
	file := filepath.Join(parent, "release.torrent")
	if err := os.WriteFile(file, (&magnets.Torrent{Info: info}).Marshal(), 0o600); err != nil {
		t.Fatal(err)
	}
	ours := seedProcess(t, job{Dir: t.TempDir(), Info: info.Bytes, Paths: []string{path}})
	theirs := libtorrentSeed(t, file, parent)

	var samara, libt []figures
	for round := range measureRounds {
		dir := filepath.Join(parent, fmt.Sprint("samara-", round))
		out, err := child(t, job{Dir: dir, Info: info.Bytes, Peer: ours, Measure: true}).Output()
		if err != nil {
			t.Fatal(err)
		}
		samara = append(samara, parseFigures(t, string(out)))
		remove(t, dir)
		dir = filepath.Join(parent, fmt.Sprint("libtorrent-", round))
		libt = append(libt, parseFigures(t, libtorrent(t, "leech", file, dir, theirs)))
		remove(t, dir)
		t.Logf("round %d: samara %s; libtorrent %s", round, samara[round], libt[round])
	}
	got, want := median(samara), median(libt)
	t.Logf("medians: samara %s; libtorrent %s", got, want)
	if got.seconds > want.seconds {
		t.Errorf("slower than libtorrent: %.2f s, want at most %.2f s", got.seconds, want.seconds)
	}
	if got.mb > 300 {
		t.Errorf("%.0f MB of memory, want at most 300", got.mb)
	}
}

// figures is what one transfer took.
type figures struct{ seconds, mb, cpu float64 }

func (f figures) String() string {
	return fmt.Sprintf("%.2f s, %.0f MB, %.2f s of CPU", f.seconds, f.mb, f.cpu)
}

func parseFigures(t *testing.T, line string) (f figures) {
	t.Helper()
	if _, err := fmt.Sscan(line, &f.seconds, &f.mb, &f.cpu); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return f
}

// median takes each figure by itself.
func median(list []figures) figures {
	pick := func(of func(figures) float64) float64 {
		v := make([]float64, len(list))
		for i, f := range list {
			v[i] = of(f)
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	return figures{
		pick(func(f figures) float64 { return f.seconds }),
		pick(func(f figures) float64 { return f.mb }),
		pick(func(f figures) float64 { return f.cpu }),
	}
}

func remove(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
}

// seedProcess seeds in a process of its own and returns its address.
func seedProcess(t *testing.T, j job) string {
	t.Helper()
	cmd := child(t, j)
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
			t.Errorf("seeder: %v", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// largeRelease writes one file of random bytes, too large to be held in
// memory, to parent/release.
func largeRelease(t testing.TB, parent string, size int64) (*magnets.Info, string) {
	t.Helper()
	path := filepath.Join(parent, "release", "model.bin")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.NewChaCha8([32]byte{1})
	b := magnets.BuildInfo{Name: "release", PieceLength: magnets.PieceLength(size)}
	buf := make([]byte, b.PieceLength)
	for left := size; left > 0; left -= b.PieceLength {
		piece := buf[:min(left, b.PieceLength)]
		if _, err := io.ReadFull(random, piece); err != nil {
			t.Fatal(err)
		}
		sum := sha1.Sum(piece)
		b.Pieces = append(b.Pieces, sum[:]...)
		if _, err := f.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := verify.HashFile(t.Context(), f, size, 0)
	if err != nil {
		t.Fatal(err)
	}
	root, err := tree.Root()
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	b.Files = []magnets.File{{Path: "model.bin", Size: size, Blake3: root}}
	raw, err := magnets.Build(b)
	if err != nil {
		t.Fatal(err)
	}
	info, err := magnets.ParseInfo(raw)
	if err != nil {
		t.Fatal(err)
	}
	return info, path
}
