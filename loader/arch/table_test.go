package arch

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"samara/loader/kernels"
)

var update = flag.Bool("update", false, "write the measured errors into docs/models.md")

// Where the table lies, between two lines of its own.
const (
	tableFile  = "../../docs/models.md"
	tableBegin = "<!-- begin: go test ./loader/arch -run TestTable -update -->\n"
	tableEnd   = "<!-- end -->\n"
)

// TestTable wants every architecture in docs/models.md; with -update it writes
// the table, errors measured anew.
func TestTable(t *testing.T) {
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
		table = makeTable(t)
		if err := os.WriteFile(tableFile, []byte(before+tableBegin+table+tableEnd+after), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range families {
		if !strings.Contains(table, "| `"+f.name+"` |") {
			t.Errorf("%s: architecture %s is not in the table", tableFile, f.name)
		}
	}
}

// makeTable measures the worst error of each architecture in each layout.
func makeTable(t *testing.T) string {
	t.Helper()
	worst := map[string]map[bool]float64{}
	for _, f := range families {
		worst[f.name] = map[bool]float64{}
	}
	for _, dir := range familyFolders(t) {
		ids, want := vectors(t, "families/"+filepath.Base(dir)+"/")
		for _, path := range []string{dir, filepath.Join(dir, "model.gguf")} {
			if _, err := os.Stat(path); err == nil {
				name, e := measure(t, path, ids, want)
				gguf := filepath.Ext(path) == ".gguf"
				worst[name][gguf] = max(worst[name][gguf], e)
			}
		}
	}
	var s strings.Builder
	s.WriteString("| architecture | models | `architectures` in config.json | error | `general.architecture` | error |\n|---|---|---|---|---|---|\n")
	for _, f := range families {
		fmt.Fprintf(&s, "| `%s` | %s | %s | %s | %s | %s |\n", f.name, f.models,
			strings.Join(classes(f), ", "), measured(worst[f.name], false),
			strings.Join(f.gguf, ", "), measured(worst[f.name], true))
	}
	return s.String()
}

// classes are the names in "architectures"; the others are those of
// "model_type", for files without.
func classes(f *family) []string {
	return slices.DeleteFunc(slices.Clone(f.hub), func(name string) bool { return strings.ToLower(name) == name })
}

func measured(worst map[bool]float64, gguf bool) string {
	if e, ok := worst[gguf]; ok {
		return fmt.Sprintf("%.0e", e)
	}
	return "–"
}

// measure evaluates the ids of one model at once.
func measure(t *testing.T, path string, ids []int32, want []float32) (name string, e float64) {
	t.Helper()
	if filepath.Ext(path) != ".gguf" {
		if c := readConfig(t, path); IsEncoder(c) {
			p := kernels.NewPool(1)
			defer p.Close()
			m, err := LoadEncoder(c, openDirectory(t, path), p)
			if err != nil {
				t.Fatal(err)
			}
			got, err := m.Encode(context.Background(), m.NewBuffers(), ids)
			if err != nil {
				t.Fatal(err)
			}
			return c.Architecture, nmse(got, want)
		}
	}
	m, c := open(t, path)
	s := m.NewState(len(ids))
	defer s.Close()
	got, err := m.Forward(context.Background(), s, m.NewBuffers(), ids, true)
	if err != nil {
		t.Fatal(err)
	}
	return c.Architecture, nmse(got, want)
}
