package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"samara/daemon"
	"samara/web/client"
)

// runDaemon runs a daemon in a data folder until stop is called.
func runDaemon(t *testing.T, cfg daemon.Config) (d *daemon.Daemon, stop func()) {
	t.Helper()
	d, err := daemon.New(context.Background(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	<-d.Ready()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return d, stop
}

// offered publishes a small version and returns its magnet and a daemon that
// offers it.
func offered(t *testing.T) (magnet string, d *daemon.Daemon) {
	t.Helper()
	a, out, errs := testApp(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "weights.bin"), bytes.Repeat([]byte("samara"), 50_000), 0o600); err != nil {
		t.Fatal(err)
	}
	if status := a.main([]string{"publish", dir, "--name", "me/words", "--json"}); status != 0 {
		t.Fatalf("got exit status %d: %s", status, errs)
	}
	var r client.PublishResult
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	d, _ = runDaemon(t, daemon.Config{Data: os.Getenv("SAMARA_DATA"), Swarm: "127.0.0.1:0"})
	return r.Magnet, d
}

// TestOutlive wants an add that uses the daemon inside another verb, one
// without a swarm, to wait by itself, and to go on when that verb ends.
func TestOutlive(t *testing.T) {
	magnet, seeder := offered(t)
	a, _, errs := testApp(t)
	a.startPatience, a.answerPatience = 30*time.Second, 30*time.Second
	data := os.Getenv("SAMARA_DATA")
	other, stop := runDaemon(t, daemon.Config{Data: data, NoSwarm: true})
	resolving := make(chan string, 1)
	lines := &lineWriter{line: func(line string) {
		var t client.Transfer
		if json.Unmarshal([]byte(line), &t) == nil && t.State == "resolving" {
			select {
			case resolving <- t.Id:
			default:
			}
		}
	}}
	a.out = lines
	status := make(chan int, 1)
	go func() { status <- a.main([]string{"add", magnet, "--name", "mine/words", "--json"}) }()
	var id string
	select {
	case id = <-resolving:
	case got := <-status:
		t.Fatalf("got exit status %d at once: %s%s", got, lines.all(), errs)
	}
	stop()
	c, err := client.Unix(other.SocketPath())
	if err != nil {
		t.Fatal(err)
	}
	for named := false; !named; time.Sleep(20 * time.Millisecond) {
		select {
		case got := <-status:
			t.Fatalf("got exit status %d when the other verb ended: %s%s", got, lines.all(), errs)
		default:
		}
		_, err := client.Decode[client.Transfer](c.AddPeers(t.Context(), id, client.PeersRequest{Peers: []string{seeder.SwarmAddr()}}))
		named = err == nil
	}
	if got := <-status; got != 0 {
		t.Errorf("got exit status %d, want 0: %s%s", got, lines.all(), errs)
	}
}
