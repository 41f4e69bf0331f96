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
// It is a trie over bytes.
type addedSet struct {
	tokens []addedToken
	first  [256]bool
	next   map[uint64]int32 // node<<8|byte → node
	at     []int32          // node → index into tokens, -1
}

func newAddedSet() *addedSet {
	return &addedSet{next: map[uint64]int32{}, at: []int32{-1}}
}

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
	s.first[text[0]] = true
	node := int32(0)
	for i := range len(text) {
		key := nodeKey(node, text[i])
		child, ok := s.next[key]
		if !ok {
			child = int32(len(s.at)) //nolint:gosec // MaxAddedTokens × MaxAddedTokenBytes
			s.at = append(s.at, -1)
			s.next[key] = child
		}
		node = child
	}
	s.at[node] = int32(len(s.tokens)) //nolint:gosec // MaxAddedTokens
	s.tokens = append(s.tokens, t)
	return nil
}

func nodeKey(node int32, b byte) uint64 {
	return uint64(uint32(node))<<8 | uint64(b) //nolint:gosec // bit pattern
}

// longest returns the longest token that text starts with, nil for none, and
// its length in bytes.
func (s *addedSet) longest(text string) (found *addedToken, n int) {
	node := int32(0)
	for i := range len(text) {
		child, ok := s.next[nodeKey(node, text[i])]
		if !ok {
			break
		}
		node = child
		if k := s.at[node]; k >= 0 {
			found, n = &s.tokens[k], i+1
		}
	}
	return found, n
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
		if !s.first[text[i]] {
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
