package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"samara/web/ui/uitest"
)

// TestPage does the main job in a real browser, between two daemons: log in by
// the one-time link, paste the magnet, see what is in it, watch it arrive, ask
// it something.
func TestPage(t *testing.T) {
	if _, err := os.Stat(tinyModel); err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	author := serveFor(t, work, "author")
	reader := serveFor(t, work, "reader")

	model, err := filepath.Abs(tinyModel)
	if err != nil {
		t.Fatal(err)
	}
	var published struct{ Magnet string }
	lastLine(t, samara(t, author.env, "publish", model, "--name", "demo/tiny", "--json"), &published)
	var login struct{ URL string }
	lastLine(t, samara(t, reader.env, "login", "--json"), &login)

	ctx := uitest.Open(t, login.URL)
	uitest.WaitText(t, ctx, "Paste a magnet link")
	uitest.WaitText(t, ctx, "connected")
	uitest.Do(t, ctx,
		chromedp.SendKeys(chromedp.ID("link"), published.Magnet),
		chromedp.SendKeys(chromedp.ID("peer"), author.Swarm),
		chromedp.Click(chromedp.ID("peek")))
	uitest.WaitText(t, ctx, "digests named by the author")
	uitest.WaitText(t, ctx, "model.safetensors")
	uitest.Shot(t, ctx, "real-peek")
	uitest.Do(t, ctx,
		chromedp.SendKeys(chromedp.ID("name"), "demo/tiny"),
		chromedp.Click(chromedp.ID("fetch")))
	uitest.WaitText(t, ctx, "ready")
	uitest.WaitText(t, ctx, "safetensors · llama")

	uitest.Do(t, ctx, chromedp.SendKeys(chromedp.ID("prompt"), "Who are you?"), chromedp.Click(chromedp.ID("send")))
	uitest.WaitText(t, ctx, "tokens/s")
	said, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(".said.assistant")))
	if err != nil || len(said) < 10 {
		t.Errorf("the model said %q, %v", said, err)
	}
	uitest.Shot(t, ctx, "real-chat")
	uitest.Dark(t, ctx)
	uitest.Phone(t, ctx)
	uitest.Shot(t, ctx, "real-phone")
}

// serveFor starts a daemon with a folder of its own, which ends with the test.
func serveFor(t *testing.T, work, name string) *node {
	t.Helper()
	data := filepath.Join(work, name)
	env := append(os.Environ(), "SAMARA_DATA="+data, "XDG_CONFIG_HOME="+work)
	p, err := startServe(env, work, data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.stop(t) })
	return &node{served: p, env: env, data: data}
}

// A node is a running daemon and the environment of the verbs that speak to it.
type node struct {
	*served
	env  []string
	data string
}
