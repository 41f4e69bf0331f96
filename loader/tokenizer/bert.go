package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A bertNormalizer prepares text as BERT's own scripts did.
type bertNormalizer struct {
	clean     bool // drops control characters, makes every space a plain one
	chinese   bool // puts spaces around ideographs, so that each is a word
	accents   bool // drops accents
	lowercase bool
}

// uncasedBERT is what nearly every BERT does.
var uncasedBERT = bertNormalizer{clean: true, chinese: true, accents: true, lowercase: true}

var decompose = normalForm(norm.NFD)

func (n bertNormalizer) normalize(text string) (string, error) {
	out := make([]byte, 0, len(text)+len(text)/8)
	for len(text) > 0 {
		// No rule looks at an ASCII character together with its neighbours.
		k := 0
		for k < len(text) && text[k] < utf8.RuneSelf {
			k++
		}
		out = n.appendASCII(out, text[:k])
		text = text[k:]
		for k = 0; k < len(text) && text[k] >= utf8.RuneSelf; {
			k++
		}
		more, err := n.other(text[:k])
		if err != nil {
			return "", err
		}
		out = append(out, more...)
		text = text[k:]
	}
	return bounded(string(out))
}

// appendASCII normalises text that is all ASCII.
func (n bertNormalizer) appendASCII(out []byte, text string) []byte {
	for i := range len(text) {
		c := text[i]
		switch {
		case n.lowercase && c >= 'A' && c <= 'Z':
			c |= 0x20
		case n.clean && (c == '\t' || c == '\n' || c == '\r'):
			c = ' '
		case n.clean && (c < ' ' || c == 0x7F):
			continue
		}
		out = append(out, c)
	}
	return out
}

// other normalises text that has no ASCII in it.
func (n bertNormalizer) other(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	if n.clean || n.chinese {
		text = n.tidy(text)
	}
	if n.accents {
		text, _ = decompose(text) // which cannot fail
		text = without(nonspacingTable, text)
	}
	if n.lowercase {
		text = lowercase(text)
	}
	return bounded(text)
}

// tidy drops what is no text and sets ideographs apart.
func (n bertNormalizer) tidy(text string) string {
	var b strings.Builder
	b.Grow(len(text) + len(text)/8)
	for _, r := range text {
		switch {
		case n.clean && unicode.Is(uncleanTable, r):
		case n.clean && unicode.IsSpace(r):
			b.WriteByte(' ')
		case n.chinese && r >= 0x3400 && unicode.Is(chineseTable, r):
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// without drops the characters of a table.
func without(table *unicode.RangeTable, text string) string {
	return strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf && unicode.Is(table, r) {
			return -1
		}
		return r
	}, text)
}

// A wordSplit cuts at white space, which it drops, and around punctuation if
// asked to.
type wordSplit struct{ punctuation bool }

func (s wordSplit) split(p piece, yield func(piece)) error {
	start := 0
	for at := 0; at < len(p.text); {
		r, n := utf8.DecodeRuneInString(p.text[at:])
		blank := r == ' ' || unicode.IsSpace(r)
		if blank || s.punctuation && punctuation(r) {
			p.cut(start, at, yield)
			if start = at + n; !blank {
				p.cut(at, start, yield)
			}
		}
		at += n
	}
	p.cut(start, len(p.text), yield)
	return nil
}
