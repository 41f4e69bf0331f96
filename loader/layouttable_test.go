package loader

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the measured errors into docs/models.md")

// Where the table lies, between two lines of its own.
const (
	tableFile  = "../docs/models.md"
	tableBegin = "<!-- begin: go test ./loader -run TestLayoutTable -update -->\n"
	tableEnd   = "<!-- end -->\n"
)

// tableExports are the rows: what an export is, its folder and its logits.
var tableExports = []struct{ what, path, logits string }{
	{"GGUF, one file", "gguf", "logits.f32"},
	{"GGUF, three shards", "split", "logits.f32"},
	{"Hub, `model.safetensors`", "hub", "logits.f32"},
	{"`consolidated.safetensors`", "consolidated", "logits.f32"},
	{"`consolidated.00.pth`", "pth", "logits.f32"},
	{"`consolidated.00.pth` and `.01`, model-parallel", "parallel", "logits.f32"},
	{"Hub, experts", "moe-hub", "moe.logits.f32"},
	{"`consolidated.safetensors`, experts", "moe-consolidated", "moe.logits.f32"},
	{"`consolidated.00.pt` to `.02`, experts stacked", "moe-stacked", "moe.logits.f32"},
	{"Hub, 8-bit floats with scales", "fp8", "fp8.logits.f32"},
	{"Hub, GPTQ", "gptq", "gptq.logits.f32"},
	{"Hub, AWQ", "awq", "awq.logits.f32"},
}

// TestLayoutTable wants every export in docs/models.md; with -update it writes
// the table, errors measured anew.
func TestLayoutTable(t *testing.T) {
	b, err := os.ReadFile(tableFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), tableBegin)
	table, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", tableFile)
	}
	if *update {
		table = layoutTable(t)
		if err := os.WriteFile(tableFile, []byte(before+tableBegin+table+tableEnd+after), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range tableExports {
		if !strings.Contains(table, "| "+e.what+" |") {
			t.Errorf("%s: %s is not in the table", tableFile, e.what)
		}
	}
}

// layoutTable measures the error of every export.
func layoutTable(t *testing.T) string {
	t.Helper()
	var s strings.Builder
	s.WriteString("| release | format | layout | architecture | tokenizer | error |\n|---|---|---|---|---|---|\n")
	for _, e := range tableExports {
		ids, want := readLayouts(t, e.logits)
		m := openModel(t, layoutsDir+e.path, Options{})
		got, err := newSession(t, m).Eval(context.Background(), ids, All)
		if err != nil {
			t.Fatal(err)
		}
		i := m.Info()
		fmt.Fprintf(&s, "| %s | %s | %s | %s | %s | %.0e |\n", e.what, i.Format, i.Layout, i.Architecture, i.Tokenizer, nmse(got, want))
	}
	return s.String()
}
