package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

const jsonFile = "tokenizer.json"

// FromJSON reads a Hub tokenizer.json with a BPE, WordPiece or Unigram model and,
// where it is not empty, the tokenizer_config.json beside it.
//
// It fails with a FormatError, an UnsupportedError that names the part, or a
// SizeError.
func FromJSON(tokenizerJSON, tokenizerConfigJSON []byte) (Tokenizer, error) {
	if n := max(len(tokenizerJSON), len(tokenizerConfigJSON)); n > MaxFileBytes {
		return nil, &SizeError{What: "read " + jsonFile, Got: n, Want: MaxFileBytes}
	}
	var f jsonTokenizer
	if err := json.Unmarshal(tokenizerJSON, &f); err != nil {
		return nil, &FormatError{jsonFile, err.Error()}
	}
	var c jsonConfig
	if len(tokenizerConfigJSON) > 0 {
		if err := json.Unmarshal(tokenizerConfigJSON, &c); err != nil {
			return nil, &FormatError{"tokenizer_config.json", err.Error()}
		}
	}
	p := &pipeline{kind: "spm", bos: none}
	for _, step := range []func(*pipeline) error{
		f.readPreTokenizer, f.readModel, f.readAdded, f.readDecoder, f.readNormalizer,
		f.readPostProcessor,
	} {
		if err := step(p); err != nil {
			return nil, err
		}
	}
	c.apply(p)
	return p, nil
}

// jsonTokenizer is the part of tokenizer.json that Samara reads.
type jsonTokenizer struct {
	AddedTokens   []jsonAdded `json:"added_tokens"`
	Normalizer    *jsonStep   `json:"normalizer"`
	PreTokenizer  *jsonStep   `json:"pre_tokenizer"`
	PostProcessor *jsonStep   `json:"post_processor"`
	Decoder       *jsonStep   `json:"decoder"`
	Model         jsonModel   `json:"model"`
}

type jsonAdded struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	Special    bool   `json:"special"`
	Normalized bool   `json:"normalized"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
}

type jsonModel struct {
	Type             string           `json:"type"`
	Vocab            map[string]int32 `json:"-"`
	RawVocab         json.RawMessage  `json:"vocab"`
	Merges           jsonMerges       `json:"merges"`
	UnkToken         *string          `json:"unk_token"`
	UnkID            *int64           `json:"unk_id"`
	FuseUnk          bool             `json:"fuse_unk"`
	ByteFallback     bool             `json:"byte_fallback"`
	IgnoreMerges     bool             `json:"ignore_merges"`
	Dropout          *float64         `json:"dropout"`
	ContinuingPrefix *string          `json:"continuing_subword_prefix"`
	EndOfWordSuffix  string           `json:"end_of_word_suffix"`
	pieces           []jsonPiece      // the vocabulary of a Unigram model
	MaxWordChars     *int             `json:"max_input_chars_per_word"`
}

// jsonMerges are pairs of token names, written "a b" or ["a", "b"].
type jsonMerges [][2]string

func (m *jsonMerges) UnmarshalJSON(b []byte) error {
	// Which form it is shows before the first string: "[" or "[[".
	head, _, _ := bytes.Cut(b, []byte(`"`))
	if bytes.Count(head, []byte("[")) > 1 {
		return json.Unmarshal(b, (*[][2]string)(m))
	}
	var lines []string
	if err := json.Unmarshal(b, &lines); err != nil {
		return err
	}
	*m = make(jsonMerges, 0, len(lines))
	for i, line := range lines {
		left, right, ok := strings.Cut(line, " ")
		if !ok || strings.Contains(right, " ") {
			return fmt.Errorf("merge %d: got %.40q, want two tokens", i, line)
		}
		*m = append(*m, [2]string{left, right})
	}
	return nil
}

// readModel reads vocabulary and merges. The pre-tokenizer was read before: it
// says whether the vocabulary is byte-level.
func (f *jsonTokenizer) readModel(p *pipeline) error {
	j := &f.Model
	read := f.readBPE
	switch j.Type {
	case "BPE", "":
	case "WordPiece":
		read = f.readWordPiece
	case "Unigram":
		read = f.readUnigram
	default:
		return &UnsupportedError{jsonFile, fmt.Sprintf("model %q", j.Type)}
	}
	if len(j.RawVocab) == 0 {
		return &FormatError{jsonFile, "model.vocab is missing"}
	}
	if err := j.readVocab(); err != nil {
		return &FormatError{jsonFile, "model.vocab: " + err.Error()}
	}
	if err := f.size(p); err != nil {
		return err
	}
	return read(p)
}

// readVocab reads names and ids, and a Unigram model's scores.
func (j *jsonModel) readVocab() error {
	if j.Type != "Unigram" {
		return json.Unmarshal(j.RawVocab, &j.Vocab)
	}
	if err := json.Unmarshal(j.RawVocab, &j.pieces); err != nil {
		return err
	}
	if len(j.pieces) > MaxVocab {
		return fmt.Errorf("got %d tokens, want at most %d", len(j.pieces), MaxVocab)
	}
	j.Vocab = make(map[string]int32, len(j.pieces))
	for i, p := range j.pieces {
		j.Vocab[p.Name] = int32(i)
	}
	return nil
}

// readBPE reads a BPE model.
func (f *jsonTokenizer) readBPE(p *pipeline) error {
	j := &f.Model
	switch {
	case j.ContinuingPrefix != nil && *j.ContinuingPrefix != "" || j.EndOfWordSuffix != "":
		return &UnsupportedError{jsonFile, "a BPE model with word-piece prefix or suffix"}
	case j.Dropout != nil && *j.Dropout != 0:
		return &UnsupportedError{jsonFile, "a model with dropout"}
	}
	m := newBPE(len(j.Vocab))
	m.byteSymbols, m.fallback, m.fuseUnk, m.whole = p.kind == "bpe", j.ByteFallback, j.FuseUnk, j.IgnoreMerges
	if j.UnkToken != nil {
		id, ok := j.Vocab[*j.UnkToken]
		if !ok {
			return &FormatError{jsonFile, fmt.Sprintf("unk_token %.80q is not in the vocabulary", *j.UnkToken)}
		}
		m.unk = id
	}
	for name, id := range j.Vocab {
		p.names[id], p.ids[name] = name, id
		m.addToken(name, id)
	}
	p.model = m
	if err := j.readMerges(m); err != nil {
		return err
	}
	m.findMarks()
	return nil
}

// addToken puts a token where encode finds it.
func (m *bpe) addToken(name string, id int32) {
	if !m.byteSymbols {
		m.index[name] = id
		if b, ok := byteFallback(name); ok {
			m.byteIDs[b] = id
		}
		return
	}
	raw, ok := byteLevelBytes(name)
	if !ok {
		return // no text can spell it
	}
	m.index[string(raw)] = id
	if len(raw) == 1 {
		m.byteIDs[raw[0]] = id
	}
}

// size makes room for every id, within the bounds.
func (f *jsonTokenizer) size(p *pipeline) error {
	if n := len(f.Model.Merges); n > MaxMerges {
		return &FormatError{jsonFile, fmt.Sprintf("got %d merges, want at most %d", n, MaxMerges)}
	}
	last := int32(-1)
	check := func(name string, id int32) error {
		if id < 0 || id >= MaxVocab {
			return &FormatError{jsonFile, fmt.Sprintf("token %.80q: got id %d, want less than %d", name, id, MaxVocab)}
		}
		if len(name) > MaxTokenBytes {
			return &FormatError{jsonFile, fmt.Sprintf("token %d: got %d bytes, want at most %d", id, len(name), MaxTokenBytes)}
		}
		last = max(last, id)
		return nil
	}
	for name, id := range f.Model.Vocab {
		if err := check(name, id); err != nil {
			return err
		}
	}
	for _, t := range f.AddedTokens {
		if err := check(t.Content, t.ID); err != nil {
			return err
		}
	}
	if last < 0 {
		return &FormatError{jsonFile, "the vocabulary is empty"}
	}
	p.makeVocab(int(last) + 1)
	return nil
}

// makeVocab makes room for n ids.
func (p *pipeline) makeVocab(n int) {
	p.names = make([]string, n)
	p.raw = make([][]byte, n)
	p.control = make([]bool, n)
	p.byteTok = make([]bool, n)
	p.ids = make(map[string]int32, n)
	p.early, p.late, p.strict = newAddedSet(), newAddedSet(), newAddedSet()
}

func (j *jsonModel) readMerges(m *bpe) error {
	pairs := make(pairRules, len(j.Merges))
	for rank, pair := range j.Merges {
		left, ok1 := j.Vocab[pair[0]]
		right, ok2 := j.Vocab[pair[1]]
		merged, ok3 := j.Vocab[pair[0]+pair[1]]
		if !ok1 || !ok2 || !ok3 {
			return &FormatError{jsonFile, fmt.Sprintf("merge %d: %.40q + %.40q is not all in the vocabulary", rank, pair[0], pair[1])}
		}
		pairs[pairKey(left, right)] = ranked{int32(rank), merged} //nolint:gosec // MaxMerges
	}
	m.rules = pairs
	return nil
}

// readAdded registers the added tokens' names; readNormalizer puts them where
// the text is searched for them.
func (f *jsonTokenizer) readAdded(p *pipeline) error {
	for _, t := range f.AddedTokens {
		p.names[t.ID], p.ids[t.Content] = t.Content, t.ID
		p.control[t.ID] = t.Special
	}
	return nil
}
