package ui

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// pageTimeout bounds one test's time in the browser.
const pageTimeout = 60 * time.Second

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

// openPage starts a daemon that is not real and a Chromium that is, and opens
// the page. Anything that the page writes to the console as an error, such as a
// breach of the content security policy, fails the test.
func openPage(t *testing.T, d *fakeDaemon) context.Context {
	t.Helper()
	exe, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: the page is looked at in a real browser only")
	}
	d.events = make(chan string)
	srv := httptest.NewServer(d)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })

	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(exe), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.UserDataDir(t.TempDir()))
	ctx, cancel := context.WithTimeout(context.Background(), pageTimeout)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)

	var mu sync.Mutex
	var complaints []string
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	go func() {
		for m, err := range chromedp.Console(ctx) {
			if err != nil {
				return
			}
			if m.IsException() || m.Source == "security" || strings.Contains(m.Text, "Content Security Policy") {
				mu.Lock()
				complaints = append(complaints, m.String())
				mu.Unlock()
			}
		}
	}()
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		if len(complaints) > 0 {
			t.Errorf("the page complained: %s", strings.Join(complaints, "\n"))
		}
	})
	do(t, ctx, chromedp.EmulateViewport(1200, 900), chromedp.Navigate(srv.URL))
	return ctx
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// waitText waits until the page shows a text.
func waitText(t *testing.T, ctx context.Context, text string) {
	t.Helper()
	js := fmt.Sprintf("document.body.innerText.includes(%q)", text)
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](js, chromedp.WithPollingTimeout(15*time.Second))); err != nil {
		shown, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
		t.Fatalf("waiting for %q: %v; the page shows:\n%s", text, err, shown)
	}
}

// shot keeps a picture of the page where SAMARA_SCREENSHOTS names a folder.
func shot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("SAMARA_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		t.Fatal(err)
	}
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
	waitText(t, ctx, "Paste a magnet link")
	waitText(t, ctx, "connected")
	do(t, ctx, chromedp.SendKeys(chromedp.ID("link"), "magnet:?xt=urn:btih:"+strings.Repeat("ab", 20)), chromedp.Click(chromedp.ID("peek")))
	waitText(t, ctx, "model.safetensors")
	waitText(t, ctx, "digests named by the author")
	do(t, ctx, chromedp.SendKeys(chromedp.ID("peer"), "127.0.0.1:7000"), chromedp.Click(chromedp.ID("fetch")))
	waitText(t, ctx, "1.0 MiB of 3.0 MiB (33 %)")
	waitText(t, ctx, "4 s left")
	time.Sleep(300 * time.Millisecond) // the piece bits arrive
	shot(t, ctx, "fetching")
	if got := fmt.Sprint(d.added["peers"]); got != "[127.0.0.1:7000]" {
		t.Errorf("peers sent: %s", got)
	}

	d.mu.Lock()
	d.transfer["state"], d.transfer["bytes_done"] = "ready", 3<<20
	d.versions = append(d.versions, story)
	d.mu.Unlock()
	d.send("transfer", d.transfer)
	waitText(t, ctx, "safetensors · llama · 1.8M · bf16")
	do(t, ctx, chromedp.SendKeys(chromedp.ID("prompt"), "What is a samara?"), chromedp.Click(chromedp.ID("send")))
	waitText(t, ctx, "A samara is a winged seed.")
	waitText(t, ctx, "7 tokens")
	if d.asked["model"] != "samara/story:main" || d.asked["stream"] != true {
		t.Errorf("asked %v", d.asked)
	}
	shot(t, ctx, "chat")

	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
	}); err != nil {
		t.Fatal(err)
	}
	bg, err := chromedp.Run(ctx, chromedp.Evaluate[string]("getComputedStyle(document.body).backgroundColor"))
	if err != nil || bg != "rgb(23, 20, 15)" {
		t.Errorf("dark background: %q, %v", bg, err)
	}
	shot(t, ctx, "dark")
	do(t, ctx, chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile, chromedp.EmulatePortrait))
	over, err := chromedp.Run(ctx, chromedp.Evaluate[int]("document.documentElement.scrollWidth - window.innerWidth"))
	if err != nil || over > 0 {
		t.Errorf("at phone width the page is %d px too wide (%v)", over, err)
	}
	shot(t, ctx, "phone")
}

func TestPageShowsAnErrorWithItsHint(t *testing.T) {
	ctx := openPage(t, &fakeDaemon{})
	waitText(t, ctx, "Paste a magnet link")
	do(t, ctx, chromedp.SendKeys(chromedp.ID("link"), "bad"), chromedp.Click(chromedp.ID("fetch")))
	waitText(t, ctx, "add bad: not a magnet link")
	waitText(t, ctx, "a magnet starts with magnet:?xt=")
}

func TestPageWithoutALoginSaysHow(t *testing.T) {
	ctx := openPage(t, &fakeDaemon{locked: true})
	waitText(t, ctx, "This browser is not logged in")
	shot(t, ctx, "locked")
}

// What a model says is text: markup in it stays letters.
func TestPageTreatsNamesAsText(t *testing.T) {
	evil := map[string]any{}
	for k, v := range story {
		evil[k] = v
	}
	evil["license"] = "<img src=x onerror=alert(1)>"
	ctx := openPage(t, &fakeDaemon{versions: []map[string]any{evil}})
	waitText(t, ctx, "<img src=x onerror=alert(1)>")
}
