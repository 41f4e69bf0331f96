package ui

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"samara/web/ui/uitest"
)

func TestHandlerServesThePageUnderItsPolicy(t *testing.T) {
	for path, want := range map[string]string{
		"/":                            "text/html; charset=utf-8",
		"/assets/app.js":               "text/javascript; charset=utf-8",
		"/assets/app.css":              "text/css; charset=utf-8",
		"/assets/samara.svg":           "image/svg+xml",
		"/assets/vendor/htm-preact.js": "text/javascript; charset=utf-8",
	} {
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != want {
			t.Errorf("%s: got %d %q, want 200 %q", path, w.Code, w.Header().Get("Content-Type"), want)
		}
		if got := w.Header().Get("Content-Security-Policy"); got != ContentSecurityPolicy {
			t.Errorf("%s: policy %q", path, got)
		}
	}
	for _, path := range []string{"/assets/", "/assets/none.js", "/index.html", "/assets/../ui.go"} {
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", path, w.Code)
		}
	}
}

func TestHandlerAnswersNotModified(t *testing.T) {
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/assets/app.js", nil))
	r := httptest.NewRequest(http.MethodGet, "/assets/app.js", nil)
	r.Header.Set("If-None-Match", w.Header().Get("ETag"))
	w = httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	if w.Code != http.StatusNotModified {
		t.Errorf("got %d, want 304", w.Code)
	}
}

// A fakeDaemon answers the page's calls from values that a test sets.
type fakeDaemon struct {
	mu       sync.Mutex
	locked   bool
	versions []map[string]any
	transfer map[string]any
	added    map[string]any // the body of POST /transfers
	asked    map[string]any // the body of the chat
	events   chan string
}

func (d *fakeDaemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	locked := d.locked
	d.mu.Unlock()
	switch key := r.Method + " " + r.URL.Path; {
	case r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, "/assets/"):
		Handler().ServeHTTP(w, r)
	case locked:
		writeJSON(w, http.StatusUnauthorized, map[string]any{"error": map[string]string{"message": "no token"}})
	case key == "GET /samara/v1/info":
		writeJSON(w, 200, map[string]any{"version": "test", "swarm": "127.0.0.1:7378"})
	case key == "GET /samara/v1/versions":
		d.mu.Lock()
		defer d.mu.Unlock()
		writeJSON(w, 200, map[string]any{"versions": d.versions})
	case key == "GET /samara/v1/transfers":
		d.mu.Lock()
		defer d.mu.Unlock()
		list := []any{}
		if d.transfer != nil {
			list = append(list, d.transfer)
		}
		writeJSON(w, 200, map[string]any{"transfers": list})
	case key == "POST /samara/v1/transfers":
		d.mu.Lock()
		defer d.mu.Unlock()
		d.added = map[string]any{}
		_ = json.NewDecoder(r.Body).Decode(&d.added)
		if strings.Contains(fmt.Sprint(d.added["link"]), "bad") {
			writeJSON(w, 400, map[string]any{"error": map[string]string{"message": "add bad: not a magnet link", "hint": "a magnet starts with magnet:?xt="}})
			return
		}
		writeJSON(w, 201, d.transfer)
	case strings.HasPrefix(key, "GET /samara/v1/transfers/"):
		d.mu.Lock()
		defer d.mu.Unlock()
		one := map[string]any{"have": "8PAP", "pieces_total": 24}
		for k, v := range d.transfer {
			one[k] = v
		}
		writeJSON(w, 200, one)
	case key == "POST /samara/v1/peek":
		writeJSON(w, 200, map[string]any{
			"infohash": strings.Repeat("ab", 20), "name": "story", "bytes": 3 << 20, "has_digests": true,
			"files": []any{map[string]any{"path": "model.safetensors", "size": 3 << 20, "digest": "blake3:" + strings.Repeat("9f", 32)}},
		})
	case key == "GET /samara/v1/events":
		d.serveEvents(w, r)
	case key == "POST /v1/chat/completions":
		d.mu.Lock()
		d.asked = map[string]any{}
		_ = json.NewDecoder(r.Body).Decode(&d.asked)
		d.mu.Unlock()
		w.Header().Set("Content-Type", "text/event-stream")
		for _, word := range []string{"A samara", " is a", " winged seed."} {
			fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q},\"finish_reason\":null}]}\n\n", word)
			w.(http.Flusher).Flush()
			time.Sleep(20 * time.Millisecond)
		}
		fmt.Fprint(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
			"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":7}}\n\ndata: [DONE]\n\n")
	default:
		http.NotFound(w, r)
	}
}

func (d *fakeDaemon) serveEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(w, ": open\n\n")
	w.(http.Flusher).Flush()
	for {
		select {
		case e := <-d.events:
			fmt.Fprint(w, e)
			w.(http.Flusher).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

func (d *fakeDaemon) send(kind string, data any) {
	b, _ := json.Marshal(data)
	d.events <- fmt.Sprintf("event: %s\ndata: %s\n\n", kind, b)
}

func writeJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}

// openPage starts a daemon that is not real and opens its page.
func openPage(t *testing.T, d *fakeDaemon) context.Context {
	t.Helper()
	d.events = make(chan string)
	srv := httptest.NewServer(d)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	return uitest.Open(t, srv.URL)
}

var story = map[string]any{
	"reference": "samara/story:main", "version": "blake3:" + strings.Repeat("3c", 32), "bytes": 3 << 20, "files": 6,
	"format": "safetensors", "architecture": "llama", "parameters": 1800000, "quantization": "bf16",
	"license": "apache-2.0", "trust": "unsigned", "state": "ready",
}

func TestPageFromMagnetToAnswer(t *testing.T) {
	d := &fakeDaemon{transfer: map[string]any{
		"id": "t1", "state": "fetching", "reference": "samara/story:main", "bytes_done": 1 << 20, "bytes_total": 3 << 20,
		"peers": 2, "down_rate": 1 << 19, "eta_seconds": 4, "pieces_total": 24, "added": "2026-01-01T00:00:00Z",
	}}
	ctx := openPage(t, d)
	uitest.WaitText(t, ctx, "Paste a magnet link")
	uitest.WaitText(t, ctx, "connected")
	uitest.Do(t, ctx, chromedp.SendKeys(chromedp.ID("link"), "magnet:?xt=urn:btih:"+strings.Repeat("ab", 20)), chromedp.Click(chromedp.ID("peek")))
	uitest.WaitText(t, ctx, "model.safetensors")
	uitest.WaitText(t, ctx, "digests named by the author")
	uitest.Do(t, ctx, chromedp.SendKeys(chromedp.ID("peer"), "127.0.0.1:7000"), chromedp.Click(chromedp.ID("fetch")))
	uitest.WaitText(t, ctx, "1.0 MiB of 3.0 MiB (33 %)")
	uitest.WaitText(t, ctx, "4 s left")
	time.Sleep(300 * time.Millisecond) // the piece bits arrive
	uitest.Shot(t, ctx, "fetching")
	if got := fmt.Sprint(d.added["peers"]); got != "[127.0.0.1:7000]" {
		t.Errorf("peers sent: %s", got)
	}

	d.mu.Lock()
	d.transfer["state"], d.transfer["bytes_done"] = "ready", 3<<20
	d.versions = append(d.versions, story)
	d.mu.Unlock()
	d.send("transfer", d.transfer)
	uitest.WaitText(t, ctx, "safetensors · llama · 1.8M · bf16")
	uitest.Do(t, ctx, chromedp.SendKeys(chromedp.ID("prompt"), "What is a samara?"), chromedp.Click(chromedp.ID("send")))
	uitest.WaitText(t, ctx, "A samara is a winged seed.")
	uitest.WaitText(t, ctx, "7 tokens")
	if d.asked["model"] != "samara/story:main" || d.asked["stream"] != true {
		t.Errorf("asked %v", d.asked)
	}
	uitest.Shot(t, ctx, "chat")

	uitest.Dark(t, ctx)
	bg, err := chromedp.Run(ctx, chromedp.Evaluate[string]("getComputedStyle(document.body).backgroundColor"))
	if err != nil || bg != "rgb(23, 20, 15)" {
		t.Errorf("dark background: %q, %v", bg, err)
	}
	uitest.Shot(t, ctx, "dark")
	uitest.Phone(t, ctx)
	uitest.Shot(t, ctx, "phone")
}

func TestPageShowsAnErrorWithItsHint(t *testing.T) {
	ctx := openPage(t, &fakeDaemon{})
	uitest.WaitText(t, ctx, "Paste a magnet link")
	uitest.Do(t, ctx, chromedp.SendKeys(chromedp.ID("link"), "bad"), chromedp.Click(chromedp.ID("fetch")))
	uitest.WaitText(t, ctx, "add bad: not a magnet link")
	uitest.WaitText(t, ctx, "a magnet starts with magnet:?xt=")
}

func TestPageWithoutALoginSaysHow(t *testing.T) {
	ctx := openPage(t, &fakeDaemon{locked: true})
	uitest.WaitText(t, ctx, "This browser is not logged in")
	uitest.Shot(t, ctx, "locked")
}

// What a model says is text: markup in it stays letters.
func TestPageTreatsNamesAsText(t *testing.T) {
	evil := map[string]any{}
	for k, v := range story {
		evil[k] = v
	}
	evil["license"] = "<img src=x onerror=alert(1)>"
	ctx := openPage(t, &fakeDaemon{versions: []map[string]any{evil}})
	uitest.WaitText(t, ctx, "<img src=x onerror=alert(1)>")
}
