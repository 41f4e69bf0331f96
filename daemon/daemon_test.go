package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"samara/web"
	"samara/web/client"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(childMain())
	}
	goleak.VerifyTestMain(m)
}

// patience bounds how long a test waits for something that has to happen.
const patience = 60 * time.Second

// startDaemon runs a daemon for as long as the test lasts, or until stop.
func startDaemon(t *testing.T, cfg Config) (d *Daemon, stop func()) {
	t.Helper()
	if cfg.Data == "" {
		cfg.Data = filepath.Join(t.TempDir(), "data")
	}
	d, err := New(t.Context(), cfg, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	}
	t.Cleanup(stop)
	select {
	case <-d.Ready():
	case err := <-ended:
		t.Fatalf("run ended early: %v", err)
	}
	return d, stop
}

func testLog(t *testing.T) *slog.Logger {
	if testing.Verbose() {
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug})).With("test", t.Name())
	}
	return slog.New(slog.DiscardHandler)
}

// writeTree writes files below a new folder and returns it.
func writeTree(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// pattern returns n bytes that depend on the seed and nothing else.
func pattern(seed, n int) []byte {
	b := make([]byte, n)
	x := uint32(seed)*2654435761 + 1
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return b
}

// publish publishes a folder under a name.
func publish(t *testing.T, d *Daemon, dir, name string) web.PublishResult {
	t.Helper()
	r, err := d.catalog.Publish(t.Context(), web.PublishRequest{Path: dir, Name: name}, "test", func(web.PublishEvent) {})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wantCode fails unless err has that code.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if err == nil {
		t.Fatalf("got no error, want code %s", code)
	}
	if got := client.FromError("", err); got.Code != code {
		t.Fatalf("got code %s (%v), want %s", got.Code, err, code)
	}
}

// await polls until what returns true.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for %s", patience, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func ExampleNew() {
	dir, err := os.MkdirTemp("", "samara")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	d, err := New(ctx, Config{Data: dir, Listen: "127.0.0.1:0", NoSwarm: true}, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		return
	}
	cancel()
	fmt.Println(d.Addr() != "", d.Run(ctx))
	// Output: true <nil>
}
