package tokenizer

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

const ggufFile = "tokenizer.ggml"

// Token types of tokenizer.ggml.token_type.
const (
	typeNormal = iota + 1
	typeUnknown
	typeControl
	typeUserDefined
	typeUnused
	typeByte
)

// FromGGUF reads the tokenizer.ggml.* keys of a GGUF file's metadata: models
// "gpt2" (byte-level BPE), "llama" (SentencePiece BPE), "t5" (Unigram) and
// "bert" (WordPiece). Values are Go values
// of the file's own types; arrays are typed slices ([]string, []float32,
// []int32).
//
// It fails with a FormatError or an UnsupportedError that names the part.
func FromGGUF(md map[string]any) (Tokenizer, error) {
	g := ggufReader{md}
	tokens, _ := md["tokenizer.ggml.tokens"].([]string)
	switch {
	case len(tokens) == 0:
		return nil, &FormatError{ggufFile, "tokens are missing"}
	case len(tokens) > MaxVocab:
		return nil, &FormatError{ggufFile, fmt.Sprintf("got %d tokens, want at most %d", len(tokens), MaxVocab)}
	}
	p := &pipeline{bos: none, normalize: chain(nil)}
	p.makeVocab(len(tokens))
	types := g.tokenTypes(len(tokens))
	for i, name := range tokens {
		if len(name) > MaxTokenBytes {
			return nil, &FormatError{ggufFile, fmt.Sprintf("token %d: got %d bytes, want at most %d", i, len(name), MaxTokenBytes)}
		}
		id := int32(i) //nolint:gosec // MaxVocab
		p.names[id], p.ids[name] = name, id
		p.control[id] = types[i] == typeControl || types[i] == typeUnknown
	}
	var err error
	switch kind := g.text("model"); kind {
	case "gpt2":
		err = g.readBPE(p, types)
	case "llama", "t5":
		err = g.readSPM(p, types)
	case "bert":
		err = g.readWordPiece(p)
	default:
		err = &UnsupportedError{ggufFile, fmt.Sprintf("model %q", kind)}
	}
	if err == nil {
		err = g.readSpecial(p, types)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// A ggufReader reads keys below tokenizer.ggml.
type ggufReader struct{ md map[string]any }

func (g ggufReader) text(key string) string {
	s, _ := g.md["tokenizer.ggml."+key].(string)
	return s
}

func (g ggufReader) flag(key string, absent bool) bool {
	if b, ok := g.md["tokenizer.ggml."+key].(bool); ok {
		return b
	}
	return absent
}

// id returns a token id, none where the key is absent or out of range.
func (g ggufReader) id(key string, vocab int) int32 {
	n := int64(-1)
	switch v := g.md["tokenizer.ggml."+key].(type) {
	case uint32:
		n = int64(v)
	case int32:
		n = int64(v)
	case uint64:
		n = int64(min(v, math.MaxInt32)) //nolint:gosec // bounded
	case int64:
		n = v
	}
	if n < 0 || n >= int64(vocab) {
		return none
	}
	return int32(n) //nolint:gosec // below vocab
}

func (g ggufReader) tokenTypes(n int) []int32 {
	types := make([]int32, n)
	for i := range types {
		types[i] = typeNormal
	}
	switch v := g.md["tokenizer.ggml.token_type"].(type) {
	case []int32:
		copy(types, v)
	case []uint32:
		for i := range min(n, len(v)) {
			types[i] = int32(min(v[i], math.MaxInt32)) //nolint:gosec // bounded
		}
	}
	return types
}

// readBPE reads a byte-level vocabulary.
func (g ggufReader) readBPE(p *pipeline, types []int32) error {
	name := g.text("pre")
	if name == "" {
		name = "default"
	}
	pre, ok := preTokenizers[name]
	if !ok {
		return &UnsupportedError{ggufFile, fmt.Sprintf("pre-tokenizer %q", name)}
	}
	p.kind = "bpe"
	p.splitters = pre.splitters()
	p.addBOS = pre.addBOS
	if pre.nfc {
		p.normalize = normalForm(norm.NFC)
	}
	if g.flag("add_space_prefix", false) {
		p.splitters = append([]splitter{prefixSpace{}}, p.splitters...)
	}
	m := newBPE(len(p.names))
	m.byteSymbols, m.whole = true, pre.whole
	for i, name := range p.names {
		id := int32(i) //nolint:gosec // MaxVocab
		if p.control[id] {
			continue
		}
		if raw, ok := byteLevelBytes(name); ok && types[i] != typeUserDefined {
			p.raw[id] = raw
		} else {
			p.raw[id] = []byte(name)
		}
		m.addToken(name, id)
	}
	p.model = m
	return g.readMerges(p, m)
}

func (g ggufReader) readMerges(p *pipeline, m *bpe) error {
	merges, _ := g.md["tokenizer.ggml.merges"].([]string)
	if len(merges) > MaxMerges {
		return &FormatError{ggufFile, fmt.Sprintf("got %d merges, want at most %d", len(merges), MaxMerges)}
	}
	pairs := make(pairRules, len(merges))
	for rank, line := range merges {
		left, right, ok := strings.Cut(line, " ")
		l, ok1 := p.ids[left]
		r, ok2 := p.ids[right]
		merged, ok3 := p.ids[left+right]
		if !ok || !ok1 || !ok2 || !ok3 {
			return &FormatError{ggufFile, fmt.Sprintf("merge %d: %.40q is not two tokens that make a third", rank, line)}
		}
		if _, dup := pairs[pairKey(l, r)]; !dup {
			pairs[pairKey(l, r)] = ranked{int32(rank), merged} //nolint:gosec // MaxMerges
		}
	}
	m.rules = pairs
	return nil
}

// readSPM reads a SentencePiece vocabulary with scores.
func (g ggufReader) readSPM(p *pipeline, types []int32) error {
	scores, _ := g.md["tokenizer.ggml.scores"].([]float32)
	if len(scores) != len(p.names) {
		return &FormatError{ggufFile, fmt.Sprintf("got %d scores for %d tokens", len(scores), len(p.names))}
	}
	if g.text("model") == "t5" {
		return g.readUnigram(p, scores, types)
	}
	p.addBOS = true
	steps := []normalizer{always(escapeSpaces)}
	if g.flag("add_space_prefix", true) {
		steps = []normalizer{prepend(" "), always(escapeSpaces)}
		p.leading = dropSpace
	}
	p.normalize = chain(steps)
	return p.setPieces(scores, types, g.id("unknown_token_id", len(p.names)))
}

// readUnigram reads a SentencePiece vocabulary of type unigram, whose
// normalisation table is in the file.
func (g ggufReader) readUnigram(p *pipeline, scores []float32, types []int32) error {
	table, _ := g.md["tokenizer.ggml.precompiled_charsmap"].([]uint8)
	charsMap, err := newCharsMap(table)
	if err != nil {
		return &FormatError{ggufFile, err.Error()}
	}
	f := spmModel{
		charsMap: charsMap, escape: true, userDefined: newAddedSet(),
		dummyPrefix: g.flag("add_space_prefix", true), trim: g.flag("remove_extra_whitespaces", false),
	}
	p.normalize, p.leading = f.normalize, dropSpace
	return p.setUnigram(scores, types, g.id("unknown_token_id", len(p.names)))
}

// readSpecial reads BOS, EOS and the added tokens.
func (g ggufReader) readSpecial(p *pipeline, types []int32) error {
	n := len(p.names)
	p.bos = g.id("bos_token_id", n)
	eos := g.id("eos_token_id", n)
	spm := p.kind == "spm"
	if spm && p.bos == none && n > 2 {
		p.bos = 1
	}
	if spm && eos == none && n > 2 {
		eos = 2
	}
	bert := p.kind == "wordpiece"
	if bert {
		p.bos, eos = g.bertSpecial(p)
	}
	p.setEOS(eos, g.id("eot_token_id", n), g.id("eom_token_id", n))
	p.setBOS(g.flag("add_bos_token", p.addBOS))
	p.addBOS = len(p.prefix) > 0
	if g.flag("add_eos_token", p.kind != "spm" && p.kind != "bpe") && eos != none {
		p.suffix = []int32{eos}
	}
	special := []int32{typeControl, typeUnknown, typeUserDefined}
	for i, name := range p.names {
		if !slices.Contains(special, types[i]) {
			continue
		}
		t := addedToken{id: int32(i), content: name, special: p.control[i]} //nolint:gosec // MaxVocab
		if err := p.addAdded(t); err != nil {
			return &FormatError{ggufFile, err.Error()}
		}
	}
	return nil
}
