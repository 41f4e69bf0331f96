package daemon

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"samara/registry"
	"samara/web"
)

// A child is a daemon in a process of its own, which a test may kill. It
// fetches what the request says, reports its transfer line by line, and ends
// once that is ready or failed.
type childRequest struct {
	Config  Config
	Add     web.AddRequest
	CrashAt string // a crashpoint at which the process kills itself
}

const childEnv = "SAMARA_TEST_CHILD"

// childMain is the child's process; the request is in its environment.
func childMain() int {
	if err := child(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		return 1
	}
	return 0
}

func child(out io.Writer) error {
	var r childRequest
	if err := json.Unmarshal([]byte(os.Getenv(childEnv)), &r); err != nil {
		return err
	}
	crashpoint = func(name string) {
		if name == r.CrashAt {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	d, err := New(ctx, r.Config, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	<-d.Ready()
	tr, err := d.fetch.Add(ctx, r.Add, "test")
	for err == nil {
		if tr, err = d.fetch.Get(ctx, tr.Id); err != nil {
			break
		}
		if err = json.NewEncoder(out).Encode(tr); err != nil || tr.State == registry.StateReady || tr.State == registry.StateFailed {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if rerr := <-ended; err == nil {
		err = rerr
	}
	return err
}

// runChild runs a child until it ends, or until kill returns true for a line
// of it, and returns its first line with a verified piece, and its last line.
func runChild(t *testing.T, r childRequest, kill func(web.Transfer) bool) (first, last web.Transfer) {
	t.Helper()
	env, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+string(env))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if err := json.Unmarshal(lines.Bytes(), &last); err != nil {
			t.Fatalf("child wrote %q: %v", lines.Text(), err)
		}
		if first.PiecesDone == 0 {
			first = last
		}
		if kill(last) {
			_ = cmd.Process.Kill() // it may have ended by itself
			break
		}
	}
	_, _ = io.Copy(io.Discard, out) // what it wrote before it died
	if err := cmd.Wait(); err != nil && !strings.Contains(err.Error(), "killed") {
		t.Fatalf("child: %v\n%s", err, stderr.String())
	}
	return first, last
}

func never(web.Transfer) bool { return false }

func TestKilledWhileFetching(t *testing.T) {
	files := map[string][]byte{"a.bin": pattern(21, 9<<20+5), "b.bin": pattern(22, 7<<20)}
	a, _ := startDaemon(t, Config{Swarm: loopback})
	r := publish(t, a, writeTree(t, files), "author/model")
	req := childRequest{
		Config: Config{Data: t.TempDir(), DownloadRate: 6 << 20},
		Add:    web.AddRequest{Link: r.Magnet, Peers: []string{a.SwarmAddr()}, Name: "mine/model"},
	}
	var had int64
	for _, share := range []int64{8, 4, 2} { // of the bytes, at which it is killed
		first, last := runChild(t, req, func(tr web.Transfer) bool { return tr.BytesDone >= r.Bytes/share })
		if first.BytesDone < had {
			t.Errorf("after a kill with %d bytes verified it went on from %d", had, first.BytesDone)
		}
		had = last.BytesDone
	}
	req.Config.DownloadRate = 0
	first, last := runChild(t, req, never)
	if first.BytesDone < had {
		t.Errorf("after a kill with %d bytes verified it went on from %d", had, first.BytesDone)
	}
	if last.State != registry.StateReady || last.Version != r.Version {
		t.Fatalf("got %+v, want it ready", last)
	}
	b, _ := startDaemon(t, Config{Data: req.Config.Data, NoSwarm: true})
	checkVersion(t, b, "mine/model", files)
}

func TestKilledWhileCommitting(t *testing.T) {
	files := smallModel()
	for _, point := range []string{"digests", "blob", "blobs", "version"} {
		t.Run(point, func(t *testing.T) {
			a, _ := startDaemon(t, Config{Swarm: loopback})
			torrent, hash := seedForeign(t, a, files) // only the daemon itself knows its digests
			req := childRequest{
				Config:  Config{Data: t.TempDir()},
				Add:     web.AddRequest{Torrent: torrent, Peers: []string{a.SwarmAddr()}, Name: "mine/model"},
				CrashAt: point,
			}
			_, last := runChild(t, req, never)
			if last.State == registry.StateReady {
				t.Fatal("it was not killed")
			}
			req.CrashAt = ""
			req.Add.Peers = nil // nobody is needed for what is there
			if _, last = runChild(t, req, never); last.State != registry.StateReady || last.Infohash != hash.String() {
				t.Fatalf("got %+v, want it ready", last)
			}
			b, _ := startDaemon(t, Config{Data: req.Config.Data, NoSwarm: true})
			checkVersion(t, b, "mine/model", files)
		})
	}
}
