package swarm

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"samara/magnets"
)

// A job is what a child process does, so that it can be killed or measured.
type job struct {
	Dir     string
	Info    []byte
	Peer    string   // where to fetch
	Paths   []string // files to seed: nothing is fetched
	Measure bool     // print seconds, MB of memory and seconds of CPU when done, and end
}

// childMain does the job that the file in childEnv describes.
func childMain() {
	if err := runJob(os.Getenv(childEnv)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func runJob(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var j job
	if err := json.Unmarshal(raw, &j); err != nil {
		return err
	}
	s, err := New(Config{Dir: j.Dir, Listen: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	ctx := context.Background()
	if j.Paths != nil {
		if _, err := s.Seed(ctx, j.Info, j.Paths, nil, nil); err != nil {
			return err
		}
		fmt.Println(s.Addr())
		_, err = io.Copy(io.Discard, os.Stdin)
		return errors.Join(err, s.Close())
	}
	info, err := magnets.ParseInfo(j.Info)
	if err != nil {
		return err
	}
	start := time.Now()
	t, err := s.Add(ctx, Spec{Info: j.Info, Peers: []string{j.Peer}})
	if err != nil {
		return err
	}
	if err := t.Start(ctx, layout(info)); err != nil {
		return err
	}
	if j.Measure {
		<-t.Done()
		fmt.Printf("%.2f %d %.2f\n", time.Since(start).Seconds(), peakMemory(), usedCPU())
		return s.Close()
	}
	for {
		fmt.Println(t.Stats().PiecesDone)
		time.Sleep(5 * time.Millisecond)
	}
}

// peakMemory returns the most memory that this process held, in MB.
func peakMemory() int {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	var kb int
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		return 0
	}
	return kb / 1000
}

// usedCPU returns the seconds of CPU that this process used.
func usedCPU() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// child returns the command that does j in a process of its own.
func child(t testing.TB, j job) *exec.Cmd {
	t.Helper()
	raw, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "job")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// fetchUntilKilled runs a child process that fetches r from peer, and kills it
// with SIGKILL once it has pieces verified pieces. It returns how many it said
// it had at last.
func fetchUntilKilled(t *testing.T, dir string, r *release, peer string, pieces int) int {
	t.Helper()
	cmd := child(t, job{Dir: dir, Info: r.info.Bytes, Peer: peer})
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	last := 0
	lines := bufio.NewScanner(out)
	for last < pieces && lines.Scan() {
		if last, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	return last
}

// A fetch that is killed again and again goes on without asking for a
// verified piece twice.
func TestResumeAfterKill(t *testing.T) {
	r := newRelease(t, 256<<10, 10<<20, 123, 22<<20)
	dir := t.TempDir()
	from, err := New(Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", UploadRate: 40 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	seeder, err := from.Seed(t.Context(), r.info.Bytes, r.paths, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for kill := 1; kill <= 3; kill++ {
		had := fetchUntilKilled(t, dir, r, from.Addr(), kill*r.info.Pieces/4)
		s := newSwarm(t, dir)
		tor, err := s.Add(t.Context(), Spec{Info: r.info.Bytes})
		if err != nil {
			t.Fatal(err)
		}
		if err := tor.Start(t.Context(), layout(r.info)); err != nil {
			t.Fatal(err)
		}
		st := tor.Stats()
		if st.PiecesDone < had {
			t.Errorf("kill %d: %d pieces after the restart, %d before", kill, st.PiecesDone, had)
		}
		if kill < 3 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		eventually(t, "the seeder lets the killed one go", func() bool { return seeder.Stats().Peers == 0 })
		before := seeder.Stats().Uploaded
		missing := r.info.Length() - st.BytesDone
		tor.AddPeers([]string{from.Addr()})
		waitDone(t, tor)
		checkFiles(t, r, tor)
		if got := seeder.Stats().Uploaded - before; got > missing+missing/20 {
			t.Errorf("%d bytes came after the last kill, %d were missing", got, missing)
		}
	}
}

// After another boot the marked pieces are hashed again, and what the disk
// lost is fetched again, no more.
func TestAnotherBoot(t *testing.T) {
	r := newRelease(t, 64<<10, 1_000_000, 50_000)
	from, seeder := seed(t, r)
	dir := t.TempDir()
	first := newSwarm(t, dir)
	tor := fetch(t, first, r, layout(r.info), from.Addr())
	waitDone(t, tor)
	path := tor.Files()[0].Path
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	before := seeder.Stats().Uploaded

	// The machine lost its power: another boot id, and a page that never came to the disk.
	have := filepath.Join(dir, r.info.InfoHash.String(), haveName)
	patch(t, have, len(haveMagic), []byte("another boot"))
	patch(t, path, 70_000, make([]byte, 4096))

	second := newSwarm(t, dir)
	tor = fetch(t, second, r, layout(r.info), from.Addr())
	waitDone(t, tor)
	checkFiles(t, r, tor)
	if got := seeder.Stats().Uploaded - before; got > 64<<10 {
		t.Errorf("%d bytes came, want one piece", got)
	}
	if _, sameBoot, ok := readHave(filepath.Dir(have), r.info, bootID()); !ok || !sameBoot {
		t.Errorf("the bitmap is not vouched for: %v %v", ok, sameBoot)
	}
}

// Files without their bitmap, or with one that is cut short, are hashed again.
func TestLostBitmap(t *testing.T) {
	r := newRelease(t, 64<<10, 1_000_000)
	from, seeder := seed(t, r)
	dir := t.TempDir()
	first := newSwarm(t, dir)
	tor := fetch(t, first, r, layout(r.info), from.Addr())
	waitDone(t, tor)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	before := seeder.Stats().Uploaded
	if err := os.Truncate(filepath.Join(dir, r.info.InfoHash.String(), haveName), haveHeader); err != nil {
		t.Fatal(err)
	}
	tor = fetch(t, newSwarm(t, dir), r, layout(r.info), from.Addr())
	waitDone(t, tor)
	checkFiles(t, r, tor)
	if got := seeder.Stats().Uploaded - before; got != 0 {
		t.Errorf("%d bytes came, want none", got)
	}
}

func patch(t *testing.T, path string, off int, b []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(b, int64(off)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
