package daemon

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"samara/registry"
	"samara/web"
)

// soakSlack is how many goroutines and open files more than after the first
// rounds are still no leak: connections come and go.
const soakSlack = 20

// TestSoak lets two daemons live together for a while: publish, fetch, check,
// ask, forget, collect, again and again. What they hold at the end must be what
// they held after a few rounds. SAMARA_SOAK says how many rounds, else 6.
func TestSoak(t *testing.T) {
	rounds, err := strconv.Atoi(os.Getenv("SAMARA_SOAK"))
	if err != nil {
		rounds = 6
	}
	a, _ := startDaemon(t, Config{Swarm: loopback})
	b, _ := startDaemon(t, Config{Swarm: loopback})
	publish(t, b, tinyModel(t), "soak/tiny")
	warm := min(5, rounds-1)
	var before held
	for i := range rounds {
		soakRound(t, a, b, i)
		if i == warm {
			before = holds()
		}
	}
	after := holds()
	t.Logf("%d rounds: %+v after %d, %+v at the end", rounds, before, warm+1, after)
	if after.goroutines > before.goroutines+soakSlack || after.files > before.files+soakSlack {
		t.Errorf("after %d rounds: got %+v, want at most %d more than %+v", rounds, after, soakSlack, before)
	}
}

func soakRound(t *testing.T, a, b *Daemon, i int) {
	t.Helper()
	files := map[string][]byte{
		"config.json": fmt.Appendf(nil, `{"round": %d}`, i),
		"weights.bin": pattern(i, 3<<20+i),
	}
	name := fmt.Sprintf("soak/m%d", i)
	r := publish(t, a, writeTree(t, files), name)
	tr := addAndWait(t, b, web.AddRequest{Link: r.Magnet, Peers: []string{a.SwarmAddr()}, Name: name})
	if tr.State != registry.StateReady {
		t.Fatalf("round %d: got %+v", i, tr)
	}
	checkVersion(t, b, name, files)
	if res, err := b.engine.Generate(t.Context(), "soak/tiny", hello(), discard); err != nil || res.Text == "" {
		t.Fatalf("round %d: answer %q, %v", i, res.Text, err)
	}
	now := int64(0)
	for _, d := range []*Daemon{a, b} {
		ref, err := registry.ParseReference(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.catalog.Remove(t.Context(), ref, "test"); err != nil {
			t.Fatal(err)
		}
		if _, err := d.catalog.GC(t.Context(), web.GCRequest{GraceSeconds: &now}, "test"); err != nil {
			t.Fatal(err)
		}
	}
}

// held is what a process holds that it could leak.
type held struct{ goroutines, files int }

func holds() held {
	h := held{goroutines: runtime.NumGoroutine()}
	if fds, err := os.ReadDir("/proc/self/fd"); err == nil { // Linux only
		h.files = len(fds)
	}
	return h
}
