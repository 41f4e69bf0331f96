package tokenizer

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// An addedToken is found in the text before the model sees it.
type addedToken struct {
	id             int32
	content        string
	special        bool // only recognised where the text is trusted
	normalized     bool // looked for in the normalised text
	singleWord     bool // not inside a word
	lstrip, rstrip bool // takes the white space on that side along
}

// An addedSet finds added tokens: at each place the longest one, left to right.
type addedSet struct {
	tokens []addedToken
	names  *trie // text → index into tokens
}

func newAddedSet() *addedSet { return &addedSet{names: newTrie()} }

// add puts a token in under the text it is looked for as; of two tokens with
// one text the later wins.
func (s *addedSet) add(t addedToken, text string) error {
	switch {
	case text == "":
		return nil
	case len(text) > MaxAddedTokenBytes:
		return fmt.Errorf("added token %d: got %d bytes, want at most %d", t.id, len(text), MaxAddedTokenBytes)
	case len(s.tokens) >= MaxAddedTokens:
		return fmt.Errorf("added tokens: want at most %d", MaxAddedTokens)
	}
	if err := s.names.add(text, int32(len(s.tokens))); err != nil {
		return fmt.Errorf("added token %d: %w", t.id, err)
	}
	s.tokens = append(s.tokens, t)
	return nil
}

// longest returns the longest token that text starts with, nil for none, and
// its length in bytes.
func (s *addedSet) longest(text string) (found *addedToken, n int) {
	k, n := s.names.longest(0, text)
	if n == 0 {
		return nil, 0
	}
	return &s.tokens[k], n
}

// A section is a stretch of text between added tokens, or one of those.
type section struct {
	start, end int   // bytes
	id         int32 // the added token, none for text
}

// split cuts text at the added tokens in it. A special token counts only where
// trusted allows its bytes.
func (s *addedSet) split(text string, trusted func(start, end int) bool) []section {
	var out []section
	done := 0 // text before is in out
	for i := 0; len(s.tokens) > 0 && i < len(text); {
		if s.names.root[text[i]] == 0 {
			i++
			continue
		}
		t, n := s.longest(text[i:])
		if t == nil {
			i++
			continue
		}
		start, end := i, i+n
		i = end
		if t.special && !trusted(start, end) || t.singleWord && insideWord(text, start, end) {
			continue
		}
		if t.lstrip {
			start = max(done, spaceBefore(text, start))
		}
		if t.rstrip {
			end = spaceAfter(text, end)
		}
		start = max(done, start)
		if done < start {
			out = append(out, section{done, start, none})
		}
		out = append(out, section{start, end, t.id})
		done = end
		i = max(i, end)
	}
	if done < len(text) {
		out = append(out, section{done, len(text), none})
	}
	return out
}

func insideWord(text string, start, end int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:start])
	after, _ := utf8.DecodeRuneInString(text[end:])
	return start > 0 && wordRune(before) || end < len(text) && wordRune(after)
}

func wordRune(r rune) bool {
	return r == '_' || unicode.In(r, unicode.L, unicode.Other_Alphabetic, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Join_Control)
}

// spaceBefore returns where the white space that ends at end starts.
func spaceBefore(text string, end int) int {
	for end > 0 {
		r, n := utf8.DecodeLastRuneInString(text[:end])
		if !unicode.IsSpace(r) {
			break
		}
		end -= n
	}
	return end
}

// spaceAfter returns where the white space that starts at start ends.
func spaceAfter(text string, start int) int {
	for start < len(text) {
		r, n := utf8.DecodeRuneInString(text[start:])
		if !unicode.IsSpace(r) {
			break
		}
		start += n
	}
	return start
}
