package chat

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// oracleNow is where the oracle's clock stands.
var oracleNow = time.Date(2026, 3, 4, 15, 6, 7, 0, time.UTC)

// answer is what jinja2 made of a template; see testdata/oracle.py.
type answer struct {
	Template string
	Context  int
	Snippet  string
	Text     *string
	Error    string
}

func readContexts(t testing.TB) []json.RawMessage {
	t.Helper()
	raw, err := os.ReadFile("testdata/contexts.json")
	if err != nil {
		t.Fatal(err)
	}
	var contexts []json.RawMessage
	if err := json.Unmarshal(raw, &contexts); err != nil {
		t.Fatal(err)
	}
	return contexts
}

// check renders a template and compares with the oracle: the same text, or an
// error where the oracle has one.
func check(t *testing.T, source string, context []byte, want answer) (same bool) {
	t.Helper()
	got, err := render(source, context)
	switch {
	case want.Text == nil && err == nil:
		t.Errorf("template %.300q\ngot  %.600q\nwant error %s", source, got, want.Error)
	case want.Text != nil && err != nil:
		t.Errorf("template %.300q\ngot error %v\nwant %.600q", source, err, *want.Text)
	case want.Text != nil && got != *want.Text:
		t.Errorf("template %.300q\ngot  %.1500q\nwant %.1500q", source, got, *want.Text)
	default:
		return true
	}
	return false
}

func render(source string, context []byte) (string, error) {
	tpl, err := Compile(source)
	if err != nil {
		return "", err
	}
	return tpl.RenderJSON(context, oracleNow)
}

func TestVectors(t *testing.T) {
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var answers []answer
	if err := json.Unmarshal(raw, &answers); err != nil {
		t.Fatal(err)
	}
	contexts := readContexts(t)
	for _, a := range answers {
		source, context := a.Snippet, contexts[len(contexts)-1]
		if a.Template != "" {
			raw, err := os.ReadFile(filepath.Join("testdata/templates", a.Template))
			if err != nil {
				t.Fatal(err)
			}
			source, context = string(raw), contexts[a.Context]
		}
		check(t, source, context, a)
	}
}

// kinds are the places in contexts.json of what every template is to be tried
// with; the others there are odder.
var kinds = map[string]int{
	"user only": 0, "system and several turns": 1, "assistant last": 2,
	"tools": 13, "tool calls and results": 7, "reasoning": 5,
}

func TestKinds(t *testing.T) {
	contexts := readContexts(t)
	for name, has := range map[string]string{
		"user only": `["user"]  gen`, "system and several turns": `["system" "user" "assistant" "user"]  gen`,
		"assistant last": `["user" "assistant" "user" "assistant"] `, "tools": `["system" "user"] tools gen`,
		"tool calls and results": `["system" "user" "assistant" "tool" "tool" "assistant" "user"] calls tools gen`,
		"reasoning":              `["user" "assistant" "user"] reasoning gen`,
	} {
		var c struct {
			Messages []struct {
				Role      string
				ToolCalls []any  `json:"tool_calls"`
				Reasoning string `json:"reasoning_content"`
			}
			Tools []any
			Gen   bool `json:"add_generation_prompt"`
		}
		if err := json.Unmarshal(contexts[kinds[name]], &c); err != nil {
			t.Fatal(err)
		}
		var roles, more []string
		for _, m := range c.Messages {
			roles = append(roles, m.Role)
			if len(m.ToolCalls) > 0 {
				more = append(more, "calls")
			}
			if m.Reasoning != "" {
				more = append(more, "reasoning")
			}
		}
		if len(c.Tools) > 0 {
			more = append(more, "tools")
		}
		if c.Gen {
			more = append(more, "gen")
		}
		if got := fmt.Sprintf("%q %s", roles, strings.Join(more, " ")); strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(has), " ") {
			t.Errorf("%s: got %s, want %s", name, got, has)
		}
	}
}

// TestOracle renders every template of a folder over every context and
// compares with jinja2, word for word.
func TestOracle(t *testing.T) {
	python, folder := os.Getenv("SAMARA_TEST_PYTHON"), os.Getenv("SAMARA_TEMPLATES")
	if python == "" || folder == "" {
		t.Skip("SAMARA_TEST_PYTHON names no python with jinja2, or SAMARA_TEMPLATES no folder of .jinja files")
	}
	paths, err := filepath.Glob(filepath.Join(folder, "*.jinja"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("got %d templates, %v", len(paths), err)
	}
	contexts := readContexts(t)
	var sources, texts []string
	for _, path := range paths {
		raw, err := os.ReadFile(path) //nolint:gosec // the tester's own folder
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, string(raw))
	}
	for _, c := range contexts {
		texts = append(texts, string(c))
	}
	lines := askOracle(t, python, sources, texts)
	for i, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			rendered := 0
			for k := range contexts {
				want := lines[i*len(contexts)+k]
				if check(t, sources[i], contexts[k], want) && want.Text != nil {
					rendered++
				}
			}
			t.Logf("%d of %d contexts render; the others raise in jinja2 too", rendered, len(contexts))
		})
	}
}

func askOracle(t *testing.T, python string, sources, contexts []string) []answer {
	t.Helper()
	request, err := json.Marshal(map[string]any{"templates": sources, "contexts": contexts})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "testdata/oracle.py") //nolint:gosec // the tester's own python
	cmd.Stdin = bytes.NewReader(request)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("oracle: %v", err)
	}
	var answers []answer
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<28)
	for lines.Scan() {
		var a answer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, a)
	}
	if len(answers) != len(sources)*len(contexts) {
		t.Fatalf("got %d answers, want %d", len(answers), len(sources)*len(contexts))
	}
	return answers
}
