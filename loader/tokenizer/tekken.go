package tokenizer

import (
	"bytes"
	"encoding/json"
	"fmt"
)

const tekkenFile = "tekken.json"

// jsonTekken is a tekken.json: byte strings by rank, special tokens before
// them in the numbering.
type jsonTekken struct {
	Config struct {
		Pattern    string `json:"pattern"`
		Version    string `json:"version"` // of the chat format, "v3"
		VocabSize  int    `json:"default_vocab_size"`
		NumSpecial int    `json:"default_num_special_tokens"`
	} `json:"config"`
	Vocab []struct {
		Rank  int    `json:"rank"`
		Bytes []byte `json:"token_bytes"`
	} `json:"vocab"`
	Special []struct {
		Rank int    `json:"rank"`
		Name string `json:"token_str"`
	} `json:"special_tokens"`
}

// tekkenSpecial are the first special tokens of files that do not list them.
var tekkenSpecial = []string{
	"<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]",
	"[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]",
	"[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]",
	"[TOOL_CONTENT]",
}

// FromTekken reads a Mistral tekken.json.
//
// It fails with a FormatError or a SizeError.
func FromTekken(file []byte) (Tokenizer, error) {
	if len(file) > MaxFileBytes {
		return nil, &SizeError{What: "read " + tekkenFile, Got: len(file), Want: MaxFileBytes}
	}
	var f jsonTekken
	if err := json.Unmarshal(file, &f); err != nil {
		return nil, &FormatError{tekkenFile, err.Error()}
	}
	special, size := f.Config.NumSpecial, f.Config.VocabSize
	if special < len(tekkenSpecial) || size <= special || size > MaxVocab || size-special > len(f.Vocab) {
		return nil, &FormatError{tekkenFile, fmt.Sprintf("got %d ids, %d of them special, for %d tokens", size, special, len(f.Vocab))}
	}
	split, err := newSplit(f.Config.Pattern, isolated, false)
	if err != nil {
		return nil, &FormatError{tekkenFile, err.Error()}
	}
	p := &pipeline{kind: "bpe", version: f.Config.Version, normalize: chain(nil)}
	p.splitters = []splitter{split}
	p.makeVocab(size)
	if err := f.readSpecial(p); err != nil {
		return nil, &FormatError{tekkenFile, err.Error()}
	}
	p.bos = 1
	p.setEOS(2)
	p.setBOS(true)
	p.addBOS = true
	if err := f.readVocab(p); err != nil {
		return nil, err
	}
	return p, nil
}

// Version returns the chat format that a tokenizer's file names, "v3" in many a
// tekken.json, and "" where it names none.
func Version(t Tokenizer) string {
	if p, ok := t.(*pipeline); ok {
		return p.version
	}
	return ""
}

func (f *jsonTekken) readSpecial(p *pipeline) error {
	names := make([]string, f.Config.NumSpecial)
	for i := range names {
		names[i] = fmt.Sprintf("<SPECIAL_%d>", i)
	}
	if len(f.Special) == 0 {
		copy(names, tekkenSpecial)
	}
	for _, t := range f.Special {
		if t.Rank < 0 || t.Rank >= len(names) {
			return fmt.Errorf("special token %.40q: got rank %d, want less than %d", t.Name, t.Rank, len(names))
		}
		names[t.Rank] = t.Name
	}
	for i, name := range names {
		id := int32(i) //nolint:gosec // MaxVocab
		p.names[id], p.ids[name], p.control[id] = name, id, true
		if err := p.addAdded(addedToken{id: id, content: name, special: true}); err != nil {
			return err
		}
	}
	return nil
}

func (f *jsonTekken) readVocab(p *pipeline) error {
	first := f.Config.NumSpecial
	tokens := make([][]byte, len(p.names)-first)
	for i := range tokens {
		t := f.Vocab[i]
		if t.Rank != i || len(t.Bytes) == 0 || len(t.Bytes) > MaxTokenBytes {
			return &FormatError{tekkenFile, fmt.Sprintf("token %d: got rank %d and %d bytes", i, t.Rank, len(t.Bytes))}
		}
		tokens[i] = t.Bytes
	}
	p.addRanked(first, tokens)
	return nil
}

// FromFile reads a tokenizer file of any kind, told apart by what is in it:
// tokenizer.json, vocab.txt (both with the tokenizer_config.json beside it, if
// any), tekken.json or tokenizer.model, SentencePiece's or Meta's.
func FromFile(file, tokenizerConfigJSON []byte) (Tokenizer, error) {
	switch {
	case bytes.HasPrefix(bytes.TrimLeft(file, " \t\r\n"), []byte("{")):
	case len(file) > 0 && file[0] >= ' ' && bytes.Contains(file, []byte("[UNK]")):
		return FromVocab(file, tokenizerConfigJSON)
	case IsRanks(file):
		return FromRanks(file)
	default:
		return FromSentencePiece(file)
	}
	var kind struct {
		Model json.RawMessage `json:"model"`
	}
	if len(file) <= MaxFileBytes && json.Unmarshal(file, &kind) == nil && kind.Model == nil {
		return FromTekken(file)
	}
	return FromJSON(file, tokenizerConfigJSON)
}
