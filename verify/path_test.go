package verify_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"samara/verify"
)

func TestCheckPath(t *testing.T) {
	good := []string{
		"model.safetensors", "a/b/c", "model-00001-of-00002.safetensors", "Ünïcode/模型.gguf", ".gitattributes", "..a", "a..b/c",
		"with space/x y", "console", "com10.txt", "lpt", "auxiliary/nul-1", strings.Repeat("a", 255),
	}
	for _, p := range good {
		if err := verify.CheckPath(p); err != nil {
			t.Errorf("CheckPath(%q) = %v", p, err)
		}
	}
	bad := []string{
		"", "/", "/etc/passwd", "..", "../x", "a/../b", "a/..", ".", "./a", "a/.", "a//b", "a/", "a\\b", "C:", "c:/x", "a:b",
		"a\x00b", "a\nb", "a\x7f", "a\u0085b", "a\u2028b", "a\u202eb", "\xff", "a/\xc3(", "nul", "NUL.txt", "x/con", "aux .txt", "COM1", "com¹.log", "lpt9.x",
		"CONIN$", "a.", "a ", "dir./x", "dir /x", "...", "a<b", "a>b", `a"b`, "a|b", "a?b", "a*b",
		strings.Repeat("a", 256), strings.Repeat("a/", 512) + "a",
	}
	for _, p := range bad {
		err := verify.CheckPath(p)
		var pe *verify.PathError
		if !errors.As(err, &pe) || pe.Code() != "invalid_request" {
			t.Errorf("CheckPath(%q) = %v", p, err)
		}
	}
}

func TestCheckPaths(t *testing.T) {
	many := make([]string, verify.MaxFiles+1)
	for i := range many {
		many[i] = fmt.Sprintf("f%d", i)
	}
	for _, paths := range [][]string{nil, {"a", "b"}, {"a/b", "a/c", "ab"}, {"A/x", "a/y"}, many[1:]} {
		if err := verify.CheckPaths(paths); err != nil {
			t.Errorf("%.3q: %v", paths, err)
		}
	}
	for name, paths := range map[string][]string{
		"twins":                  {"a", "a"},
		"case twins":             {"README", "readme"},
		"folding twins":          {"straße", "STRASSE"},
		"normal form twins":      {"caf\u00e9", "cafe\u0301"},
		"case and form twins":    {"CAF\u00c9", "cafe\u0301"},
		"file and folder":        {"a", "a/b"},
		"file and deep folder":   {"a/b/c/d", "x", "a/b"},
		"file and folder folded": {"A/b", "a"},
		"a bad one":              {"a", ".."},
		"too many":               many,
	} {
		var pe *verify.PathError
		if err := verify.CheckPaths(paths); !errors.As(err, &pe) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzCheckPath(f *testing.F) {
	for _, s := range []string{"a/b", "../x", "a\\b", "nul", "a/./b", "ä"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, p string) {
		if verify.CheckPath(p) != nil {
			return
		}
		if !filepath.IsLocal(filepath.FromSlash(p)) || filepath.ToSlash(filepath.Clean(p)) != p {
			t.Errorf("%q passes and is not a plain local path", p)
		}
		upper := strings.Map(func(r rune) rune {
			if 'a' <= r && r <= 'z' {
				return r - 'a' + 'A'
			}
			return r
		}, p)
		if verify.CheckPaths([]string{p, upper}) == nil {
			t.Errorf("%q and its upper case are no twins", p)
		}
	})
}
