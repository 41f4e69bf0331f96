package chat

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzTemplate runs a stranger's template: it renders or fails with an error
// of this package, and gives valid text either way.
func FuzzTemplate(f *testing.F) {
	snippets, err := os.ReadFile("testdata/snippets.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(snippets)) {
		f.Add(strings.TrimSuffix(line, "\n"))
	}
	paths, err := filepath.Glob("testdata/templates/*.jinja")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		raw, err := os.ReadFile(path) //nolint:gosec // testdata
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(raw))
	}
	contexts := readContexts(f)
	vars := contexts[len(contexts)-1]
	f.Fuzz(func(t *testing.T, source string) {
		tpl, err := Compile(source)
		if err != nil {
			known(t, err)
			return
		}
		text, err := tpl.RenderJSON(vars, oracleNow)
		if err != nil {
			known(t, err)
			return
		}
		if !utf8.ValidString(text) {
			t.Fatalf("got %q", text)
		}
	})
}

// known fails the test for an error that is not of this package.
func known(t *testing.T, err error) {
	t.Helper()
	var coder interface{ Code() string }
	if !errors.As(err, &coder) {
		t.Fatalf("got %T: %v", err, err)
	}
}
