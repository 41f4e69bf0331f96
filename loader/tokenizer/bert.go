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

func (n bertNormalizer) normalize(text string) (string, error) {
	if n.clean || n.chinese {
		text = n.tidy(text)
	}
	if n.accents {
		text = without(nonspacingTable, norm.NFD.String(text))
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
		case n.clean && r < utf8.RuneSelf && r >= ' ' && r != 0x7F:
			b.WriteByte(byte(r))
		case n.clean && (r == '\t' || r == '\n' || r == '\r'):
			b.WriteByte(' ')
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

// bertSplit cuts at white space, which it drops, and around punctuation.
func bertSplit() []splitter {
	return []splitter{
		&patternSplit{find: runesWhere(unicode.IsSpace), behavior: removed},
		&patternSplit{find: runesWhere(punctuation), behavior: isolated},
	}
}
