package tokenizer

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestRanks compares with tiktoken (testdata/ranks.py).
func TestRanks(t *testing.T) {
	file, err := os.ReadFile("testdata/ranks.model")
	if err != nil {
		t.Fatal(err)
	}
	tok, err := FromFile(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("testdata/ranks.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Text string
		IDs  []int32
	}
	if err := json.Unmarshal(b, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors {
		got := encode(t, tok, v.Text, EncodeOptions{})
		if !slices.Equal(got, v.IDs) {
			t.Errorf("%q: got %v, want %v", v.Text, got, v.IDs)
		}
		if text := tok.Decode(got); text != v.Text {
			t.Errorf("got %q, want %q", text, v.Text)
		}
	}
	n := int32(tok.VocabSize() - 256)
	for id, want := range map[int32]string{
		n: "<|begin_of_text|>", n + 1: "<|end_of_text|>", n + 6: "<|start_header_id|>", n + 9: "<|eot_id|>",
		n + 10: "<|python_tag|>", n + 11: "<|reserved_special_token_2|>", n + 255: "<|reserved_special_token_246|>",
	} {
		if got := tok.Token(id); got != want {
			t.Errorf("token %d: got %s, want %s", id, got, want)
		}
	}
	got := encode(t, tok, "<|eot_id|>", EncodeOptions{AddSpecial: true, ParseSpecial: true})
	if want := []int32{n, n + 9}; !slices.Equal(got, want) || !slices.Contains(tok.EOS(), n+9) {
		t.Errorf("got %v with ends %v, want %v", got, tok.EOS(), want)
	}
}

func TestRanksBad(t *testing.T) {
	for name, file := range map[string]string{
		"second rank":  "IQ== 0\nIg== 2\n",
		"no rank":      "IQ== 0\nIg==\n",
		"not base64":   "IQ== 0\nI*== 1\n",
		"twice":        "IQ== 0\nIQ== 1\n",
		"nothing":      "IQ== 0\n 1\n",
		"large number": "IQ== 99999999999999999999\n",
		"long":         "IQ== 0\n" + strings.Repeat("QUFB", MaxTokenBytes/3+1) + " 1\n",
	} {
		if _, err := FromFile([]byte(file), nil); err == nil || !strings.Contains(err.Error(), "want another token in base64") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzRanks(f *testing.F) {
	f.Add([]byte("IQ== 0\nIg== 1\nISI= 2\n"))
	f.Add([]byte("IQ== 0\nIQ== 1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		tok, err := FromRanks(b)
		if err != nil {
			return
		}
		if _, err := tok.Encode("!\"a", EncodeOptions{}); err != nil {
			t.Log(err)
		}
	})
}
