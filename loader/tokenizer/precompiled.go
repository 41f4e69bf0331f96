package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxRewrittenCluster is the longest cluster, in bytes, that the tokenizers
// library looks up as a whole.
const maxRewrittenCluster = 5

// rewrite applies the table the way the tokenizers library does, which is not
// SentencePiece's: a short cluster of characters that starts with an entry,
// however short that is, becomes what the entry says; longer clusters go
// character by character. A nil table changes nothing.
func (m *charsMap) rewrite(text string) (string, error) {
	if m == nil {
		return text, nil
	}
	var b strings.Builder
	b.Grow(len(text) + len(text)/8)
	for len(text) > 0 {
		n := m.plainRun(text)
		b.WriteString(text[:n])
		if text = text[n:]; text == "" {
			break
		}
		n = cluster(text)
		if with, ok := m.shortest(text[:n]); ok && n <= maxRewrittenCluster {
			b.WriteString(with)
			text = text[n:]
			continue
		}
		for end := len(text) - n; len(text) > end; {
			_, size := utf8.DecodeRuneInString(text)
			if with, ok := m.shortest(text[:size]); ok {
				b.WriteString(with)
			} else {
				b.WriteString(text[:size])
			}
			text = text[size:]
		}
		if b.Len() > MaxNormalizedBytes {
			break
		}
	}
	return bounded(b.String())
}

// plainRun returns how many bytes at the start of text are ASCII characters that
// stay as they are and have no mark after them.
func (m *charsMap) plainRun(text string) int {
	n := 0
	for n < len(text) && text[n] < utf8.RuneSelf && m.plain[text[n]] {
		n++
	}
	if n > 0 && n < len(text) && text[n] >= utf8.RuneSelf {
		n--
	}
	return n
}

// cluster returns the length of the first character of text with the marks
// that belong to it. What is always longer than maxRewrittenCluster, such as
// joined emoji and Hangul, is not joined.
func cluster(text string) int {
	if len(text) > 1 && text[0] < utf8.RuneSelf && text[1] < utf8.RuneSelf {
		if text[0] == '\r' && text[1] == '\n' {
			return 2
		}
		return 1
	}
	r, n := utf8.DecodeRuneInString(text)
	if standsAlone(r) {
		return n
	}
	for n < len(text) {
		r, size := utf8.DecodeRuneInString(text[n:])
		if !extends(r) {
			break
		}
		n += size
	}
	return n
}

// standsAlone says that no mark belongs to r.
func standsAlone(r rune) bool {
	const joiners = 0x200C // and 0x200D
	return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) || r&^1 != joiners && unicode.Is(unicode.Cf, r)
}

// extends says that r belongs to the character before it.
func extends(r rune) bool {
	switch {
	case r < 0x300:
		return false
	case r == 0x200D, r == 0x0E33, r == 0x0EB3, r >= 0x1F3FB && r <= 0x1F3FF:
		return true
	}
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc, unicode.Other_Grapheme_Extend)
}
