package registry_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"samara/registry"
	"samara/registry/registrytest"
)

// killDirVar tells the test binary to be the process that is killed.
const killDirVar = "SAMARA_TEST_KILL_DIR"

// killRounds is how often the process is killed: a few times, or as SAMARA_LONG
// says (a number; anything else means 100).
func killRounds() int {
	long := os.Getenv("SAMARA_LONG")
	if long == "" {
		return 3
	}
	if n, err := strconv.Atoi(long); err == nil && n > 1 {
		return n
	}
	return 100
}

// TestKillChild is the process that TestKill kills. It changes tags for ever and
// says before each change what it is about to do and after it that it is done.
func TestKillChild(t *testing.T) {
	dir := os.Getenv(killDirVar)
	if dir == "" {
		t.Skip("runs as a child of TestKill")
	}
	s := openStore(t, dir, registry.Options{})
	ctx := t.Context()
	seq, _ := s.Journal().Head()
	for i := int(seq); ; i++ {
		ref := registrytest.Ref(t, fmt.Sprintf("acme/m%d", i%5))
		if _, err := s.Lookup(ctx, ref); err == nil && i%4 == 3 {
			fmt.Printf("start %s -\n", ref)
			if err := s.Remove(ctx, ref, "child"); err != nil {
				t.Fatal(err)
			}
			fmt.Printf("done %s -\n", ref)
			if _, err := s.GC(ctx, registry.GCOptions{Actor: "child"}); err != nil {
				t.Fatal(err)
			}
			continue
		}
		v := registrytest.NewVersion(t, s, ref.String(), fmt.Sprint("content ", i))
		v.Move = true
		fmt.Printf("start %s %s\n", ref, v.Manifest.Digest())
		registrytest.Add(t, s, v)
		fmt.Printf("done %s %s\n", ref, v.Manifest.Digest())
	}
}

// After kill -9 at any moment everything that was acknowledged is there, what was
// not is there whole or not at all, and the index is what the journal says.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	closeStore(t, open(t, dir))
	acked := map[string]string{} // reference → digest, "-" for none
	total := 0
	for round := range killRounds() {
		inFlight, done := killOnce(t, dir, acked)
		total += done
		s := open(t, dir)
		if err := s.Journal().Verify(); err != nil {
			t.Fatal(err)
		}
		for ref, want := range acked {
			got := "-"
			if e, err := s.Lookup(t.Context(), registrytest.Ref(t, ref)); err == nil {
				got = e.Version.Digest.String()
				checkWhole(t, s, e)
			}
			if len(inFlight) == 2 && inFlight[0] == ref && got == inFlight[1] {
				acked[ref] = got
				continue
			}
			if got != want {
				t.Errorf("round %d: %s is %s, acknowledged was %s (in flight %v)", round, ref, got, want, inFlight)
			}
		}
		before := projection(dump(t, s))
		closeStore(t, s)
		if err := registry.Rebuild(t.Context(), dir, registry.Options{}); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir)
		if diff := cmp.Diff(before, projection(dump(t, s))); diff != "" {
			t.Errorf("round %d: a rebuilt index differs (-was +is):\n%s", round, diff)
		}
		closeStore(t, s)
	}
	if total == 0 {
		t.Error("nothing was acknowledged in any round")
	}
}

// killOnce runs the child until a random number of changes is acknowledged, kills
// it a moment later, notes what was acknowledged and returns what was not.
func killOnce(t *testing.T, dir string, acked map[string]string) (inFlight []string, done int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKillChild$", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), killDirVar+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	limit := 1 + rand.IntN(20)
	lines := bufio.NewScanner(out)
	killed := false
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		change := strings.Fields(rest)
		if len(change) != 2 {
			continue
		}
		switch word {
		case "start":
			inFlight = change
		case "done":
			acked[change[0]] = change[1]
			inFlight = nil
			done++
		}
		if done >= limit && !killed {
			killed = true
			time.Sleep(time.Duration(rand.IntN(20_000)) * time.Microsecond)
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || !killed {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return inFlight, done
}

// checkWhole fails unless a visible version has all that belongs to it.
func checkWhole(t *testing.T, s *registry.Store, e registry.Entry) {
	t.Helper()
	for _, f := range e.Version.Manifest.Files {
		if bad, err := s.Blobs().Check(t.Context(), f.Digest, f.Size, nil); err != nil || len(bad) > 0 {
			t.Errorf("%s: file %s: %v, %v", e.Reference, f.Path, bad, err)
		}
	}
	for _, b := range e.Version.Bindings {
		if _, _, _, err := s.Torrent(t.Context(), b.InfoHash); err != nil {
			t.Errorf("%s: %v", e.Reference, err)
		}
	}
}

// projection keeps the records that follow from the journal alone: those of blobs
// also tell of files whose version never came.
func projection(records map[string]string) map[string]string {
	for key := range records {
		if key[0] == 'b' || key[0] == 'x' {
			delete(records, key)
		}
	}
	return records
}
