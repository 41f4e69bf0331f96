package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"samara/loader"
	"samara/loader/chat"
	"samara/registry"
	"samara/web"
	"samara/web/client"
)

// tinyModel is the small model of the repository.
func tinyModel(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../testdata/tiny/model")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "model.safetensors")); err != nil {
		t.Skipf("the tiny model is not here: %v", err)
	}
	return dir
}

// hello is a short request with one right answer.
func hello() loader.Request {
	zero := float32(0)
	return loader.Request{
		Messages:  []chat.Message{{Role: "user", Content: "Tell me a story."}},
		MaxTokens: 16, Sampling: loader.Sampling{Temperature: &zero},
	}
}

func discard(loader.Chunk) error { return nil }

func TestFromMagnetToTokens(t *testing.T) {
	a, _ := startDaemon(t, Config{Swarm: loopback})
	b, _ := startDaemon(t, Config{Listen: loopback, NoAuth: true})
	r := publish(t, a, tinyModel(t), "author/tiny")
	tr := addAndWait(t, b, web.AddRequest{Link: r.Magnet, Peers: []string{a.SwarmAddr()}, Name: "mine/tiny"})
	if tr.State != registry.StateReady {
		t.Fatalf("got %+v", tr)
	}
	want, err := a.engine.Generate(t.Context(), "author/tiny", hello(), discard)
	if err != nil {
		t.Fatal(err)
	}
	if want.Text == "" || want.Usage.CompletionTokens == 0 {
		t.Fatalf("the publisher's own answer is empty: %+v", want)
	}
	body := `{"model": "mine/tiny", "temperature": 0, "max_tokens": 16, "messages": [{"role": "user", "content": "Tell me a story."}]}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.URL()+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	answer, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("got %d %s (%v)", resp.StatusCode, answer, err)
	}
	var got struct {
		Choices []struct{ Message struct{ Content string } }
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Choices) != 1 || got.Choices[0].Message.Content != want.Text {
		t.Errorf("got %s, want the publisher's text %q", answer, want.Text)
	}
}

func TestEngineLoadsOnceAndUnloads(t *testing.T) {
	d, _ := startDaemon(t, Config{NoSwarm: true, KeepAlive: -1})
	publish(t, d, tinyModel(t), "author/tiny")
	events := d.hub.Subscribe(t.Context())
	var wg sync.WaitGroup
	texts := make([]string, 4)
	for i := range texts {
		wg.Go(func() {
			r, err := d.engine.Generate(t.Context(), "author/tiny", hello(), discard)
			if err != nil {
				t.Error(err)
			}
			texts[i] = r.Text
		})
	}
	wg.Wait()
	for _, text := range texts[1:] {
		if text != texts[0] {
			t.Errorf("got %q and %q for the same request", texts[0], text)
		}
	}
	loaded, err := d.engine.Loaded(t.Context())
	if err != nil || len(loaded) != 1 || loaded[0].State != modelReady || loaded[0].Memory == 0 || loaded[0].Active != 0 {
		t.Fatalf("got %+v (%v), want one idle model", loaded, err)
	}
	ref := registry.Reference{Name: "tiny", Namespace: "author", Tag: "main"}
	if err := d.engine.Unload(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	wantCode(t, d.engine.Unload(t.Context(), ref), client.CodeNotFound)
	var states []string
	for len(states) < 4 {
		e := <-events
		states = append(states, e.Data.(web.EngineModel).State)
	}
	if got := strings.Join(states, " "); got != "loading ready unloading unloaded" {
		t.Errorf("got states %s", got)
	}
}

func TestEngineUnloadsTheIdle(t *testing.T) {
	d, _ := startDaemon(t, Config{NoSwarm: true, KeepAlive: 50 * time.Millisecond})
	publish(t, d, tinyModel(t), "author/tiny")
	if _, err := d.engine.Generate(t.Context(), "author/tiny", hello(), discard); err != nil {
		t.Fatal(err)
	}
	await(t, "the model to be unloaded", func() bool {
		models, _ := d.engine.totals()
		return models == 0
	})
}

func TestEngineKeepsWithinItsMemory(t *testing.T) {
	d, stop := startDaemon(t, Config{NoSwarm: true, KeepAlive: -1})
	publish(t, d, tinyModel(t), "author/tiny")
	if _, err := d.engine.Generate(t.Context(), "author/tiny", hello(), discard); err != nil {
		t.Fatal(err)
	}
	_, need := d.engine.totals()
	second := copyModel(t, tinyModel(t))
	publish(t, d, second, "author/second")
	stop()

	d, stop = startDaemon(t, Config{NoSwarm: true, Data: d.cfg.Data, KeepAlive: -1, Memory: need + need/2})
	for _, model := range []string{"author/tiny", "author/second", "author/tiny"} {
		if _, err := d.engine.Generate(t.Context(), model, hello(), discard); err != nil {
			t.Fatal(err)
		}
		if models, memory := d.engine.totals(); models != 1 || memory != need {
			t.Errorf("after %s: got %d models and %d bytes, want 1 and %d", model, models, memory, need)
		}
	}
	stop()
	d, _ = startDaemon(t, Config{NoSwarm: true, Data: d.cfg.Data, Memory: need - 1})
	_, err := d.engine.Generate(t.Context(), "author/tiny", hello(), discard)
	wantCode(t, err, client.CodeUnavailable)
}

// copyModel returns a copy of a model whose version is another.
func copyModel(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, "NOTES.md"), []byte("another version"), 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestEngineRefuses(t *testing.T) {
	d, _ := startDaemon(t, Config{NoSwarm: true, Concurrency: 1, Queue: 1})
	tiny := tinyModel(t)
	publish(t, d, tiny, "author/tiny")
	publish(t, d, writeTree(t, map[string][]byte{"a.txt": []byte("no model")}), "author/text")
	cut := copyModel(t, tiny)
	if err := os.Truncate(filepath.Join(cut, "model.safetensors"), 1<<20); err != nil {
		t.Fatal(err)
	}
	publish(t, d, cut, "author/cut")
	for model, code := range map[string]string{
		"author/none": client.CodeNotFound,
		"gpt-4 turbo": client.CodeNotFound,
		"author/text": client.CodeUnsupportedModel,
		"author/cut":  client.CodeUnsupportedModel,
	} {
		_, err := d.engine.Generate(t.Context(), model, hello(), discard)
		wantCode(t, err, code)
	}
	models, err := d.engine.Models(t.Context())
	if err != nil || len(models) != 1 {
		t.Errorf("got models %v (%v), want the sound one", models, err)
	}

	// One is answered, one waits, the third is refused.
	started, finish := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		first := true
		_, err := d.engine.Generate(t.Context(), "author/tiny", hello(), func(loader.Chunk) error {
			if first {
				first = false
				close(started)
				<-finish
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-started
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error, 1)
	wg.Go(func() {
		_, err := d.engine.Generate(ctx, "author/tiny", hello(), discard)
		waiting <- err
	})
	await(t, "the second request to wait", func() bool { return len(d.engine.queue) == 2 })
	_, err = d.engine.Generate(t.Context(), "author/tiny", hello(), discard)
	wantCode(t, err, client.CodeRateLimited)
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the waiting request to end with its context", err)
	}
	close(finish)
	wg.Wait()
}

func TestStopWhileGenerating(t *testing.T) {
	d, stop := startDaemon(t, Config{NoSwarm: true, Listen: loopback, NoAuth: true, Drain: time.Millisecond})
	publish(t, d, tinyModel(t), "author/tiny")
	body := `{"model": "author/tiny", "stream": true, "max_tokens": 100000, "ignore_eos": true, "messages": [{"role": "user", "content": "Tell me a story."}]}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.URL()+"/v1/chat/completions", bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	if _, err := resp.Body.Read(make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	stop() // nothing is read after it was unmapped, and nothing hangs
}
