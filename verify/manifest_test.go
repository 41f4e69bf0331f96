package verify_test

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"samara/verify"
)

func someFiles() []verify.File {
	return []verify.File{
		{Path: "b/config.json", Size: 2, Digest: verify.Sum([]byte("{}"))},
		{Path: "a.gguf", Size: 7, Digest: verify.Sum([]byte("weights"))},
		{Path: "Z", Size: 0, Digest: verify.Sum(nil)},
		{Path: "two words", Size: 2, Digest: verify.Sum([]byte("{}"))},
	}
}

// The digest is that of the text, taken with b3sum.
const (
	goldenManifest = `samara manifest 1
af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262 0 Z
3edc5c4a5df8c79ef4f8dbdc373cd21ca041ccf39fe5693250d004092094dc4a 7 a.gguf
6e46dd10defc9b56c29a6ec56b508c21f54c08192194e4df25bf36f0c9c3c279 2 b/config.json
6e46dd10defc9b56c29a6ec56b508c21f54c08192194e4df25bf36f0c9c3c279 2 two words
`
	goldenDigest = "blake3:983891460881996786c0b8008e8c1f2f98cff165f16d1546f91e8fdf40cf4636"
)

func TestManifestGolden(t *testing.T) {
	m, err := verify.NewManifest(someFiles())
	if err != nil {
		t.Fatal(err)
	}
	if got := string(m.Bytes()); got != goldenManifest {
		t.Errorf("got\n%swant\n%s", got, goldenManifest)
	}
	if got := m.Digest().String(); got != goldenDigest {
		t.Errorf("got %s, want %s", got, goldenDigest)
	}
	if m.Size() != 11 {
		t.Errorf("size: got %d, want 11", m.Size())
	}
	if f, ok := m.File("a.gguf"); !ok || f.Size != 7 {
		t.Errorf("File: got %+v, %t", f, ok)
	}
	if _, ok := m.File("a"); ok {
		t.Error("File finds what is not there")
	}
	back, err := verify.ParseManifest(m.Bytes())
	if err != nil || !bytes.Equal(back.Bytes(), m.Bytes()) {
		t.Errorf("parsed back: %v", err)
	}
}

func TestNewManifestRefuses(t *testing.T) {
	for name, spoil := range map[string]func(f []verify.File) []verify.File{
		"no files":       func([]verify.File) []verify.File { return nil },
		"negative size":  func(f []verify.File) []verify.File { f[0].Size = -1; return f },
		"huge size":      func(f []verify.File) []verify.File { f[1].Size = math.MaxInt64; return f },
		"no digest":      func(f []verify.File) []verify.File { f[0].Digest = verify.Digest{}; return f },
		"two sizes":      func(f []verify.File) []verify.File { f[0].Size = 3; return f },
		"bad path":       func(f []verify.File) []verify.File { f[0].Path = "a//b"; return f },
		"the same twice": func(f []verify.File) []verify.File { return append(f, f[0]) },
	} {
		_, err := verify.NewManifest(spoil(someFiles()))
		var c interface{ Code() string }
		if !errors.As(err, &c) || c.Code() != "invalid_request" {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestParseManifestRefuses(t *testing.T) {
	for name, edit := range map[string][2]string{
		"header":              {"samara manifest 1", "samara manifest 2"},
		"upper-case digest":   {"af1349", "AF1349"},
		"prefixed digest":     {"af1349", "blake3:af1349"},
		"short digest":        {"af1349", "f1349"},
		"leading zero":        {" 7 a", " 07 a"},
		"signed size":         {" 7 a", " +7 a"},
		"negative size":       {" 7 a", " -7 a"},
		"no path":             {" 7 a.gguf", " 7"},
		"empty path":          {" 7 a.gguf", " 7 "},
		"wrong order":         {"a.gguf", "z.gguf"},
		"same path twice":     {"two words", "b/config.json"},
		"carriage return":     {"a.gguf\n", "a.gguf\r\n"},
		"empty line":          {"a.gguf\n", "a.gguf\n\n"},
		"climbing":            {"b/config.json", "b/../c"},
		"no final line feed":  {"two words\n", "two words"},
		"a second final one":  {"two words\n", "two words\n\n"},
		"a byte before":       {"samara manifest 1", " samara manifest 1"},
		"two spaces":          {" 7 a", "  7 a"},
		"case twins":          {"two words", "b/CONFIG.json"},
		"size past the bound": {" 7 a", " 99999999999999 a"},
	} {
		text := strings.Replace(goldenManifest, edit[0], edit[1], 1)
		if text == goldenManifest {
			t.Fatalf("%s: nothing was changed", name)
		}
		_, err := verify.ParseManifest([]byte(text))
		var c interface{ Code() string }
		if !errors.As(err, &c) || c.Code() != "invalid_request" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := verify.ParseManifest(make([]byte, verify.MaxManifestBytes+1)); err == nil {
		t.Error("too many bytes pass")
	}
}

// What parses marshals back to the same bytes.
func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(goldenManifest))
	f.Add([]byte("samara manifest 1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := verify.ParseManifest(b)
		if err != nil {
			return
		}
		if !bytes.Equal(m.Bytes(), b) {
			t.Errorf("got %q from %q", m.Bytes(), b)
		}
		if _, err := verify.NewManifest(m.Files); err != nil {
			t.Errorf("parses and is refused: %v", err)
		}
	})
}
