package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A splitter cuts a piece into smaller ones that the model never merges across,
// and hands each to yield.
type splitter interface {
	split(p piece, yield func(piece)) error
}

// A piece is prepared text on its way to the model.
type piece struct {
	text  string
	first bool // the text begins with it
}

// What a split does with the matches of its pattern.
type behavior string

const (
	removed            behavior = "Removed"
	isolated           behavior = "Isolated"
	mergedWithPrevious behavior = "MergedWithPrevious"
	mergedWithNext     behavior = "MergedWithNext"
	contiguous         behavior = "Contiguous"
)

// A finder calls yield with the start and end of each match, ascending.
type finder func(text string, yield func(start, end int)) error

// A patternSplit cuts at the matches of a finder.
type patternSplit struct {
	find     finder
	behavior behavior
	invert   bool // what does not match is the match
}

// A span is a stretch of a piece, a match or what lies between two.
type span struct {
	start, end int
	match      bool
}

func (s *patternSplit) split(p piece, yield func(piece)) error {
	var spans []span
	done := 0
	err := s.find(p.text, func(start, end int) {
		if done < start {
			spans = append(spans, span{done, start, s.invert})
		}
		spans = append(spans, span{start, end, !s.invert})
		done = end
	})
	if err != nil {
		return err
	}
	if done < len(p.text) {
		spans = append(spans, span{done, len(p.text), s.invert})
	}
	for _, sp := range s.behavior.apply(spans) {
		p.cut(sp.start, sp.end, yield)
	}
	return nil
}

// cut hands on a stretch of p, unless it is empty.
func (p piece) cut(start, end int, yield func(piece)) {
	if start < end {
		yield(piece{p.text[start:end], p.first && start == 0})
	}
}

// split cuts at every match and around it.
func (scan scanner) split(p piece, yield func(piece)) error {
	done := 0 // text before is handed on
	for at := 0; at < len(p.text); {
		end := scan(p.text, at)
		if end <= at {
			_, n := utf8.DecodeRuneInString(p.text[at:])
			at += n
			continue
		}
		p.cut(done, at, yield)
		p.cut(at, end, yield)
		at, done = end, end
	}
	p.cut(done, len(p.text), yield)
	return nil
}

// apply merges or drops spans in place.
func (b behavior) apply(spans []span) []span {
	out := spans[:0]
	switch b {
	case removed:
		for _, s := range spans {
			if !s.match {
				out = append(out, s)
			}
		}
	case contiguous:
		for i, s := range spans {
			if k := len(out); i > 0 && out[k-1].match == s.match {
				out[k-1].end = s.end
			} else {
				out = append(out, s)
			}
		}
	case mergedWithPrevious:
		joined := false // the last of out already ends in a match
		for i, s := range spans {
			if i > 0 && s.match && !joined {
				out[len(out)-1].end = s.end
			} else {
				out = append(out, s)
			}
			joined = s.match
		}
	case mergedWithNext:
		open := false // the last of out is a match that waits for its text
		for _, s := range spans {
			if open && !s.match {
				out[len(out)-1].end = s.end
			} else {
				out = append(out, s)
			}
			open = s.match
		}
	default:
		return spans
	}
	return out
}

// literal finds a fixed text.
func literal(want string) finder {
	return func(text string, yield func(start, end int)) error {
		for at := 0; want != ""; {
			i := strings.Index(text[at:], want)
			if i < 0 {
				break
			}
			yield(at+i, at+i+len(want))
			at += i + len(want)
		}
		return nil
	}
}

// runesWhere finds single characters.
func runesWhere(is func(rune) bool) finder {
	return func(text string, yield func(start, end int)) error {
		for at := 0; at < len(text); {
			r, n := utf8.DecodeRuneInString(text[at:])
			if is(r) {
				yield(at, at+n)
			}
			at += n
		}
		return nil
	}
}

func punctuation(r rune) bool {
	if r < utf8.RuneSelf {
		return asciiPunctuation[r]
	}
	return unicode.Is(punctuationTable, r)
}

var asciiPunctuation = func() (is [utf8.RuneSelf]bool) {
	for r := range is {
		is[r] = unicode.Is(punctuationTable, rune(r))
	}
	return is
}()

// prefixSpace puts a space before a piece that has none.
type prefixSpace struct{}

func (prefixSpace) split(p piece, yield func(piece)) error {
	if !strings.HasPrefix(p.text, " ") {
		p.text = " " + p.text
	}
	yield(p)
	return nil
}

// A metaspace writes spaces as a visible mark and puts one first.
type metaspace struct {
	mark   string
	scheme string // "always", "first" (only where the text begins), "never"
	cut    bool   // before each mark
}

func (m *metaspace) split(p piece, yield func(piece)) error {
	p.text = strings.ReplaceAll(p.text, " ", m.mark)
	if (m.scheme == "always" || m.scheme == "first" && p.first) && !strings.HasPrefix(p.text, m.mark) {
		p.text = m.mark + p.text
	}
	if m.cut {
		cutBefore(m.mark, p, yield)
	} else {
		yield(p)
	}
	return nil
}

// cutBefore cuts before each mark but those that follow another: the pieces are
// a mark with what comes after it.
func cutBefore(mark string, p piece, yield func(piece)) {
	start := 0
	for start < len(p.text) {
		n := strings.Index(p.text[start+1:], mark)
		if n < 0 {
			break
		}
		p.cut(start, start+1+n, yield)
		start += 1 + n
	}
	p.cut(start, len(p.text), yield)
}
