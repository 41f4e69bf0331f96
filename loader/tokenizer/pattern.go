package tokenizer

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
)

// A pattern is a model's regular expression. Its searches end: at the latest
// after MatchTimeout, or when the backtracking stack is full.
type pattern struct {
	source string
	re     *regexp2.Regexp
}

func compilePattern(source string) (*pattern, error) {
	if len(source) > MaxPatternBytes {
		return nil, fmt.Errorf("pattern: got %d bytes, want at most %d", len(source), MaxPatternBytes)
	}
	re, err := regexp2.Compile(source, regexp2.OptionMaxBacktrackingStackSize(MaxPatternStack))
	if err != nil {
		return nil, fmt.Errorf("pattern %.80q: %w", source, err)
	}
	re.MatchTimeout = MatchTimeout
	return &pattern{source: source, re: re}, nil
}

// newFinder returns what finds the matches of a regular expression: a scanner
// where the expression is known.
func newFinder(source string) (finder, error) {
	if known, ok := scanners[source]; ok {
		return known(characterClasses()).find, nil
	}
	p, err := compilePattern(source)
	if err != nil {
		return nil, err
	}
	return p.find, nil
}

// newSplit returns what splits by a regular expression.
func newSplit(source string, b behavior, invert bool) (splitter, error) {
	if known, ok := scanners[source]; ok && b == isolated && !invert {
		return known(characterClasses()), nil
	}
	find, err := newFinder(source)
	return &patternSplit{find: find, behavior: b, invert: invert}, err
}

// find calls yield with every match in text, in bytes; invalid UTF-8 matches
// as U+FFFD, one for each byte.
func (p *pattern) find(text string, yield func(start, end int)) error {
	runes := make([]rune, 0, len(text))
	for _, r := range text {
		runes = append(runes, r)
	}
	begun := time.Now()
	budget := p.re.MatchTimeout + time.Duration(len(text)>>20)*matchBudgetPerMiB
	spent := false
	walk := walker{text: text}
	matches := 0
	err := p.re.FindRunesMatches(runes, 0, func(m regexp2.MatchView) bool {
		at, n, _ := m.GroupRange(0)
		start := walk.to(at)
		yield(start, walk.to(at+n))
		matches++
		spent = matches%64 == 0 && time.Since(begun) > budget
		return !spent
	})
	switch {
	case errors.Is(err, regexp2.ErrBacktrackingStackLimit):
		return &PatternError{Pattern: p.source, Bytes: len(text), Cause: err}
	case err != nil:
		// The engine's own message repeats the whole text.
		return &PatternError{Pattern: p.source, Bytes: len(text), Limit: p.re.MatchTimeout}
	case spent:
		return &PatternError{Pattern: p.source, Bytes: len(text), Limit: budget}
	}
	return nil
}

// A walker turns ascending rune offsets into byte offsets.
type walker struct {
	text  string
	runes int // characters passed
	at    int // bytes passed
}

// to goes on to character n and returns its byte offset.
func (w *walker) to(n int) int {
	for ; w.runes < n; w.runes++ {
		_, size := utf8.DecodeRuneInString(w.text[w.at:])
		w.at += size
	}
	return w.at
}
