package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/renameio/v2"

	"samara/web/client"
)

func TestKindOf(t *testing.T) {
	for model, want := range map[string]modelKind{
		"gpt2":                   modelReference,
		"me/tiny:main":           modelReference,
		"me/tiny@blake3:00ff":    modelReference,
		"/models/x":              modelPath,
		"./x":                    modelPath,
		"../x":                   modelPath,
		"~/x":                    modelPath,
		"smollm2.gguf":           modelPath,
		"Model.Q4.GGUF":          modelPath,
		"model.safetensors":      modelPath,
		"magnet:?xt=urn:btih:00": modelLink,
		"MAGNET:?xt=urn:btih:00": modelLink,
		"x.torrent":              modelLink,
		"./x.torrent":            modelLink,
		strings.Repeat("5a", 20): modelLink,
		strings.Repeat("5g", 20): modelReference,
	} {
		if got := kindOf(model); got != want {
			t.Errorf("kindOf(%q): got %d, want %d", model, got, want)
		}
	}
}

func TestReportText(t *testing.T) {
	a, out, errs := testApp(t)
	a.opts = &globals{}
	e := client.NewError("verify", client.CodeVerification, "verify x:\x1b[31m bad\u202e").WithHint("do\nthis")
	if got := a.report(fmt.Errorf("outer: %w", e)); got != 4 {
		t.Errorf("got exit status %d, want 4", got)
	}
	want := "samara: error: verify x:\ufffd[31m bad\ufffd\nsamara: hint: do this\n"
	if errs.String() != want || out.Len() > 0 {
		t.Errorf("got %q on stderr and %q on stdout, want %q and nothing", errs, out, want)
	}
}

func TestReportCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("x"), 1},
		{usage("x", ""), 2},
		{client.NewError("", client.CodeNotFound, "x"), 3},
		{client.NewError("", client.CodeTrustRefused, "x"), 4},
		{client.NewError("", client.CodeLocked, "x"), 5},
		{client.NewError("", client.CodeUnavailable, "x"), 5},
		{client.NewError("", client.CodeCanceled, "x"), 130},
		{fmt.Errorf("write: %w", syscall.ENOSPC), 1},
		{errSilent(4), 4},
	} {
		a, _, _ := testApp(t)
		a.opts = &globals{JSON: true}
		if got := a.report(c.err); got != c.want {
			t.Errorf("report(%v): got %d, want %d", c.err, got, c.want)
		}
	}
}

func TestSettingsKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "samara.toml")
	values, err := parseSettings(path, []byte("swarm = \":7378\"\nupload_rate = \"10MB\"\nkeep_alive = \"90s\"\nallow = [\"10.0.0.0/8\", \"fd00::/8\"]\n"))
	if err != nil || values["swarm"] != ":7378" {
		t.Fatalf("got %v, %v", values, err)
	}
	_, err = parseSettings(path, []byte("dht = true\n[tls]\ncert = \"x\"\n"))
	if err == nil || !strings.Contains(err.Error(), ":2: unknown key \"tls") && !strings.Contains(err.Error(), ":3: unknown key \"tls") {
		t.Errorf("a table: got %v, want an unknown key with its line", err)
	}
}

// TestSettingsKinds wants the file's words for a value of the wrong kind.
func TestSettingsKinds(t *testing.T) {
	for text, want := range map[string]string{
		"listen = 5":       `s.toml:1: key "listen": got integer, want text in quotes`,
		"\ndht = \"yes\"":  `s.toml:2: key "dht": got string, want true or false`,
		"queue = \"many\"": `s.toml:1: key "queue": got string, want a whole number`,
		"allow = 5":        `s.toml:1: key "allow": got integer, want a list such as ["a", "b"]`,
		"memory = true":    `s.toml:1: key "memory": "true" is no size such as 10MB or 1.5GiB`,
		"keep_alive = 5.5": `s.toml:1: key "keep_alive": "5.5" is no time such as 90s or 5m`,
	} {
		_, err := parseSettings("s.toml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

// TestWriteFailed wants the user's own file in the message, and no other.
func TestWriteFailed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nosuch", "o")
	_, err := renameio.NewPendingFile(path)
	e := client.FromError("", writeFailed(path, err))
	if e.Message != "write "+path+": no such file or directory" || !strings.Contains(e.Hint, "mkdir") || e.ExitStatus() != 1 {
		t.Errorf("got %+v", e)
	}
}

// TestParseHasAnOp wants the operation in an error about the command line.
func TestParseHasAnOp(t *testing.T) {
	a, out, _ := testApp(t)
	if status := a.main([]string{"nosuch", "--json"}); status != 2 || !strings.Contains(out.String(), `"op":"`) {
		t.Errorf("got exit status %d and %s", status, out)
	}
}

// TestSettingsOrder wants flags over the environment over the file.
func TestSettingsOrder(t *testing.T) {
	a, _, _ := testApp(t)
	file := filepath.Join(t.TempDir(), "s.toml")
	text := "Swarm = \"file:1\"\nlisten = \"file:2\"\nallow = [\"10.0.0.0/8\", \"fd00::/8\"]\nmemory = \"1GiB\"\nkeep_alive = \"90s\"\nqueue = 7\nthreads = 3\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SAMARA_LISTEN", "env:2")
	t.Setenv("SAMARA_THREADS", "2")
	g := &grammar{}
	parser, err := newParser(g, a)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"serve", "--config", file, "-t", "1"}); err != nil {
		t.Fatal(err)
	}
	cfg := g.config()
	if cfg.Swarm != "file:1" || cfg.Listen != "env:2" || cfg.Threads != 1 || cfg.Queue != 7 ||
		cfg.Memory != 1<<30 || cfg.KeepAlive.Seconds() != 90 || len(cfg.Allow) != 2 {
		t.Errorf("got %+v", cfg)
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range [][2]string{
		{count(134_515_008), "134.5M"},
		{count(7_000_000_000), "7B"},
		{count(0), ""},
		{count(1200), "1.2K"},
		{size(1 << 30), "1.0 GiB"},
		{short("blake3:0123456789abcdef"), "blake3:0123456789ab"},
		{short("x"), "x"},
	} {
		if c[0] != c[1] {
			t.Errorf("got %q, want %q", c[0], c[1])
		}
	}
}
