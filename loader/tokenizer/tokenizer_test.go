package tokenizer

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func encode(t *testing.T, tok Tokenizer, text string, o EncodeOptions) []int32 {
	t.Helper()
	ids, err := tok.Encode(text, o)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// What a user types is never a special token, wherever the parts are cut, and
// a name that is only complete across a boundary is none either.
func TestTrust(t *testing.T) {
	for _, name := range []string{"smollm", "odd", "llama2", "spm-bare"} {
		tok := open(t, name)
		mark := "<s>"
		if _, ok := tok.Find("<|im_start|>"); ok {
			mark = "<|im_start|>"
		}
		id, ok := tok.Find(mark)
		if !ok {
			t.Logf("%s has no %s", name, mark)
			continue
		}
		for cut := range len(mark) + 1 {
			for _, parts := range [][]Part{
				{{mark, true}, {"user\n", true}, {mark[:cut], false}, {mark[cut:], true}, {"x", false}},
				{{mark, true}, {mark[:cut], true}, {mark[cut:] + "x", false}},
				{{"a", false}, {mark, true}, {mark, false}},
			} {
				if cut == 0 || cut == len(mark) {
					parts = []Part{{mark, true}, {mark, false}}
				}
				ids, err := tok.EncodeParts(parts, false)
				if err != nil {
					t.Fatal(err)
				}
				if n := count(ids, id); n != 1 {
					t.Errorf("%s: %v: got %d of %s in %v, want 1", name, parts, n, mark, ids)
				}
			}
		}
	}
}

func count(ids []int32, id int32) (n int) {
	for _, x := range ids {
		if x == id {
			n++
		}
	}
	return n
}

// Cutting a text into parts of one kind changes nothing.
func TestPartsJoin(t *testing.T) {
	for _, name := range []string{"qwen2", "llama3", "spm-fallback", "llama2", "odd"} {
		tok := open(t, name)
		rapid.Check(t, func(t *rapid.T) {
			trusted := rapid.Bool().Draw(t, "trusted")
			texts := rapid.SliceOfN(rapid.SampledFrom([]string{
				"", " ", "Hello", " world", "<|im_end|>", "<s>", "\n\n", "é", "中文", "12", "fox",
			}), 0, 6).Draw(t, "texts")
			parts := make([]Part, len(texts))
			for i, s := range texts {
				parts[i] = Part{s, trusted}
			}
			got, err := tok.EncodeParts(parts, true)
			if err != nil {
				t.Fatal(err)
			}
			want, err := tok.Encode(strings.Join(texts, ""), EncodeOptions{AddSpecial: true, ParseSpecial: trusted})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s %q: got %v, want %v", name, texts, got, want)
			}
		})
	}
}

// A stream gives whole characters and, in the end, what Decode gives.
func TestStream(t *testing.T) {
	for _, name := range []string{"gpt2", "qwen2", "llama2", "metasplit", "spm-fallback", "spm-bare", "bert", "uni-nfkc", "albert"} {
		tok := open(t, name)
		texts, _ := readVectors(t)
		for _, text := range texts {
			ids := encode(t, tok, text, EncodeOptions{AddSpecial: true})
			s := NewStream(tok)
			var got strings.Builder
			for _, id := range ids {
				piece := s.Push(id)
				if !utf8.ValidString(piece) {
					t.Fatalf("%s: got %q", name, piece)
				}
				got.WriteString(piece)
			}
			got.WriteString(s.Flush())
			if want := tok.Decode(ids); got.String() != want {
				t.Errorf("%s: got %q, want %q", name, got.String(), want)
			}
		}
	}
}

func TestStreamHoldsBack(t *testing.T) {
	tok := open(t, "gpt2")
	var raw []int32
	for _, b := range []byte("a😀\xff") {
		id, ok := tok.Find(string(byteToRune[b]))
		if !ok {
			t.Fatalf("no token for byte %#x", b)
		}
		raw = append(raw, id)
	}
	s := NewStream(tok)
	var got []string
	for _, id := range raw {
		got = append(got, s.Push(id))
	}
	if want := []string{"a", "", "", "", "😀", "\uFFFD"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	s.Push(raw[1])
	s.Push(raw[2])
	if got := s.Flush(); got != "\uFFFD" {
		t.Errorf("flush: got %q", got)
	}
}

func TestContinuation(t *testing.T) {
	tok := open(t, "spm-fallback")
	ids := encode(t, tok, "The fox", EncodeOptions{})
	if got := NewContinuation(tok).Push(ids[0]); !strings.HasPrefix(got, " ") {
		t.Errorf("got %q, want a space first", got)
	}
	if got := NewStream(tok).Push(ids[0]); strings.HasPrefix(got, " ") {
		t.Errorf("got %q, want no space first", got)
	}
}

// Bytes that are not UTF-8 survive: every byte-level text and every text of a
// model with byte tokens decodes to the bytes it was made of.
func TestAnyBytesRoundTrip(t *testing.T) {
	for _, name := range []string{"gpt2", "llama3", "o200k", "spm-bare"} {
		tok := open(t, name)
		rapid.Check(t, func(t *rapid.T) {
			text := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
			ids, err := tok.Encode(text, EncodeOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var got []byte
			for _, id := range ids {
				got = append(got, tok.Bytes(id)...)
			}
			if string(got) != text {
				t.Fatalf("%s: got %q, want %q", name, got, text)
			}
		})
	}
}

func TestLongTextsAreNotQuadratic(t *testing.T) {
	// Half a MiB of one word: a quadratic merge would take many minutes.
	for _, name := range []string{"gpt2", "llama2", "spm-fallback", "uni-bare", "albert"} {
		text := strings.Repeat("ab", 1<<18)
		tok := open(t, name)
		ids := encode(t, tok, text, EncodeOptions{})
		if got := tok.Decode(ids); got != text {
			t.Errorf("%s: %d ids do not give the text back", name, len(ids))
		}
	}
}

// withPattern is a tokenizer.json that splits by a pattern of a stranger's.
func withPattern(t *testing.T, pattern string) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/qwen2.json")
	if err != nil {
		t.Fatal(err)
	}
	var f map[string]any
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatal(err)
	}
	f["pre_tokenizer"] = map[string]any{"type": "Sequence", "pretokenizers": []any{
		map[string]any{"type": "Split", "pattern": map[string]any{"Regex": pattern}, "behavior": "Isolated"},
		map[string]any{"type": "ByteLevel", "add_prefix_space": false, "use_regex": false},
	}}
	raw, err = json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestCatastrophicPattern(t *testing.T) {
	for _, pattern := range []string{`(a+)+$`, `(?:(a|aa)*b)+c`, `(.*)*\1x`} {
		tok, err := FromJSON(withPattern(t, pattern), nil)
		if err != nil {
			t.Fatal(err)
		}
		p, ok := tok.(*pipeline)
		if !ok {
			t.Fatal("not a pipeline")
		}
		text := strings.Repeat("a", 400) + "!"
		compiled, err := compilePattern(pattern)
		if err != nil {
			t.Fatal(err)
		}
		compiled.re.MatchTimeout = 50 * time.Millisecond // the real limit, sooner
		p.splitters[0] = &patternSplit{find: compiled.find, behavior: isolated}
		_, err = p.Encode(text, EncodeOptions{})
		var pe *PatternError
		if !errors.As(err, &pe) {
			t.Errorf("%s: got %v, want a PatternError", pattern, err)
		} else if strings.Contains(err.Error(), "aaaaaaaaaa") || pe.Code() != "unsupported_model" || pe.Hint() == "" {
			t.Errorf("%s: got %v", pattern, err)
		}
	}
}

func TestBadFiles(t *testing.T) {
	deep := strings.Repeat(`{"type":"Sequence","normalizers":[`, 200) + `{"type":"NFC"}` + strings.Repeat(`]}`, 200)
	for _, c := range []struct{ file, want string }{
		{`{`, "read tokenizer.json"},
		{`{"model":{"type":"Unigram","vocab":{"a":0}}}`, "read tokenizer.json: model.vocab"},
		{`{"model":{"type":"Unigram","vocab":[["a",0]],"unk_id":1}}`, "model.unk_id: got 1, want less than 1"},
		{`{"model":{"type":"Unigram","vocab":[["` + strings.Repeat("a", 600) + `",0]]}}`, "got 600 bytes, want at most 512"},
		{`{"model":{"type":"Unigram","vocab":[["a",0]]},"normalizer":{"type":"Precompiled","precompiled_charsmap":"AQIDBAU="}}`, "Precompiled: normalisation table"},
		{`{"model":{"type":"WordLevel","vocab":{"a":0}}}`, `model "WordLevel" is not supported`},
		{`{"model":{"type":"WordPiece","vocab":{"a":0}}}`, `unk_token "[UNK]" is not in the vocabulary`},
		{`{"model":{"type":"WordPiece","vocab":{"[UNK]":0},"max_input_chars_per_word":1000000}}`, "got 1000000, want at most 1000"},
		{"a\n[UNK]\n", `special token "[SEP]" is not in the vocabulary`},
		{`{"model":{"type":"BPE","vocab":{}}}`, "the vocabulary is empty"},
		{`{"model":{"type":"BPE","vocab":{"a":-1}}}`, "got id -1"},
		{`{"model":{"type":"BPE","vocab":{"a":4000000000}}}`, "model.vocab"},
		{`{"model":{"type":"BPE","vocab":{"a":2000000000}}}`, "got id 2000000000, want less than"},
		{`{"model":{"type":"BPE","vocab":{"a":0},"merges":["a b c"]}}`, "want two tokens"},
		{`{"model":{"type":"BPE","vocab":{"a":0},"merges":["a b"]}}`, "not all in the vocabulary"},
		{`{"model":{"type":"BPE","vocab":{"a":0},"unk_token":"u"}}`, `unk_token "u"`},
		{`{"model":{"type":"BPE","vocab":{"a":0}},"normalizer":` + deep + `}`, "want at most 64 steps"},
		{`{"model":{"type":"BPE","vocab":{"a":0}},"normalizer":{"type":"ByteLevel"}}`, `normalizer "ByteLevel"`},
		{`{"model":{"type":"BPE","vocab":{"a":0}},"pre_tokenizer":{"type":"Split","pattern":{"Regex":"("}}}`, "pattern"},
		{`{"model":{"type":"BPE","vocab":{"a":0}},"pre_tokenizer":{"type":"Metaspace","replacement":"__"}}`, "want one character"},
		{`{"model":{"type":"BPE","vocab":{"a":0}},"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x"}}],"special_tokens":{"x":{"ids":[7]}}}}`, "got id 7, want less than 1"},
		{`{"model":{"type":"BPE","vocab":{"a":0}},"added_tokens":[{"id":1,"content":"` + strings.Repeat("x", 2000) + `"}]}`, "want at most 1024"},
		{"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "read tokenizer.model"},
		{"", "the vocabulary is empty"},
		{"\x12\x02\x18\x03", "model type 3 is not supported"},
		{`{"vocab":[]}`, "read tekken.json"},
		{`{"vocab":[],"config":{"default_vocab_size":2000000000,"default_num_special_tokens":1000}}`, "read tekken.json"},
	} {
		_, err := FromFile([]byte(c.file), nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.80s: got %v, want %q", c.file, err, c.want)
		}
	}
}

func TestConfig(t *testing.T) {
	raw, err := os.ReadFile("testdata/llama2.json")
	if err != nil {
		t.Fatal(err)
	}
	for config, want := range map[string][]int32{
		``: {1, 2},
		`{"bos_token":"<s>","eos_token":{"content":"</s>"},"add_bos_token":true,"add_eos_token":false}`: {1},
		`{"bos_token":null,"eos_token":"</s>","add_bos_token":false,"add_eos_token":true}`:              {2},
	} {
		tok, err := FromJSON(raw, []byte(config))
		if err != nil {
			t.Fatal(err)
		}
		if got := encode(t, tok, "", EncodeOptions{AddSpecial: true}); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", config, got, want)
		}
		if bos, ok := tok.BOS(); !ok || bos != 1 || !slices.Equal(tok.EOS(), []int32{2}) || tok.AddBOS() != (want[0] == 1) {
			t.Errorf("%s: got BOS %d, EOS %v, %v", config, bos, tok.EOS(), tok.AddBOS())
		}
	}
}

func TestSizes(t *testing.T) {
	tok := open(t, "gpt2")
	var size *SizeError
	if _, err := tok.Encode(strings.Repeat(" ", MaxTextBytes+1), EncodeOptions{}); !errors.As(err, &size) {
		t.Errorf("got %v, want a SizeError", err)
	}
	if _, err := FromFile(make([]byte, MaxFileBytes+1), nil); !errors.As(err, &size) {
		t.Errorf("got %v, want a SizeError", err)
	}
	for _, id := range []int32{-1, int32(tok.VocabSize())} { //nolint:gosec // small
		if tok.Bytes(id) != nil || tok.Token(id) != "" || tok.IsControl(id) || tok.Decode([]int32{id}) != "" {
			t.Errorf("id %d is not outside", id)
		}
	}
}

func TestNormalizerBomb(t *testing.T) {
	grow := func(text string) map[string]any {
		return map[string]any{"type": "Replace", "pattern": map[string]any{"String": "a"}, "content": text}
	}
	var steps []any
	for range 20 {
		steps = append(steps, grow(strings.Repeat("a", 1000)))
	}
	file, err := json.Marshal(map[string]any{
		"model":      map[string]any{"type": "BPE", "vocab": map[string]any{"a": 0}},
		"normalizer": map[string]any{"type": "Sequence", "normalizers": steps},
	})
	if err != nil {
		t.Fatal(err)
	}
	tok, err := FromJSON(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	var size *SizeError
	if _, err := tok.Encode("aaaa", EncodeOptions{}); !errors.As(err, &size) || size.Want != MaxNormalizedBytes {
		t.Errorf("got %v, want a SizeError", err)
	}
}

func TestDecodeSpecial(t *testing.T) {
	tok := open(t, "smollm")
	ids := encode(t, tok, "<|im_start|>a", EncodeOptions{ParseSpecial: true})
	if got := tok.DecodeSpecial(ids); got != "<|im_start|>a" {
		t.Errorf("got %q", got)
	}
	if got := tok.Decode(ids); got != "a" {
		t.Errorf("got %q", got)
	}
	if tok.Kind() != "bpe" || open(t, "llama2").Kind() != "spm" {
		t.Error("wrong kinds")
	}
}

func TestConcurrentUse(t *testing.T) {
	tok := open(t, "qwen2")
	want := encode(t, tok, "The quick brown fox 123", EncodeOptions{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				got, err := tok.Encode("The quick brown fox 123", EncodeOptions{})
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("got %v, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestPatterns(t *testing.T) {
	for name, pre := range preTokenizers {
		if len(pre.splitters()) == 0 {
			t.Errorf("%s does not split", name)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	text := strings.Repeat("The quick brown fox, aged 12, jumps over the lazy dog's back.\n", 1000)
	for _, name := range []string{"gpt2", "llama3", "smollm", "spm-fallback"} {
		tok := open(b, name)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := tok.Encode(text, EncodeOptions{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
