package tokenizer

import (
	"encoding/json"
	"fmt"
	"math"
	"sync"
)

// unknownPenalty is how much worse than the worst token an unknown character is.
const unknownPenalty = 10

// A unigram is a model that scores tokens by themselves: of all ways to cut a
// piece, the one whose tokens' scores have the largest sum.
type unigram struct {
	tokens  *trie     // what a text may be cut into; control tokens are not in it
	scores  []float64 // [vocab]
	unknown float64   // the score of a character without a token
	single  bool      // sums are kept in float32, as SentencePiece does

	unk      int32      // none: dropped
	byteIDs  [256]int32 // byte tokens, none where missing
	fallback bool       // unknown characters become bytes

	words   *wordCache
	scratch sync.Pool // of *lattice
}

// newUnigram makes a model without tokens for n ids.
func newUnigram(n int) *unigram {
	m := &unigram{tokens: newTrie(), scores: make([]float64, n), unk: none, words: newWordCache()}
	for i := range m.byteIDs {
		m.byteIDs[i] = none
	}
	return m
}

// add puts a token in; it must be within MaxUnigramBytes, so that a step looks
// at no more than that.
func (m *unigram) add(name string, id int32, score float64) error {
	switch {
	case name == "":
		return nil
	case len(name) > MaxUnigramBytes:
		return fmt.Errorf("token %d: got %d bytes, want at most %d", id, len(name), MaxUnigramBytes)
	case math.IsNaN(score) || math.IsInf(score, 0):
		return fmt.Errorf("token %d: its score is not a number", id)
	}
	m.scores[id] = score
	return m.tokens.add(name, id)
}

// A step is the best way known to get to one place in a piece.
type step struct {
	score float64
	from  int32 // where the last token of that way starts, none: no way known
	id    int32 // the token, none for an unknown character
}

// A lattice is the working memory of one piece.
type lattice struct {
	steps []step  // [bytes of the stretch + 1]
	path  []int32 // places on the best way, last first
	unk   int     // where the unknown characters that wait to be written start, -1: none do
}

func (m *unigram) encode(out []int32, piece string) []int32 {
	return m.words.encode(out, piece, m.encodeWord)
}

func (m *unigram) encodeWord(out []int32, piece string) []int32 {
	w, _ := m.scratch.Get().(*lattice)
	if w == nil {
		w = new(lattice)
	}
	w.unk = -1
	// Where no way leads past a place, everything before it is settled: the
	// piece is worked off in stretches of that kind.
	score := 0.0
	for start := 0; start < len(piece); {
		var n int
		n, score = m.stretch(w, piece[start:], score)
		out = m.write(out, w, piece, start, n)
		start += n
	}
	out = m.writeUnknown(out, w, piece, len(piece))
	m.scratch.Put(w)
	return out
}

// stretch finds the best ways from the start of text, whose score is given, to
// the first place that all ways lead through.
func (m *unigram) stretch(w *lattice, text string, score float64) (n int, best float64) {
	w.steps = append(w.steps[:0], step{score: score})
	for at := 0; at < len(w.steps) && (at == 0 || at < len(w.steps)-1); {
		size := min(charBytes(text[at]), len(text)-at)
		till, node, one := w.steps[at].score, int32(0), false
		for end := at + 1; end <= len(text); end++ {
			if node = m.tokens.child(node, text[end-1]); node == 0 {
				break
			}
			if id := m.tokens.value[node]; id != none {
				m.offer(w, at, end, id, m.scores[id]+till)
				one = one || end-at == size
			}
		}
		if !one {
			m.offer(w, at, at+size, none, m.unknown+till)
		}
		at += size
	}
	n = len(w.steps) - 1
	return n, w.steps[n].score
}

// offer makes a token the last one of the way to end if that is better than
// what is known.
func (m *unigram) offer(w *lattice, start, end int, id int32, score float64) {
	score = m.round(score)
	for len(w.steps) <= end {
		w.steps = append(w.steps, step{from: none})
	}
	if s := &w.steps[end]; s.from == none || score > s.score {
		*s = step{score: score, from: int32(start), id: id}
	}
}

func (m *unigram) round(score float64) float64 {
	if m.single {
		return float64(float32(score))
	}
	return score
}

// charBytes is how long the character that starts with c says it is.
func charBytes(c byte) int {
	switch {
	case c < 0xC0:
		return 1
	case c < 0xE0:
		return 2
	case c < 0xF0:
		return 3
	}
	return 4
}

// write appends the tokens of a stretch of n bytes at base.
func (m *unigram) write(out []int32, w *lattice, piece string, base, n int) []int32 {
	w.path = w.path[:0]
	for at := int32(n); at > 0; at = w.steps[at].from {
		w.path = append(w.path, at)
	}
	for i := len(w.path) - 1; i >= 0; i-- {
		s := w.steps[w.path[i]]
		if s.id == none {
			if w.unk < 0 {
				w.unk = base + int(s.from)
			}
			continue
		}
		out = m.writeUnknown(out, w, piece, base+int(s.from))
		out = append(out, s.id)
	}
	return out
}

// writeUnknown appends what stands for the run of unknown characters that ends
// at end, if there is one.
func (m *unigram) writeUnknown(out []int32, w *lattice, piece string, end int) []int32 {
	if w.unk < 0 {
		return out
	}
	run := piece[w.unk:end]
	w.unk = -1
	if m.fallback && m.bytesKnown(run) {
		for i := range len(run) {
			out = append(out, m.byteIDs[run[i]])
		}
		return out
	}
	if m.unk == none {
		return out
	}
	return append(out, m.unk)
}

func (m *unigram) bytesKnown(s string) bool {
	for i := range len(s) {
		if m.byteIDs[s[i]] == none {
			return false
		}
	}
	return true
}

// A jsonPiece is ["token", score].
type jsonPiece struct {
	Name  string
	Score float64
}

func (p *jsonPiece) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[2]any{&p.Name, &p.Score})
}

// readUnigram reads a Unigram model of a tokenizer.json.
func (f *jsonTokenizer) readUnigram(p *pipeline) error {
	j := &f.Model
	p.kind = "unigram"
	m := newUnigram(len(p.names))
	m.fallback = j.ByteFallback
	if j.UnkID != nil {
		if m.unk = inVocab(*j.UnkID, len(j.pieces)); m.unk == none {
			return &FormatError{jsonFile, fmt.Sprintf("model.unk_id: got %d, want less than %d", *j.UnkID, len(j.pieces))}
		}
	}
	special := map[string]bool{}
	for _, t := range f.AddedTokens {
		special[t.Content] = t.Special
	}
	m.unknown = math.Inf(1)
	for i, piece := range j.pieces {
		id := int32(i)
		p.names[id], p.ids[piece.Name] = piece.Name, id
		m.unknown = min(m.unknown, piece.Score-unknownPenalty)
		if b, ok := byteFallback(piece.Name); ok {
			m.byteIDs[b] = id
		}
		if special[piece.Name] {
			continue // a user who types its name types text
		}
		if err := m.add(piece.Name, id, piece.Score); err != nil {
			return &FormatError{jsonFile, "model.vocab: " + err.Error()}
		}
	}
	p.model = m
	return nil
}

// setUnigram makes the model of a SentencePiece vocabulary of type unigram
// whose names are set.
func (p *pipeline) setUnigram(scores []float32, types []int32, unk int32) error {
	p.kind, p.broken = "unigram", perByte
	m := newUnigram(len(p.names))
	m.unk, m.single = unk, true
	lowest := float32(math.MaxFloat32)
	for i := range p.names {
		id := int32(i)
		normal, err := p.setPiece(id, types[i], &m.byteIDs)
		if err != nil {
			return err
		}
		m.fallback = m.fallback || p.byteTok[id]
		if types[i] == typeNormal {
			lowest = min(lowest, scores[i])
		}
		if !normal {
			continue
		}
		score := float64(scores[i])
		if types[i] == typeUserDefined {
			score = userDefinedScore
		}
		if err := m.add(p.names[i], id, score); err != nil {
			return &FormatError{"tokenizer vocabulary", err.Error()}
		}
	}
	m.unknown = float64(lowest - unknownPenalty)
	p.model = m
	return nil
}

// userDefinedScore beats every real one, so that such a token is always taken.
const userDefinedScore = -0.1
