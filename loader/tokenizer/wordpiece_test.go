package tokenizer

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// vocabTxt writes a WordPiece tokenizer of testdata as its vocab.txt.
func vocabTxt(t testing.TB, name string) []byte {
	t.Helper()
	tok := open(t, name)
	var b bytes.Buffer
	for id := range tok.VocabSize() {
		b.WriteString(tok.Token(int32(id)) + "\n")
	}
	return b.Bytes()
}

// A vocab.txt and a GGUF file hold less than a tokenizer.json; what they imply
// must come out the same.
func TestBertFiles(t *testing.T) {
	texts, byName := readVectors(t)
	plain, err := FromFile(vocabTxt(t, "bert"), nil)
	if err != nil {
		t.Fatal(err)
	}
	cased, err := FromFile(vocabTxt(t, "bertcased"), []byte(`{"do_lower_case":false,"tokenize_chinese_chars":false,"unk_token":{"content":"[UNK]"}}`))
	if err != nil {
		t.Fatal(err)
	}
	c, ok := cased.(*pipeline)
	if !ok {
		t.Fatal("not a pipeline")
	}
	m, ok := c.model.(*wordPiece)
	if !ok {
		t.Fatal("not a WordPiece model")
	}
	m.maxChars = 20 // no vocab.txt says this
	md := metadata(t, "bert", "bert", "default")
	tokens := slices.Clone(md["tokenizer.ggml.tokens"].([]string))
	for i, name := range tokens {
		inside, ok := strings.CutPrefix(name, "##")
		switch {
		case ok:
			tokens[i] = inside
		case !strings.HasPrefix(name, "[") || !strings.HasSuffix(name, "]"):
			tokens[i] = spaceMark + name
		}
	}
	md["tokenizer.ggml.tokens"] = tokens
	gguf, err := FromGGUF(md)
	if err != nil {
		t.Fatal(err)
	}
	for name, tok := range map[string]Tokenizer{"bert": plain, "bertcased": cased, "bert gguf": gguf} {
		t.Run(name, func(t *testing.T) {
			v := byName[strings.TrimSuffix(name, " gguf")]
			for i, text := range texts {
				if strings.Contains(text, spaceMark) && name == "bert gguf" {
					continue // that form cannot tell "##▁b" from "b"
				}
				want := v.Plain[i]
				same(t, tok, text, EncodeOptions{}, want)
				if v.Special[i] != nil {
					want = v.Special[i]
				}
				if v.Added[i] != nil {
					want = v.Added[i]
				}
				same(t, tok, text, EncodeOptions{ParseSpecial: true, AddSpecial: true}, want)
				if v.Decoded[i] != nil && name != "bertcased" { // which is trained without cleanup
					if got := tok.Decode(v.Plain[i]); got != *v.Decoded[i] {
						t.Errorf("decode %v: got %q, want %q", v.Plain[i], got, *v.Decoded[i])
					}
				}
			}
		})
	}
}

func TestBertSpecial(t *testing.T) {
	tok := open(t, "bert")
	ids := encode(t, tok, "the fox", EncodeOptions{AddSpecial: true})
	if got := tok.DecodeSpecial(ids); got != "[CLS] the fox [SEP]" {
		t.Errorf("got %q", got)
	}
	if bos, ok := tok.BOS(); !ok || bos != 2 || tok.Kind() != "wordpiece" {
		t.Errorf("got BOS %d of a %s", bos, tok.Kind())
	}
}

// TestMiniLM reads the two forms of a real BERT's vocabulary and compares some
// ids that its authors' program gives; TestOracle compares many.
func TestMiniLM(t *testing.T) {
	folder := os.Getenv("SAMARA_MINILM")
	if folder == "" {
		t.Skip("SAMARA_MINILM does not name the folder of all-MiniLM-L6-v2")
	}
	hub := openFile(t, filepath.Join(folder, "tokenizer.json"))
	vocab := openFile(t, filepath.Join(folder, "vocab.txt"))
	same(t, hub, "This is an example sentence, ", EncodeOptions{AddSpecial: true}, []int32{101, 2023, 2003, 2019, 2742, 6251, 1010, 102})
	texts, _ := readVectors(t)
	for _, text := range append(texts, generated(t, 1000)...) {
		same(t, vocab, text, EncodeOptions{AddSpecial: true}, encode(t, hub, text, EncodeOptions{AddSpecial: true}))
	}
}

// A trie finds what a map finds.
func TestTrie(t *testing.T) {
	tr := newTrie()
	want := map[string]int32{}
	words := bufio.NewScanner(bytes.NewReader(vocabTxt(t, "bert")))
	for words.Scan() {
		want[words.Text()] = int32(len(want))
		if err := tr.add(words.Text(), want[words.Text()]); err != nil {
			t.Fatal(err)
		}
	}
	for word, id := range want {
		node, ok := tr.walk(word)
		if !ok || tr.value[node] != id {
			t.Errorf("%q: got node %d, want one worth %d", word, node, id)
		}
		longest := ""
		for n := range len(word + "x") {
			if _, ok := want[(word + "x")[:n]]; ok {
				longest = (word + "x")[:n]
			}
		}
		if id, ok := want[word+"x"]; ok {
			longest, want[longest] = word+"x", id
		}
		if got, n := tr.longest(0, word+"x"); n != len(longest) || got != want[longest] {
			t.Errorf("%q: got %d of %d bytes, want %q", word+"x", got, n, longest)
		}
	}
	if _, ok := tr.walk("\xff"); ok {
		t.Error("found what is not there")
	}
}
