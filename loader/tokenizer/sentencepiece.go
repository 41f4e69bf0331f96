package tokenizer

import (
	"fmt"
	"math"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

const spmFile = "tokenizer.model"

// FromSentencePiece reads a SentencePiece tokenizer.model of type BPE or
// unigram.
//
// It fails with a FormatError, an UnsupportedError (other types), or a
// SizeError.
func FromSentencePiece(file []byte) (Tokenizer, error) {
	if len(file) > MaxFileBytes {
		return nil, &SizeError{What: "read " + spmFile, Got: len(file), Want: MaxFileBytes}
	}
	f := spmModel{modelType: spmUnigram, unkSurface: " \u2047 ", unk: 0, bos: 1, eos: 2, dummyPrefix: true, trim: true, escape: true}
	if err := f.read(file); err != nil {
		return nil, &FormatError{spmFile, err.Error()}
	}
	switch {
	case f.modelType != spmBPE && f.modelType != spmUnigram:
		return nil, &UnsupportedError{spmFile, fmt.Sprintf("model type %d", f.modelType)}
	case f.suffixSpace:
		return nil, &UnsupportedError{spmFile, "white space as suffix"}
	case len(f.names) == 0:
		return nil, &FormatError{spmFile, "the vocabulary is empty"}
	}
	p := &pipeline{bos: none, normalize: f.normalize}
	p.makeVocab(len(f.names))
	for i, name := range f.names {
		p.names[i], p.ids[name] = name, int32(i) //nolint:gosec // MaxVocab
		p.control[i] = f.types[i] == typeControl || f.types[i] == typeUnknown
	}
	switch {
	case f.trim:
		p.leading = dropEach
	case f.dummyPrefix:
		p.leading = dropSpace
	}
	unk := inVocab(f.unk, len(f.names))
	if err := f.setModel(p, unk); err != nil {
		return nil, err
	}
	if unk != none {
		p.raw[unk] = []byte(f.unkSurface)
	}
	p.bos = inVocab(f.bos, len(f.names))
	p.setEOS(inVocab(f.eos, len(f.names)))
	p.setBOS(true)
	p.addBOS = p.bos != none
	if err := f.readAdded(p); err != nil {
		return nil, err
	}
	return p, nil
}

func (m *spmModel) setModel(p *pipeline, unk int32) error {
	if m.modelType == spmUnigram {
		return p.setUnigram(m.scores, m.types, unk)
	}
	return p.setPieces(m.scores, m.types, unk)
}

// inVocab returns id as a token id, none where there is no such token.
func inVocab(id int64, n int) int32 {
	if id < 0 || id >= int64(n) {
		return none
	}
	return int32(id) //nolint:gosec // below MaxVocab
}

// Types of a SentencePiece model.
const (
	spmUnigram = 1
	spmBPE     = 2
)

// spmModel is what Samara reads of a ModelProto.
type spmModel struct {
	names  []string
	scores []float32
	types  []int32

	modelType                 int64
	unk, bos, eos             int64
	suffixSpace               bool
	unkSurface                string // what the unknown token adds to a text
	charsMap                  *charsMap
	dummyPrefix, trim, escape bool
	userDefined               *addedSet // kept as they are by normalize
}

// A protoField is one field of a protobuf message.
type protoField struct {
	num    protowire.Number
	varint uint64
	fixed  uint32
	bytes  []byte
}

// eachField calls f with the fields of a message whose wire type Samara reads.
func eachField(b []byte, f func(protoField) error) error {
	for len(b) > 0 {
		num, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		field := protoField{num: num}
		switch kind {
		case protowire.VarintType:
			field.varint, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			field.fixed, n = protowire.ConsumeFixed32(b)
		case protowire.BytesType:
			field.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(num, kind, b)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		if err := f(field); err != nil {
			return err
		}
	}
	return nil
}

// id reads a varint as the int32 it was written from.
func (f protoField) id() int64 { return int64(int32(f.varint)) } //nolint:gosec // protobuf's sign extension

func (m *spmModel) read(file []byte) error {
	m.userDefined = newAddedSet()
	return eachField(file, func(f protoField) error {
		switch f.num {
		case 1:
			return m.readPiece(f.bytes)
		case 2:
			return eachField(f.bytes, m.trainerField)
		case 3:
			return eachField(f.bytes, m.normalizerField)
		}
		return nil
	})
}

func (m *spmModel) readPiece(b []byte) error {
	if len(m.names) >= MaxVocab {
		return fmt.Errorf("want at most %d pieces", MaxVocab)
	}
	name, score, kind := "", float32(0), int32(typeNormal)
	err := eachField(b, func(f protoField) error {
		switch f.num {
		case 1:
			name = string(f.bytes)
		case 2:
			score = math.Float32frombits(f.fixed)
		case 3:
			kind = int32(f.id()) //nolint:gosec // from an int32
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("piece %d: %w", len(m.names), err)
	}
	if len(name) > MaxTokenBytes {
		return fmt.Errorf("piece %d: got %d bytes, want at most %d", len(m.names), len(name), MaxTokenBytes)
	}
	m.names = append(m.names, name)
	m.scores = append(m.scores, score)
	m.types = append(m.types, kind)
	return nil
}

func (m *spmModel) trainerField(f protoField) error {
	switch f.num {
	case 3:
		m.modelType = f.id()
	case 24:
		m.suffixSpace = f.varint != 0
	case 40:
		m.unk = f.id()
	case 41:
		m.bos = f.id()
	case 42:
		m.eos = f.id()
	case 44:
		m.unkSurface = string(f.bytes)
	}
	return nil
}

func (m *spmModel) normalizerField(f protoField) (err error) {
	switch f.num {
	case 2:
		m.charsMap, err = newCharsMap(f.bytes)
	case 3:
		m.dummyPrefix = f.varint != 0
	case 4:
		m.trim = f.varint != 0
	case 5:
		m.escape = f.varint != 0
	}
	return err
}

// readAdded registers control tokens for trusted text, and user-defined
// pieces, which SentencePiece cuts out of the normalised text.
func (m *spmModel) readAdded(p *pipeline) error {
	for i, name := range m.names {
		t := addedToken{id: int32(i), content: name, special: p.control[i]} //nolint:gosec // MaxVocab
		var err error
		switch {
		case m.types[i] == typeUserDefined:
			err = m.userDefined.add(t, name)
			if err == nil && m.modelType == spmBPE { // unigram takes them by their score
				err = p.late.add(t, name)
			}
		case p.control[i]:
			err = p.addAdded(t)
		}
		if err != nil {
			return &FormatError{spmFile, err.Error()}
		}
	}
	return nil
}

// normalize rewrites text the way the model's training did: characters by the
// table, runs of spaces to one where asked, spaces to marks, one mark first.
func (m *spmModel) normalize(text string) (string, error) {
	var b strings.Builder
	b.Grow(len(text) + len(spaceMark) + len(text)/4)
	afterSpace := m.trim // drop spaces that follow
	for len(text) > 0 && b.Len() <= MaxNormalizedBytes {
		rewritten, n := m.next(text)
		text = text[n:]
		if afterSpace {
			rewritten = strings.TrimLeft(rewritten, " ")
		}
		if rewritten == "" {
			continue
		}
		if b.Len() == 0 && m.dummyPrefix {
			b.WriteString(m.mark())
		}
		afterSpace = m.trim && strings.HasSuffix(rewritten, " ")
		b.WriteString(strings.ReplaceAll(rewritten, " ", m.mark()))
	}
	out := b.String()
	for m.trim && strings.HasSuffix(out, m.mark()) {
		out = strings.TrimSuffix(out, m.mark())
	}
	return out, nil
}

func (m *spmModel) mark() string {
	if m.escape {
		return spaceMark
	}
	return " "
}

// next returns what the start of text becomes and how many bytes that was.
func (m *spmModel) next(text string) (string, int) {
	if t, n := m.userDefined.longest(text); t != nil {
		return text[:n], n
	}
	if m.charsMap != nil {
		if with, n := m.charsMap.longest(text); n > 0 {
			return with, n
		}
	}
	n := 1
	for n < len(text) && text[n]&0xC0 == 0x80 {
		n++
	}
	return text[:n], n
}
