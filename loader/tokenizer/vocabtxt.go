package tokenizer

import (
	"encoding/json"
	"fmt"
	"strings"
)

const vocabFile = "vocab.txt"

// bertConfig is the part of a BERT's tokenizer_config.json that stands in a
// tokenizer.json otherwise.
type bertConfig struct {
	LowerCase    *bool    `json:"do_lower_case"`
	StripAccents *bool    `json:"strip_accents"`
	Chinese      *bool    `json:"tokenize_chinese_chars"`
	Unk          jsonName `json:"unk_token"`
	Sep          jsonName `json:"sep_token"`
	Cls          jsonName `json:"cls_token"`
	Pad          jsonName `json:"pad_token"`
	Mask         jsonName `json:"mask_token"`
}

// FromVocab reads the vocab.txt of a BERT, one token a line, and where it is
// not empty the tokenizer_config.json beside it.
//
// It fails with a FormatError or a SizeError.
func FromVocab(vocab, tokenizerConfigJSON []byte) (Tokenizer, error) {
	if n := max(len(vocab), len(tokenizerConfigJSON)); n > MaxFileBytes {
		return nil, &SizeError{What: "read " + vocabFile, Got: n, Want: MaxFileBytes}
	}
	c := bertConfig{Unk: "[UNK]", Sep: "[SEP]", Cls: "[CLS]", Pad: "[PAD]", Mask: "[MASK]"}
	var general jsonConfig
	if len(tokenizerConfigJSON) > 0 {
		for _, v := range []any{&c, &general} {
			if err := json.Unmarshal(tokenizerConfigJSON, v); err != nil {
				return nil, &FormatError{"tokenizer_config.json", err.Error()}
			}
		}
	}
	names := strings.Split(strings.TrimSuffix(string(vocab), "\n"), "\n")
	if len(names) > MaxVocab {
		return nil, &FormatError{vocabFile, fmt.Sprintf("got %d tokens, want at most %d", len(names), MaxVocab)}
	}
	p := &pipeline{kind: "wordpiece", bos: none, normalize: c.normalizer().normalize, splitters: []splitter{wordSplit{punctuation: true}}}
	p.makeVocab(len(names))
	m := newWordPiece(continuingPrefix)
	for i, name := range names {
		name = strings.TrimSuffix(name, "\r")
		if len(name) > MaxTokenBytes {
			return nil, &FormatError{vocabFile, fmt.Sprintf("token %d: got %d bytes, want at most %d", i, len(name), MaxTokenBytes)}
		}
		id := int32(i)
		p.names[id], p.ids[name] = name, id
		if err := m.tokens.add(name, id); err != nil {
			return nil, &FormatError{vocabFile, err.Error()}
		}
	}
	m.finish()
	p.model = m
	if err := c.readSpecial(p, m); err != nil {
		return nil, &FormatError{vocabFile, err.Error()}
	}
	p.spell(m.prefix, true)
	general.apply(p)
	return p, nil
}

func (c *bertConfig) normalizer() bertNormalizer {
	n := uncasedBERT
	n.lowercase = isSet(c.LowerCase, true)
	n.accents = isSet(c.StripAccents, n.lowercase)
	n.chinese = isSet(c.Chinese, true)
	return n
}

// readSpecial makes control tokens of the special ones.
func (c *bertConfig) readSpecial(p *pipeline, m *wordPiece) error {
	ids := map[jsonName]int32{}
	for _, name := range []jsonName{c.Unk, c.Sep, c.Cls, c.Pad, c.Mask} {
		id, ok := p.Find(string(name))
		if !ok {
			if name == c.Unk || name == c.Sep || name == c.Cls {
				return fmt.Errorf("special token %.80q is not in the vocabulary", string(name))
			}
			continue
		}
		ids[name], p.control[id] = id, true
		if err := p.addAdded(addedToken{id: id, content: string(name), special: true}); err != nil {
			return err
		}
	}
	m.unk = ids[c.Unk]
	p.prefix, p.suffix = []int32{ids[c.Cls]}, []int32{ids[c.Sep]}
	return nil
}
