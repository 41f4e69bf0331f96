package cli

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// testApp is a command line with buffers for streams, and a data folder of its
// own.
func testApp(t *testing.T) (a *app, out, errs *bytes.Buffer) {
	t.Helper()
	t.Setenv("SAMARA_DATA", t.TempDir())
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	out, errs = &bytes.Buffer{}, &bytes.Buffer{}
	return &app{
		ctx: context.Background(), in: strings.NewReader(""), out: out, err: errs,
		interrupts:    &interrupter{},
		startPatience: 300 * time.Millisecond, answerPatience: 300 * time.Millisecond,
	}, out, errs
}

// TestHelpPages compares every verb's page with the one that docs/cli.md was
// written from, and wants an example and the exit statuses on each.
func TestHelpPages(t *testing.T) {
	a, _, _ := testApp(t)
	parser, err := newParser(&grammar{}, a)
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string][]string{"samara": {"--help"}}
	for _, leaf := range parser.Model.Leaves(true) {
		words := strings.Fields(leaf.Path())
		pages[strings.Join(words, "-")] = append(verbWords(leaf), "--help")
	}
	for name, args := range pages {
		t.Run(name, func(t *testing.T) {
			a, out, errs := testApp(t)
			if status := a.main(args); status != 0 {
				t.Fatalf("%v: got exit status %d: %s", args, status, errs)
			}
			if name != "samara" {
				for _, want := range []string{"Examples:\n", "Exit status:\n", "130  interrupted"} {
					if !strings.Contains(out.String(), want) {
						t.Errorf("%v: no %q", args, want)
					}
				}
			}
			golden(t, filepath.Join("testdata", "help", name+".txt"), out.Bytes())
		})
	}
}

// verbWords are the words of a verb, without its arguments.
func verbWords(n *kong.Node) []string {
	if n.Parent == nil {
		return nil
	}
	return append(verbWords(n.Parent), n.Name)
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got); go test ./daemon/cli -run TestHelpPages -update writes it anew:\n%s", path, diff)
	}
}
