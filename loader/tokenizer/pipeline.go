package tokenizer

import (
	"slices"
	"unicode/utf8"
)

// A pipeline is the Tokenizer of all formats: added tokens, normalizers,
// pre-tokenizers, the model, and the way back.
type pipeline struct {
	kind    string
	version string   // see Version
	names   []string // id → the vocabulary's name, "" for a hole
	raw     [][]byte // id → bytes in a text, nil for control tokens
	control []bool
	byteTok []bool // id → a SentencePiece byte token
	ids     map[string]int32

	early, late *addedSet // added tokens looked for before and after normalisation
	strict      *addedSet // early, and the special ones of late: for text of mixed trust
	normalize   normalizer
	splitters   []splitter
	model       encoder

	bos            int32
	addBOS         bool
	eos            []int32
	prefix, suffix []int32 // what AddSpecial puts around the ids

	leading leading
	broken  broken
}

// An encoder is a model: it turns one piece of prepared text into ids.
type encoder interface {
	encode(out []int32, piece string) []int32
}

// Encode implements Tokenizer.
func (p *pipeline) Encode(text string, o EncodeOptions) ([]int32, error) {
	return p.EncodeParts([]Part{{Text: text, Trusted: o.ParseSpecial}}, o.AddSpecial)
}

// EncodeParts implements Tokenizer.
func (p *pipeline) EncodeParts(parts []Part, addSpecial bool) ([]int32, error) {
	size := 0
	for _, part := range parts {
		if size += len(part.Text); size > MaxTextBytes {
			return nil, &SizeError{What: "tokenize text", Got: size, Want: MaxTextBytes}
		}
	}
	text, trust := join(parts)
	out := make([]int32, 0, len(text)/3+len(p.prefix)+len(p.suffix)+1)
	if addSpecial {
		out = append(out, p.prefix...)
	}
	// After normalisation nobody knows any more where a byte came from, so
	// text of mixed trust has all its special tokens found before.
	set := p.strict
	if trust.all() {
		set = p.early
	}
	for _, s := range set.split(text, trust.trusted) {
		if s.id != none {
			out = append(out, s.id)
			continue
		}
		var err error
		if out, err = p.encodeText(out, text[s.start:s.end], s.start == 0, trust.all()); err != nil {
			return nil, err
		}
	}
	if addSpecial {
		out = append(out, p.suffix...)
	}
	return out, nil
}

// encodeText appends the ids of text that holds no early added token.
func (p *pipeline) encodeText(out []int32, text string, first, trusted bool) ([]int32, error) {
	given := text
	text, err := p.normalize(text)
	if err != nil {
		return nil, err
	}
	first = first && p.keepsFirst(given, text)
	if _, err := bounded(text); err != nil {
		return nil, err
	}
	for _, s := range p.late.split(text, func(int, int) bool { return trusted }) {
		if s.id != none {
			out = append(out, s.id)
			continue
		}
		if out, err = p.encodePieces(out, piece{text[s.start:s.end], first && s.start == 0}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// encodePieces hands the text from splitter to splitter and the last pieces to
// the model.
func (p *pipeline) encodePieces(out []int32, text piece) ([]int32, error) {
	var failed error
	next := func(q piece) { out = p.model.encode(out, q.text) }
	for _, s := range slices.Backward(p.splitters) {
		yield := next
		next = func(q piece) {
			if failed == nil {
				failed = s.split(q, yield)
			}
		}
	}
	next(text)
	return out, failed
}

// keepsFirst says whether something of the first character of a text is left
// after normalisation: else nothing of it counts as the start of the text.
func (p *pipeline) keepsFirst(text, normalized string) bool {
	r, n := utf8.DecodeRuneInString(text)
	if after, _ := utf8.DecodeRuneInString(normalized); text == "" || after == r {
		return true
	}
	left, err := p.normalize(text[:n])
	return err != nil || left != ""
}

// Decode implements Tokenizer.
func (p *pipeline) Decode(ids []int32) string { return p.decode(ids, false) }

// DecodeSpecial implements Tokenizer.
func (p *pipeline) DecodeSpecial(ids []int32) string { return p.decode(ids, true) }

func (p *pipeline) decode(ids []int32, special bool) string {
	var out, pending []byte
	mode, inRun := p.leading, false
	for _, id := range ids {
		b := p.Bytes(id)
		if special && p.IsControl(id) {
			b = p.controlText(id)
		}
		if b == nil {
			continue
		}
		b, mode = mode.trim(b, p.names[id], p.control[id])
		if run := p.byteTok[id]; p.broken != perSubpart && run != inRun {
			out = appendText(out, pending, p.broken)
			pending, inRun = pending[:0], run
		}
		pending = append(pending, b...)
	}
	return string(appendText(out, pending, p.broken))
}

// controlText is how a control token is written among text.
func (p *pipeline) controlText(id int32) []byte {
	if p.leading == asNamed {
		return []byte(" " + p.names[id])
	}
	return []byte(p.names[id])
}

// Bytes implements Tokenizer.
func (p *pipeline) Bytes(id int32) []byte {
	if id < 0 || int(id) >= len(p.raw) {
		return nil
	}
	return p.raw[id]
}

// Token implements Tokenizer.
func (p *pipeline) Token(id int32) string {
	if id < 0 || int(id) >= len(p.names) {
		return ""
	}
	return p.names[id]
}

// VocabSize implements Tokenizer.
func (p *pipeline) VocabSize() int { return len(p.names) }

// BOS implements Tokenizer.
func (p *pipeline) BOS() (int32, bool) { return p.bos, p.bos != none }

// EOS implements Tokenizer.
func (p *pipeline) EOS() []int32 { return slices.Clone(p.eos) }

// AddBOS implements Tokenizer.
func (p *pipeline) AddBOS() bool { return p.addBOS }

// IsControl implements Tokenizer.
func (p *pipeline) IsControl(id int32) bool {
	return id >= 0 && int(id) < len(p.control) && p.control[id]
}

// Find implements Tokenizer.
func (p *pipeline) Find(token string) (int32, bool) {
	id, ok := p.ids[token]
	return id, ok
}

// Kind implements Tokenizer.
func (p *pipeline) Kind() string { return p.kind }

func (p *pipeline) leadingMode() leading { return p.leading }
