package tokenizer

import (
	"sync"
	"unicode"
	"unicode/utf8"
)

// A class is a set of properties of a character that the scanners ask for.
type class uint8

const (
	letter  class = 1 << iota // \p{L}
	number                    // \p{N}
	space                     // \s
	newline                   // [\r\n]
	mark                      // \p{M}
	symbols                   // [\p{P}\p{S}]
	upperly                   // what may begin a word in camel case: [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
	lowerly                   // what may go on in one: [\p{Ll}\p{Lm}\p{Lo}\p{M}]
)

// A classTable knows the class of every character. It has a page for each 256
// of them; equal pages are kept once.
type classTable struct {
	ascii [utf8.RuneSelf]class
	page  [(unicode.MaxRune + 1) / 256]uint8
	pages [][256]class
}

// characterClasses is made when the first scanner is.
var characterClasses = sync.OnceValue(func() *classTable {
	flat := make([]class, unicode.MaxRune+1)
	for _, set := range []struct {
		class  class
		tables []*unicode.RangeTable
	}{
		{letter, []*unicode.RangeTable{unicode.L}},
		{number, []*unicode.RangeTable{unicode.N}},
		{space, []*unicode.RangeTable{unicode.White_Space}},
		{mark, []*unicode.RangeTable{unicode.M}},
		{symbols, []*unicode.RangeTable{unicode.P, unicode.S}},
		{upperly, []*unicode.RangeTable{unicode.Lu, unicode.Lt, unicode.Lm, unicode.Lo, unicode.M}},
		{lowerly, []*unicode.RangeTable{unicode.Ll, unicode.Lm, unicode.Lo, unicode.M}},
	} {
		for _, table := range set.tables {
			eachRune(table, func(r rune) { flat[r] |= set.class })
		}
	}
	flat['\r'] |= newline
	flat['\n'] |= newline
	t := &classTable{}
	copy(t.ascii[:], flat)
	numbers := map[[256]class]uint8{}
	for i := range t.page {
		page := [256]class(flat[256*i:])
		n, ok := numbers[page]
		if !ok {
			n = uint8(len(t.pages)) //nolint:gosec // TestClasses looks at every page
			numbers[page] = n
			t.pages = append(t.pages, page)
		}
		t.page[i] = n
	}
	return t
})

// eachRune calls f with the characters of a table.
func eachRune(table *unicode.RangeTable, f func(rune)) {
	for _, r := range table.R16 {
		for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
			f(c)
		}
	}
	for _, r := range table.R32 {
		for c := rune(r.Lo); c <= rune(r.Hi); c += rune(r.Stride) {
			f(c)
		}
	}
}

// at returns the class and the length of the character at i, which is within
// text. A byte that is no UTF-8 counts as U+FFFD.
func (t *classTable) at(text string, i int) (class, int) {
	if c := text[i]; c < utf8.RuneSelf {
		return t.ascii[c], 1
	}
	r, n := utf8.DecodeRuneInString(text[i:])
	return t.pages[t.page[r>>8]][r&0xFF], n
}

// run returns where the characters from i on cease to be of any of the classes.
func (t *classTable) run(text string, i int, of class) int {
	for i < len(text) {
		c, n := t.at(text, i)
		if c&of == 0 {
			break
		}
		i += n
	}
	return i
}

// runWithout returns where the characters from i on cease to be of none of the
// classes.
func (t *classTable) runWithout(text string, i int, of class) int {
	for i < len(text) {
		c, n := t.at(text, i)
		if c&of != 0 {
			break
		}
		i += n
	}
	return i
}
