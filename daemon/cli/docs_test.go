package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCommandsInDocs parses every samara command in the docs and in the help
// pages: a verb or an option that is gone fails here.
func TestCommandsInDocs(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	help, err := filepath.Glob("testdata/help/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	pages = append(append(pages, help...), "../../README.md", "../../SECURITY.md")
	seen := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.ReplaceAll(string(text), "\\\n", " ")) // continued lines
		for line := range strings.Lines(string(text)) {
			for _, words := range commands(line) {
				seen++
				checkCommand(t, page, words)
			}
		}
	}
	if seen < 60 {
		t.Errorf("got %d commands, want at least 60: the search for them is broken", seen)
	}
}

func checkCommand(t *testing.T, page string, words []string) {
	t.Helper()
	a, _, _ := testApp(t)
	parser, err := newParser(&grammar{}, a)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		// --help and --version leave at once.
		if r := recover(); r != nil {
			if _, ok := r.(exitRequest); !ok {
				panic(r)
			}
		}
	}()
	if _, err := parser.Parse(words); err != nil {
		t.Errorf("%s: samara %s: %v", filepath.Base(page), strings.Join(words, " "), err)
	}
}

// commands finds the samara commands of an indented line: their words after the
// program's name.
func commands(line string) [][]string {
	if !strings.HasPrefix(line, "    ") {
		return nil
	}
	var found [][]string
	var words []string
	end := func() {
		switch {
		case len(words) > 1 && (words[0] == "samara" || words[0] == "./samara"):
			found = append(found, words[1:])
		case len(words) > 3 && words[0] == "go" && words[1] == "run" && words[2] == ".":
			found = append(found, words[3:])
		}
		words = nil
	}
	for _, w := range shellWords(line) {
		switch w {
		case "|", "&&", ";", "&":
			end()
		case "$":
		default:
			if strings.HasPrefix(w, "#") {
				end()
				return found
			}
			words = append(words, w)
		}
	}
	end()
	return found
}

// shellWords splits a line as a shell does, without expanding anything; what
// stands between $( and ) is part of its word.
func shellWords(line string) []string {
	var words []string
	var word strings.Builder
	quote, in, depth := rune(0), false, 0
	for _, r := range line {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		}
		switch {
		case depth > 0:
			word.WriteRune(r)
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, in = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if in {
				words = append(words, word.String())
			}
			word.Reset()
			in = false
		default:
			word.WriteRune(r)
			in = true
		}
	}
	return words
}
