package registry_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"samara/registry"
)

func TestParseReference(t *testing.T) {
	hex := strings.Repeat("0a", 32)
	for text, want := range map[string]string{
		"gpt2":                         "gpt2:main",
		"gpt2:v1":                      "gpt2:v1",
		"ns/name":                      "ns/name:main",
		"Qwen/Qwen3-0.6B:Q4_K_M":       "Qwen/Qwen3-0.6B:Q4_K_M",
		"ns/name:_x":                   "ns/name:_x",
		"ns/name@blake3:" + hex:        "ns/name@blake3:" + hex,
		"ns/name@blake3:0A0a0a":        "ns/name@blake3:0a0a0a",
		"blake3:" + hex:                "blake3:" + hex,
		"blake3:abcdef0":               "blake3:abcdef0",
		"a/" + strings.Repeat("b", 96): "a/" + strings.Repeat("b", 96) + ":main",
		"incoming/0123abcd":            "incoming/0123abcd:main",
		"v3/x":                         "v3/x:main",
	} {
		r, err := registry.ParseReference(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if r.String() != want {
			t.Errorf("%s: got %s, want %s", text, r, want)
		}
		if back, err := registry.ParseReference(r.String()); err != nil || back != r {
			t.Errorf("%s: back as %+v, %v", text, back, err)
		}
	}
	r, err := registry.ParseReference("Acme/Tiny:V1")
	if err != nil || r.Repo() != "Acme/Tiny" || r.Key() != "acme/tiny:V1" || r.IsDigest() || r.IsZero() {
		t.Errorf("got %+v, %v", r, err)
	}
}

func TestParseReferenceRefuses(t *testing.T) {
	hex := strings.Repeat("0a", 32)
	for _, text := range []string{
		"", ":", "/", "@", "a/", "/a", "a/b/c", "a:", ":main", "a/b:", "a:b:c", "a b", " a", "a ", "ä", "a/ä",
		"-a", "a-", ".a", "a.", "_a", "a..b", "a/../b", "../a", "a:.b", "a:-b", "a:b/c", "a:b\n",
		"v1", "V1/x", "x/v2", "api/x", "samara", "assets/x", "x/resolve", "blake3", "openapi.json",
		"x/model.gguf", "x/Model.SAFETENSORS", "y.torrent", "con", "x/NUL", "aux.b/x",
		"a@", "a@blake3:", "a@blake3:abcde", "a@blake3:xyzxyz", "a@blake3:" + hex + "0", "a@" + hex, "a@sha256:" + hex, "a:main@blake3:" + hex,
		"blake3:", "blake3:abc", "@blake3:" + hex, "blake3:" + strings.Repeat("0", 64),
		strings.Repeat("a", 97), "a:" + strings.Repeat("b", 129), "magnet:?xt=urn:btih:00",
	} {
		r, err := registry.ParseReference(text)
		var re *registry.ReferenceError
		if !errors.As(err, &re) || re.Code() != "invalid_request" || re.Hint() == "" {
			t.Errorf("%q: got %+v, %v", text, r, err)
		}
	}
}

func TestReferenceJSON(t *testing.T) {
	type record struct {
		R registry.Reference `json:"r,omitzero"`
	}
	for _, want := range []string{`{}`, `{"r":"a/b:main"}`, `{"r":"a@blake3:abcdef"}`} {
		var v record
		if err := json.Unmarshal([]byte(want), &v); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(v); err != nil || string(got) != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
	var v record
	if err := json.Unmarshal([]byte(`{"r":"../x"}`), &v); err == nil {
		t.Error("a bad reference was read")
	}
}

// What parses prints as something that parses to the same.
func FuzzParseReference(f *testing.F) {
	for _, s := range []string{"a/b:c", "gpt2", "a/b@blake3:abcdef", "blake3:0123456789", "A.b-c_d/E:_"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := registry.ParseReference(s)
		if err != nil {
			return
		}
		for _, text := range []string{r.String(), r.Key()} {
			back, err := registry.ParseReference(text)
			if err != nil || back.Key() != r.Key() {
				t.Errorf("%q gives %q, which gives %+v, %v", s, text, back, err)
			}
		}
		if strings.ContainsAny(r.String(), "\x00\n\\ ") || strings.Contains(r.Repo(), "..") {
			t.Errorf("%q parses as %q", s, r)
		}
	})
}
