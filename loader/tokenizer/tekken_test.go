package tokenizer

import (
	"encoding/json"
	"slices"
	"testing"
)

// A tekken.json of our own: every byte, and three tokens that "hello" goes
// through. TestOracle compares Mistral's own files.
func TestTekken(t *testing.T) {
	type token struct {
		Rank  int    `json:"rank"`
		Bytes []byte `json:"token_bytes"`
	}
	var vocab []token
	for b := range 256 {
		vocab = append(vocab, token{b, []byte{byte(b)}})
	}
	for _, s := range []string{"he", "ll", "hello", "cut off"} {
		vocab = append(vocab, token{len(vocab), []byte(s)})
	}
	file, err := json.Marshal(map[string]any{
		"config": map[string]any{
			"pattern": `\w+|\W`, "default_vocab_size": 20 + 259, "default_num_special_tokens": 20,
		},
		"vocab": vocab,
	})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := FromFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	// "hello" is a token as a whole, though its merges do not lead there.
	want := []int32{1, 3, 20 + 258, 20 + ' ', 20 + 256, 20 + 'l', 20 + 'p', 20 + '[', 20 + 256, 4, 20 + 0xC3, 20 + 0xA9}
	got := encode(t, tok, "[INST]hello help[he[/INST]é", EncodeOptions{AddSpecial: true, ParseSpecial: true})
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if text := tok.DecodeSpecial(got); text != "<s>[INST]hello help[he[/INST]é" {
		t.Errorf("got %q", text)
	}
	if tok.VocabSize() != 279 || tok.Token(19) != "[TOOL_CONTENT]" || tok.Token(20+256) != "he" {
		t.Errorf("got %d ids, %q, %q", tok.VocabSize(), tok.Token(19), tok.Token(20+256))
	}
}
