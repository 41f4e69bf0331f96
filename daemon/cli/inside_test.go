package cli

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"samara/daemon"
	"samara/registry"
)

// TestInsideEnds wants a verb with a daemon of its own to leave no goroutine.
func TestInsideEnds(t *testing.T) {
	a, _, errs := testApp(t)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "hello.txt"), []byte("hello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status := a.main([]string{"publish", dir, "--name", "me/words"}); status != 0 {
		t.Fatalf("got exit status %d: %s", status, errs)
	}
	if status := a.main([]string{"show", "me/words"}); status != 0 {
		t.Fatalf("got exit status %d: %s", status, errs)
	}
}

// TestInterrupt wants an add that waits for peers to end in order when it is
// interrupted, with exit status 130, and the transfer to be kept.
func TestInterrupt(t *testing.T) {
	a, _, errs := testApp(t)
	data := os.Getenv("SAMARA_DATA")
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	a.ctx = ctx
	lines := &lineWriter{line: func(line string) {
		var t struct{ State string }
		if json.Unmarshal([]byte(line), &t) == nil && t.State == "resolving" {
			cancel()
		}
	}}
	a.out = lines
	status := a.main([]string{"add", strings.Repeat("5a", 20), "--swarm", "127.0.0.1:0", "--json"})
	if status != 130 || !strings.Contains(lines.all(), `"code":"canceled"`) {
		t.Fatalf("got exit status %d, want 130: %s%s", status, lines.all(), errs)
	}

	again, out, errs := testApp(t)
	t.Setenv("SAMARA_DATA", data)
	if status := again.main([]string{"transfers", "--json"}); status != 0 || !strings.Contains(out.String(), `"resolving"`) {
		t.Errorf("got exit status %d, want the transfer: %s%s", status, out, errs)
	}
}

// A lineWriter hands out whole lines as they are written.
type lineWriter struct {
	mu   sync.Mutex
	text strings.Builder
	line func(string)
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	w.text.Write(p)
	w.mu.Unlock()
	for line := range strings.Lines(string(p)) {
		w.line(line)
	}
	return len(p), nil
}

func (w *lineWriter) all() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// TestSilentDaemon wants exit status 5 where somebody listens on the folder's
// socket and says nothing.
func TestSilentDaemon(t *testing.T) {
	a, _, errs := testApp(t)
	l, err := net.Listen("unix", filepath.Join(os.Getenv("SAMARA_DATA"), daemon.SocketName))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if status := a.main([]string{"ls"}); status != 5 || !strings.Contains(errs.String(), "did not answer within") {
		t.Errorf("got exit status %d, want 5: %s", status, errs)
	}
}

// TestHeldFolder wants exit status 5 and the holder's name where a process has
// the folder's lock and does not listen.
func TestHeldFolder(t *testing.T) {
	a, out, errs := testApp(t)
	store, err := registry.Open(context.Background(), os.Getenv("SAMARA_DATA"), registry.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	status := a.main([]string{"ls", "--json"})
	if status != 5 || !strings.Contains(out.String(), `"code":"locked"`) || !strings.Contains(out.String(), strconv.Itoa(os.Getpid())) {
		t.Errorf("got exit status %d, want 5 and this process's number: %s%s", status, out, errs)
	}
}

// TestServeBesideAVerb wants serve to say that a verb holds the folder and ends
// by itself.
func TestServeBesideAVerb(t *testing.T) {
	a, _, errs := testApp(t)
	a.answerPatience = 30 * time.Second
	runDaemon(t, daemon.Config{Data: os.Getenv("SAMARA_DATA"), NoSwarm: true})
	status := a.main([]string{"serve", "--listen", "127.0.0.1:0", "--swarm", "127.0.0.1:0"})
	if status != 5 || !strings.Contains(errs.String(), "ends by itself") {
		t.Errorf("got exit status %d, want 5 and a hint: %s", status, errs)
	}
}
