package main

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A pkg is what "go list" says of one package.
type pkg struct {
	ImportPath string
	Dir        string
	Name       string
	GoFiles    []string
	Imports    []string
}

// packages lists every package of the module.
func packages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Name,GoFiles,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// arrows says which of our packages each part of the house may import, by
// prefix; the longest prefix that matches a package counts. Every part may
// import what lies below its own folder.
var arrows = map[string][]string{
	"samara":               {"samara/daemon/cli"},
	"samara/verify":        {},
	"samara/magnets":       {},
	"samara/magnets/swarm": {"samara/verify", "samara/magnets"},
	"samara/registry":      {"samara/verify", "samara/magnets"},
	"samara/loader":        {"samara/verify"},
	"samara/web":           {"samara/registry", "samara/loader", "samara/verify", "samara/magnets"},
	"samara/daemon": {
		"samara/web", "samara/magnets/swarm", "samara/loader", "samara/registry", "samara/verify", "samara/magnets",
	},
	"samara/daemon/cli": {
		"samara/daemon", "samara/web/client", "samara/loader", "samara/verify", "samara/magnets", "samara/registry",
	},
}

// homes says where each outside library lives.
var homes = map[string][]string{
	"github.com/dgraph-io/badger": {"samara/registry"},
	"github.com/labstack/echo":    {"samara/web"},
	"github.com/zeebo/blake3":     {"samara/verify"},
	"lukechampine.com/blake3":     {"samara/verify"},
	"github.com/anacrolix/":       {"samara/magnets"},
	"unsafe":                      {"samara/loader"},
}

func TestArrowsHold(t *testing.T) {
	for _, p := range packages(t) {
		part := ""
		for prefix := range arrows {
			if under(p.ImportPath, prefix) && len(prefix) > len(part) {
				part = prefix
			}
		}
		for _, imp := range p.Imports {
			if under(imp, "samara") && !under(imp, part) && !allowed(imp, arrows[part]) {
				t.Errorf("%s imports %s, and %s may import only %v", p.ImportPath, imp, part, arrows[part])
			}
			for lib, home := range homes {
				if strings.HasPrefix(imp, lib) && !slices.ContainsFunc(home, func(h string) bool { return under(p.ImportPath, h) }) {
					t.Errorf("%s imports %s, whose home is %v", p.ImportPath, imp, home)
				}
			}
		}
	}
}

// allowed reports whether one of the parts holds imp. The swarm is a part of
// its own: who may import magnets may not import the network by that.
func allowed(imp string, parts []string) bool {
	return slices.ContainsFunc(parts, func(part string) bool {
		if part == "samara/magnets" && under(imp, "samara/magnets/swarm") {
			return false
		}
		return under(imp, part)
	})
}

func under(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	for _, p := range packages(t) {
		set := token.NewFileSet()
		said := ""
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				t.Fatal(err)
			}
			said += f.Doc.Text()
		}
		want := "Package " + p.Name
		if p.Name == "main" {
			want = "Samara" // a command's comment starts with its name
		}
		if !strings.HasPrefix(said, want) {
			t.Errorf("%s: the package comment starts %.60q, want %q", p.ImportPath, said, want)
		}
	}
}
