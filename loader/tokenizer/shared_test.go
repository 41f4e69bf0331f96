package tokenizer

import (
	"encoding/json"
	"os"
	"testing"
)

// TestModels compares the tokenizers of whole models with the ids that other
// programs give; testdata/tokenizers/vectors.py made them.
func TestModels(t *testing.T) {
	raw, err := os.ReadFile("../../testdata/tokenizers/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Texts         []string
		Tiny, Smollm2 vectors
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	compare := func(t *testing.T, tok Tokenizer, v vectors) {
		t.Helper()
		if len(v.Plain) != len(file.Texts) || len(v.Special) != len(file.Texts) {
			t.Fatalf("got %d and %d lists for %d texts", len(v.Plain), len(v.Special), len(file.Texts))
		}
		for i, text := range file.Texts {
			same(t, tok, text, EncodeOptions{}, v.Plain[i])
			same(t, tok, text, EncodeOptions{ParseSpecial: true}, v.Special[i])
		}
	}
	t.Run("tiny", func(t *testing.T) {
		compare(t, openFile(t, "../../testdata/tiny/model/tokenizer.json"), file.Tiny)
	})
	t.Run("smollm2", func(t *testing.T) {
		path := os.Getenv("SAMARA_SMOLLM2")
		if path == "" {
			t.Skip("SAMARA_SMOLLM2 does not name the SmolLM2 file")
		}
		compare(t, openFile(t, path), file.Smollm2)
	})
}
