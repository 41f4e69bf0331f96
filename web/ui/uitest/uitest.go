// Package uitest drives the page in a real Chromium, for tests:
//
//	ctx := uitest.Open(t, url)
//	uitest.Do(t, ctx, chromedp.Click(chromedp.ID("fetch")))
//	uitest.WaitText(t, ctx, "ready")
package uitest

import (
	"context"
	"fmt"
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

// Bounds of one test's time in the browser, and of one wait.
const (
	pageTimeout = 2 * time.Minute
	waitTimeout = 30 * time.Second
)

// Open starts Chromium, opens url in a window of 1200 by 900 and returns the
// tab, which ends with the test. Anything that the page writes to the console
// as an exception or a breach of its content security policy fails the test.
// Without Chromium the test is skipped.
func Open(t *testing.T, url string) context.Context {
	t.Helper()
	exe, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: the page is looked at in a real browser only")
	}
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
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start chromium: %v", err)
	}
	watchConsole(t, ctx)
	Do(t, ctx, chromedp.EmulateViewport(1200, 900), chromedp.Navigate(url))
	return ctx
}

// watchConsole fails the test, at its end, for what the page complained of.
func watchConsole(t *testing.T, ctx context.Context) {
	var mu sync.Mutex
	var complaints []string
	go func() { // ends with ctx, which the test's cleanup cancels
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
}

// Do runs steps in the tab.
func Do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// WaitText waits until the page shows a text.
func WaitText(t *testing.T, ctx context.Context, text string) {
	t.Helper()
	js := fmt.Sprintf("document.body.innerText.includes(%q)", text)
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](js, chromedp.WithPollingTimeout(waitTimeout))); err != nil {
		shown, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
		t.Fatalf("waiting for %q: %v; the page shows:\n%s", text, err, shown)
	}
}

// Dark asks the page for its dark colours.
func Dark(t *testing.T, ctx context.Context) {
	t.Helper()
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
	}); err != nil {
		t.Fatal(err)
	}
}

// Phone makes the window that of a phone and fails the test where the page is
// wider than it.
func Phone(t *testing.T, ctx context.Context) {
	t.Helper()
	Do(t, ctx, chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile, chromedp.EmulatePortrait))
	over, err := chromedp.Run(ctx, chromedp.Evaluate[int]("document.documentElement.scrollWidth - window.innerWidth"))
	if err != nil || over > 0 {
		t.Errorf("at phone width the page is %d px too wide (%v)", over, err)
	}
}

// Shot keeps a picture of the page where SAMARA_SCREENSHOTS names a folder.
func Shot(t *testing.T, ctx context.Context, name string) {
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
