package tokenizer

import (
	"math"
	"strings"
	"sync"
	"unicode/utf8"
)

// A bpe is a BPE model: it cuts the piece into first symbols and merges
// neighbours, best rule first.
type bpe struct {
	index map[string]int32 // token bytes → id, without control tokens
	rules rules

	byteSymbols bool       // first symbols are bytes (byte-level), else characters
	byteIDs     [256]int32 // byte → id, -1 where missing: byte symbols, or the fallback
	fallback    bool       // characters without a token become bytes
	unk         int32      // token for what is left, -1: dropped
	fuseUnk     bool       // one unk for a run of them
	whole       bool       // a piece that is a token is that token (ignore_merges)
	late        bool       // SentencePiece: unknown characters may still merge
	atMarks     bool       // no token goes on past a space mark: words can be told apart
	apart       *bigrams   // set beside atMarks where words can be told apart elsewhere too

	words *wordCache

	scratch sync.Pool // of *merging
}

// newBPE makes an empty model with room for n tokens.
func newBPE(n int) *bpe {
	m := &bpe{index: make(map[string]int32, n), unk: none, words: newWordCache()}
	for i := range m.byteIDs {
		m.byteIDs[i] = none
	}
	return m
}

// rules look up what two neighbouring symbols merge into.
type rules interface {
	// pair returns the merged token and its rank (smaller merges first).
	// whole is the text of both symbols.
	pair(left, right int32, whole string) (rank, id int32, ok bool)
}

// pairRules are merges by ids, as tokenizer.json and byte-level GGUF list them.
type pairRules map[uint64]ranked

type ranked struct{ rank, id int32 }

func pairKey(left, right int32) uint64 {
	return uint64(uint32(left))<<32 | uint64(uint32(right)) //nolint:gosec // bit patterns
}

func (r pairRules) pair(left, right int32, _ string) (int32, int32, bool) {
	m, ok := r[pairKey(left, right)]
	return m.rank, m.id, ok
}

// wordRules merge whatever two symbols spell a token, as SentencePiece and
// tiktoken do.
type wordRules struct {
	index map[string]int32
	rank  []int32 // [vocab]
}

func (r wordRules) pair(_, _ int32, whole string) (int32, int32, bool) {
	id, ok := r.index[whole]
	if !ok {
		return 0, 0, false
	}
	return r.rank[id], id, true
}

// none is the id of a symbol that has no token (yet).
const none = int32(-1)

// A symbol is a stretch of the piece and its neighbours in the list.
type symbol struct {
	start, end int32 // bytes of the piece; end 0: merged away
	prev, next int32 // indexes, -1 at the ends
	id         int32
}

// A candidate is a merge that may happen: the symbol at pos with its right
// neighbour, as long as that one still ends at end.
type candidate struct {
	rank, pos, end, id int32
}

func (c candidate) before(d candidate) bool {
	return c.rank < d.rank || c.rank == d.rank && c.pos < d.pos
}

// merging is the working memory of one piece.
type merging struct {
	symbols []symbol
	heap    []candidate
}

// findMarks sets atMarks once all tokens are in.
func (m *bpe) findMarks() {
	if _, ok := m.index[spaceMark]; !ok || m.byteSymbols {
		return
	}
	for name := range m.index {
		if strings.Contains(strings.TrimLeft(name, spaceMark), spaceMark) {
			return
		}
	}
	m.atMarks = true
	if m.fallback && m.neverUnknown() {
		m.apart = newBigrams(m.index)
	}
}

// neverUnknown says that every character without a token becomes bytes, which
// merge with nothing.
func (m *bpe) neverUnknown() bool {
	bytes := map[int32]bool{}
	for _, id := range m.byteIDs {
		if id == none {
			return false
		}
		bytes[id] = true
	}
	pairs, _ := m.rules.(pairRules)
	for key := range pairs {
		if bytes[int32(key>>32)] || bytes[int32(key&math.MaxUint32)] {
			return false
		}
	}
	return true
}

// bigrams are the pairs of neighbouring bytes that occur in tokens, and all that
// hold a byte beyond ASCII: between two bytes that are no such pair nothing
// merges.
type bigrams [utf8.RuneSelf * utf8.RuneSelf]bool

func newBigrams(tokens map[string]int32) *bigrams {
	b := new(bigrams)
	for name := range tokens {
		for i := 1; i < len(name); i++ {
			if name[i-1]|name[i] < utf8.RuneSelf {
				b[int(name[i-1])*utf8.RuneSelf+int(name[i])] = true
			}
		}
	}
	return b
}

// cut returns where text can be cut first, its length where nowhere.
func (b *bigrams) cut(text string) int {
	for i := 1; i < len(text); i++ {
		if l, r := text[i-1], text[i]; l|r < utf8.RuneSelf && !b[int(l)*utf8.RuneSelf+int(r)] {
			return i
		}
	}
	return len(text)
}

// encode appends the ids of piece to out.
func (m *bpe) encode(out []int32, piece string) []int32 {
	if !m.atMarks {
		return m.words.encode(out, piece, m.encodeWord)
	}
	for len(piece) > 0 {
		n := wordEnd(piece)
		if m.apart != nil {
			n = m.apart.cut(piece[:n])
		}
		out = m.words.encode(out, piece[:n], m.encodeWord)
		piece = piece[n:]
	}
	return out
}

// wordEnd returns where the second word of text begins, which a space mark
// shows; the length of text where there is none.
func wordEnd(text string) int {
	start := len(text) - len(strings.TrimLeft(text, spaceMark))
	if n := strings.Index(text[start:], spaceMark); n >= 0 {
		return start + n
	}
	return len(text)
}

// encodeWord appends the ids of a piece without looking it up.
func (m *bpe) encodeWord(out []int32, piece string) []int32 {
	if m.whole {
		if id, ok := m.index[piece]; ok {
			return append(out, id)
		}
	}
	w, _ := m.scratch.Get().(*merging)
	if w == nil {
		w = new(merging)
	}
	m.cut(w, piece)
	m.merge(w, piece)
	known := len(out)
	if len(w.symbols) > 0 {
		for i := int32(0); i >= 0; i = w.symbols[i].next {
			s := w.symbols[i]
			if s.id != none {
				out = append(out, s.id)
			} else {
				out = m.unknown(out, known, piece[s.start:s.end])
			}
		}
	}
	m.scratch.Put(w)
	return out
}

// cut fills w.symbols with the first symbols of piece.
func (m *bpe) cut(w *merging, piece string) {
	w.symbols = w.symbols[:0]
	unknown := false // the symbol before is an unk that the next one may join
	for i := 0; i < len(piece); {
		n := 1
		if !m.byteSymbols {
			_, n = utf8.DecodeRuneInString(piece[i:])
		}
		id, ok := m.first(piece[i : i+n])
		switch {
		case ok || m.late:
			w.add(i, i+n, id)
			unknown = false
		case m.fallback && m.bytesKnown(piece[i:i+n]):
			for k := i; k < i+n; k++ {
				w.add(k, k+1, m.byteIDs[piece[k]])
			}
			unknown = false
		case m.unk != none && unknown && m.fuseUnk:
			w.symbols[len(w.symbols)-1].end += int32(n) //nolint:gosec // within MaxTextBytes
		case m.unk != none:
			w.add(i, i+n, m.unk)
			unknown = true
		}
		i += n
	}
	if k := len(w.symbols); k > 0 {
		w.symbols[k-1].next = -1
	}
}

func (m *bpe) first(s string) (int32, bool) {
	if m.byteSymbols {
		id := m.byteIDs[s[0]]
		return id, id != none
	}
	id, ok := m.index[s]
	if !ok {
		return none, false
	}
	return id, true
}

func (m *bpe) bytesKnown(s string) bool {
	for i := range len(s) {
		if m.byteIDs[s[i]] == none {
			return false
		}
	}
	return true
}

// unknown appends what stands for a symbol that found no token (late models);
// the piece's ids begin at out[known].
func (m *bpe) unknown(out []int32, known int, s string) []int32 {
	if m.fallback && m.bytesKnown(s) {
		for i := range len(s) {
			out = append(out, m.byteIDs[s[i]])
		}
		return out
	}
	if m.unk == none || m.fuseUnk && len(out) > known && out[len(out)-1] == m.unk {
		return out
	}
	return append(out, m.unk)
}

func (w *merging) add(start, end int, id int32) {
	i := int32(len(w.symbols)) //nolint:gosec // within MaxTextBytes
	w.symbols = append(w.symbols, symbol{
		start: int32(start), end: int32(end), //nolint:gosec // within MaxTextBytes
		prev: i - 1, next: i + 1, id: id,
	})
}

// merge joins neighbours until no rule applies: the best rank first, the
// leftmost of equals.
func (m *bpe) merge(w *merging, piece string) {
	w.heap = w.heap[:0]
	for i := range w.symbols {
		m.offer(w, piece, int32(i)) //nolint:gosec // within MaxTextBytes
	}
	for len(w.heap) > 0 {
		c := w.pop()
		left := &w.symbols[c.pos]
		if left.end == 0 || left.next < 0 || w.symbols[left.next].end != c.end {
			continue // one of the two has merged otherwise
		}
		right := &w.symbols[left.next]
		left.end, left.next, left.id = right.end, right.next, c.id
		right.end = 0
		if left.next >= 0 {
			w.symbols[left.next].prev = c.pos
			m.offer(w, piece, c.pos)
		}
		if left.prev >= 0 {
			m.offer(w, piece, left.prev)
		}
	}
}

// offer puts the merge of symbol i with its right neighbour on the heap, if
// there is one.
func (m *bpe) offer(w *merging, piece string, i int32) {
	left := w.symbols[i]
	if left.next < 0 {
		return
	}
	right := w.symbols[left.next]
	rank, id, ok := m.rules.pair(left.id, right.id, piece[left.start:right.end])
	if ok {
		w.push(candidate{rank: rank, pos: i, end: right.end, id: id})
	}
}

func (w *merging) push(c candidate) {
	h := append(w.heap, c)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !c.before(h[up]) {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = c
	w.heap = h
}

func (w *merging) pop() candidate {
	h := w.heap
	top, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	w.heap = h
	i := 0
	for {
		k := 2*i + 1
		if k >= len(h) {
			break
		}
		if k+1 < len(h) && h[k+1].before(h[k]) {
			k++
		}
		if !h[k].before(last) {
			break
		}
		h[i] = h[k]
		i = k
	}
	if len(h) > 0 {
		h[i] = last
	}
	return top
}
