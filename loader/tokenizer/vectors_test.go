package tokenizer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// vectors are what other programs made of the texts; see testdata/make.py.
type vectors struct {
	Plain   [][]int32 `json:"plain"`
	Special [][]int32 `json:"special"` // nil: as plain
	Added   [][]int32 `json:"added"`   // nil: as special
	Decoded []*string `json:"decoded"` // nil: the text
}

func readVectors(t testing.TB) (texts []string, byName map[string]vectors) {
	t.Helper()
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(parts["texts"], &texts); err != nil {
		t.Fatal(err)
	}
	delete(parts, "texts")
	byName = map[string]vectors{}
	for name, part := range parts {
		var v vectors
		if err := json.Unmarshal(part, &v); err != nil {
			t.Fatal(err)
		}
		byName[name] = v
	}
	return texts, byName
}

// open reads a tokenizer of testdata by name.
func open(t testing.TB, name string) Tokenizer {
	t.Helper()
	for _, suffix := range []string{".json", ".model"} {
		raw, err := os.ReadFile(filepath.Join("testdata", name+suffix))
		if err != nil {
			continue
		}
		tok, err := FromFile(raw, nil)
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	t.Fatalf("no tokenizer %s", name)
	return nil
}

func TestVectors(t *testing.T) {
	texts, byName := readVectors(t)
	if len(byName) < 15 || len(texts) < 200 {
		t.Fatalf("got %d tokenizers and %d texts", len(byName), len(texts))
	}
	for name, v := range byName {
		t.Run(name, func(t *testing.T) {
			tok := open(t, name)
			for i, text := range texts {
				want := v.Plain[i]
				if forges(tok, text, want) {
					want = encode(t, tok, text, EncodeOptions{})
					if forges(tok, text, want) {
						t.Errorf("%q became %v", text, want)
					}
				}
				same(t, tok, text, EncodeOptions{}, want)
				want = v.Plain[i]
				decoded := text
				if v.Decoded[i] != nil {
					decoded = *v.Decoded[i]
				}
				if got := tok.Decode(want); got != decoded {
					t.Errorf("decode %v: got %q, want %q", want, got, decoded)
				}
				if v.Special == nil {
					continue // SentencePiece itself does not parse special tokens
				}
				if v.Special[i] != nil {
					want = v.Special[i]
				}
				same(t, tok, text, EncodeOptions{ParseSpecial: true}, want)
				if v.Added[i] != nil {
					want = v.Added[i]
				}
				same(t, tok, text, EncodeOptions{ParseSpecial: true, AddSpecial: true}, want)
			}
		})
	}
}

// forges says whether a special token's name in the text has become that token:
// Unigram models of the tokenizers library do so, and this package never does.
func forges(tok Tokenizer, text string, ids []int32) bool {
	return tok.Kind() == "unigram" && slices.ContainsFunc(ids, func(id int32) bool {
		return tok.IsControl(id) && strings.Contains(text, tok.Token(id))
	})
}

func same(t *testing.T, tok Tokenizer, text string, o EncodeOptions, want []int32) {
	t.Helper()
	got, err := tok.Encode(text, o)
	if err != nil {
		t.Errorf("encode %q: %v", text, err)
	} else if !slices.Equal(got, want) {
		t.Errorf("encode %.200q %+v:\ngot  %v %q\nwant %v %q", text, o, got, names(tok, got), want, names(tok, want))
	}
}

func names(tok Tokenizer, ids []int32) string {
	list := make([]string, len(ids))
	for i, id := range ids {
		list[i] = tok.Token(id)
	}
	return strings.Join(list, "|")
}
