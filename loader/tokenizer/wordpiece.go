package tokenizer

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A wordPiece is BERT's model: from the left, always the longest token that
// fits. A word that does not come out even is unknown as a whole.
type wordPiece struct {
	tokens   *trie
	inside   int32 // where tokens inside a word start in tokens, 0 where there are none
	prefix   string
	maxChars int // a longer word is unknown
	unk      int32

	words *wordCache
}

// continuingPrefix marks tokens inside a word, where a file does not say.
const continuingPrefix = "##"

// wordPieceChars is the longest known word, where a file does not say.
const wordPieceChars = 100

func newWordPiece(prefix string) *wordPiece {
	return &wordPiece{tokens: newTrie(), prefix: prefix, maxChars: wordPieceChars, words: newWordCache()}
}

// finish is called once all tokens are in.
func (m *wordPiece) finish() {
	m.inside, _ = m.tokens.walk(m.prefix)
}

func (m *wordPiece) encode(out []int32, word string) []int32 {
	return m.words.encode(out, word, m.encodeWord)
}

func (m *wordPiece) encodeWord(out []int32, word string) []int32 {
	if len(word) > m.maxChars && utf8.RuneCountInString(word) > m.maxChars {
		return append(out, m.unk)
	}
	kept := len(out)
	node := int32(0)
	for start := 0; start < len(word); {
		id, n := m.tokens.longest(node, word[start:])
		if n == 0 {
			return append(out[:kept], m.unk)
		}
		out = append(out, id)
		start += n
		if node = m.inside; node == 0 && m.prefix != "" && start < len(word) {
			return append(out[:kept], m.unk)
		}
	}
	return out
}

// spell computes what each token adds to a text: a space before it where it
// begins a word. cleanup also takes away the space before punctuation.
func (p *pipeline) spell(prefix string, cleanup bool) {
	p.leading = asNamed
	for id, name := range p.names {
		if name == "" || p.control[id] {
			continue
		}
		text, inside := strings.CutPrefix(name, prefix)
		if !inside {
			text = " " + name
		}
		if cleanup {
			text = closeUp(text)
		}
		p.raw[id] = []byte(text)
	}
}

// closeUp undoes the spaces that splitting put before punctuation and English
// contractions.
func closeUp(text string) string {
	for _, c := range [][2]string{
		{" .", "."},
		{" ?", "?"},
		{" !", "!"},
		{" ,", ","},
		{" ' ", "'"},
		{" n't", "n't"},
		{" 'm", "'m"},
		{" do not", " don't"},
		{" 's", "'s"},
		{" 've", "'ve"},
		{" 're", "'re"},
	} {
		text = strings.ReplaceAll(text, c[0], c[1])
	}
	return text
}

// readWordPiece reads a WordPiece model of a tokenizer.json.
func (f *jsonTokenizer) readWordPiece(p *pipeline) error {
	j := &f.Model
	p.kind = "wordpiece"
	m := newWordPiece(continuingPrefix)
	if j.ContinuingPrefix != nil {
		m.prefix = *j.ContinuingPrefix
	}
	if j.MaxWordChars != nil {
		m.maxChars = *j.MaxWordChars
	}
	if m.maxChars < 0 || m.maxChars > MaxWordChars {
		return &FormatError{jsonFile, fmt.Sprintf("model.max_input_chars_per_word: got %d, want at most %d", m.maxChars, MaxWordChars)}
	}
	unk := "[UNK]"
	if j.UnkToken != nil {
		unk = *j.UnkToken
	}
	id, ok := j.Vocab[unk]
	if !ok {
		return &FormatError{jsonFile, fmt.Sprintf("unk_token %.80q is not in the vocabulary", unk)}
	}
	m.unk = id
	for name, id := range j.Vocab {
		p.names[id], p.ids[name] = name, id
		if err := m.tokens.add(name, id); err != nil {
			return &FormatError{jsonFile, "model.vocab: " + err.Error()}
		}
	}
	m.finish()
	p.model = m
	return nil
}
