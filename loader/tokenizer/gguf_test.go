package tokenizer

import (
	"encoding/binary"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// ggufMetadata reads the keys and values at the start of a GGUF v3 file; only
// the types that tokenizer keys use are kept.
func ggufMetadata(t *testing.T, file []byte) map[string]any {
	t.Helper()
	if len(file) < 24 || string(file[:4]) != "GGUF" {
		t.Fatal("not a gguf file")
	}
	b := file[16:]
	u32 := func() uint32 { v := binary.LittleEndian.Uint32(b); b = b[4:]; return v }
	u64 := func() uint64 { v := binary.LittleEndian.Uint64(b); b = b[8:]; return v }
	text := func() string { n := u64(); s := string(b[:n]); b = b[n:]; return s }
	sizes := map[uint32]int{0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
	md := map[string]any{}
	for n := u64(); n > 0; n-- {
		key, kind := text(), u32()
		switch kind {
		case 8:
			md[key] = text()
		case 9:
			kind, n := u32(), int(u64()) //nolint:gosec // a file of the tester's own
			switch kind {
			case 8:
				list := make([]string, n)
				for i := range list {
					list[i] = text()
				}
				md[key] = list
			case 5:
				list := make([]int32, n)
				for i := range list {
					list[i] = int32(u32()) //nolint:gosec // bit pattern
				}
				md[key] = list
			case 6:
				list := make([]float32, n)
				for i := range list {
					list[i] = math.Float32frombits(u32())
				}
				md[key] = list
			default:
				b = b[n*sizes[kind]:]
			}
		case 4:
			md[key] = u32()
		case 7:
			md[key] = b[0] != 0
			b = b[1:]
		default:
			b = b[sizes[kind]:]
		}
	}
	return md
}

// metadata writes a tokenizer of testdata the way a GGUF file does.
func metadata(t testing.TB, name, model, pre string) map[string]any {
	t.Helper()
	p, ok := open(t, name).(*pipeline)
	if !ok {
		t.Fatal("not a pipeline")
	}
	types := make([]int32, len(p.names))
	scores := make([]float32, len(p.names))
	for i := range types {
		types[i] = typeNormal
		switch {
		case p.control[i]:
			types[i] = typeControl
		case p.byteTok[i]:
			types[i] = typeByte
		}
	}
	md := map[string]any{
		"tokenizer.ggml.model": model, "tokenizer.ggml.pre": pre,
		"tokenizer.ggml.tokens": p.names, "tokenizer.ggml.token_type": types,
	}
	if m, ok := p.model.(*unigram); ok {
		for i := range scores {
			scores[i] = float32(m.scores[i])
		}
		md["tokenizer.ggml.scores"] = scores
	}
	m, ok := p.model.(*bpe)
	if !ok {
		return md
	}
	switch rules := m.rules.(type) {
	case pairRules:
		merges := make([]string, len(rules))
		for key, m := range rules {
			merges[m.rank] = p.names[key>>32] + " " + p.names[key&0xFFFFFFFF]
		}
		md["tokenizer.ggml.merges"] = merges
	case wordRules:
		for i := range scores {
			scores[i] = -float32(rules.rank[i])
		}
		md["tokenizer.ggml.scores"] = scores
	}
	return md
}

// A GGUF file names its pre-tokenizer; the ids must be those of the
// tokenizer.json that spells it out.
func TestGGUF(t *testing.T) {
	texts, byName := readVectors(t)
	for _, c := range []struct{ name, model, pre string }{
		{"gpt2", "gpt2", "gpt-2"},
		{"smollm", "gpt2", "smollm"},
		{"llama3", "gpt2", "llama-bpe"},
		{"qwen2", "gpt2", "qwen2"},
		{"tekken", "gpt2", "tekken"},
		{"o200k", "gpt2", "gpt-4o"},
		{"deepseek", "gpt2", "deepseek-v3"},
		{"spm-fallback", "llama", "default"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tok, err := FromGGUF(metadata(t, c.name, c.model, c.pre))
			if err != nil {
				t.Fatal(err)
			}
			v := byName[c.name]
			for i, text := range texts {
				want := v.Plain[i]
				same(t, tok, text, EncodeOptions{}, want)
				if v.Special == nil {
					continue
				}
				if v.Special[i] != nil {
					want = v.Special[i]
				}
				same(t, tok, text, EncodeOptions{ParseSpecial: true}, want)
			}
		})
	}
}

// A unigram vocabulary of a GGUF file brings its normalisation table and its
// settings along.
func TestGGUFUnigram(t *testing.T) {
	texts, byName := readVectors(t)
	for _, name := range []string{"uni-nfkc", "uni-bare"} {
		raw, err := os.ReadFile("testdata/" + name + ".model")
		if err != nil {
			t.Fatal(err)
		}
		var f spmModel
		if err := f.read(raw); err != nil {
			t.Fatal(err)
		}
		md := map[string]any{
			"tokenizer.ggml.model": "t5", "tokenizer.ggml.tokens": f.names, "tokenizer.ggml.scores": f.scores,
			"tokenizer.ggml.token_type": f.types, "tokenizer.ggml.unknown_token_id": uint32(0), "tokenizer.ggml.eos_token_id": uint32(2),
			"tokenizer.ggml.add_space_prefix": name == "uni-nfkc", "tokenizer.ggml.remove_extra_whitespaces": name == "uni-nfkc",
		}
		if name == "uni-nfkc" {
			md["tokenizer.ggml.precompiled_charsmap"] = protoBytes(t, raw, 3, 2)
		}
		tok, err := FromGGUF(md)
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range texts {
			same(t, tok, text, EncodeOptions{}, byName[name].Plain[i])
		}
		if got := encode(t, tok, "a", EncodeOptions{AddSpecial: true}); got[len(got)-1] != 2 {
			t.Errorf("%s: got %v, want EOS last", name, got)
		}
	}
}

// protoBytes returns a field of a field of a protobuf message.
func protoBytes(t *testing.T, b []byte, path ...protowire.Number) (found []byte) {
	t.Helper()
	err := eachField(b, func(f protoField) error {
		if f.num == path[0] {
			found = f.bytes
		}
		return nil
	})
	if err != nil || found == nil {
		t.Fatalf("field %v: %v", path, err)
	}
	if len(path) > 1 {
		return protoBytes(t, found, path[1:]...)
	}
	return found
}

func TestGGUFSpecial(t *testing.T) {
	md := metadata(t, "smollm", "gpt2", "smollm")
	find := open(t, "smollm").Find
	start, _ := find("<|im_start|>")
	end, _ := find("<|im_end|>")
	text, _ := find("<|endoftext|>")
	md["tokenizer.ggml.bos_token_id"] = uint32(start) //nolint:gosec // a token id
	md["tokenizer.ggml.eos_token_id"] = uint32(end)   //nolint:gosec // a token id
	for _, add := range []bool{false, true} {
		md["tokenizer.ggml.add_bos_token"] = add
		tok, err := FromGGUF(md)
		if err != nil {
			t.Fatal(err)
		}
		if bos, ok := tok.BOS(); !ok || bos != start || tok.AddBOS() != add {
			t.Errorf("got BOS %d, %v, added %v; want %d, added %v", bos, ok, tok.AddBOS(), start, add)
		}
		if got, want := tok.EOS(), []int32{end, text}; !slices.Equal(got, want) {
			t.Errorf("got EOS %v, want %v", got, want)
		}
		ids, err := tok.Encode("", EncodeOptions{AddSpecial: true})
		if err != nil || (len(ids) == 1) != add {
			t.Errorf("add %v: got %v, %v", add, ids, err)
		}
	}
}

func TestGGUFRefuses(t *testing.T) {
	change := func(key string, value any) map[string]any {
		md := metadata(t, "smollm", "gpt2", "smollm")
		md["tokenizer.ggml."+key] = value
		return md
	}
	spm := metadata(t, "spm-fallback", "llama", "default")
	spm["tokenizer.ggml.scores"] = []float32{1}
	nan := metadata(t, "spm-fallback", "llama", "default")
	nan["tokenizer.ggml.scores"].([]float32)[5] = float32(math.NaN())
	for want, md := range map[string]map[string]any{
		"tokens are missing":            {},
		`model "rwkv" is not supported`: change("model", "rwkv"),
		`pre-tokenizer "new"`:           change("pre", "new"),
		"merge 0":                       change("merges", []string{"a"}),
		"got 1 scores for 700 tokens":   spm,
		"its score is not a number":     nan,
		`merge 1: "x yz"`:               change("merges", []string{"i n", "x yz"}),
		"tokens are missing ":           nil,
		"model \"\" is not supported":   {"tokenizer.ggml.tokens": []string{"a"}},
		"got 70000 bytes, want at mos":  change("tokens", []string{strings.Repeat("a", 70000)}),
	} {
		_, err := FromGGUF(md)
		if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
