package tokenizer

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// What happens to the space that a SentencePiece model puts before a text.
type leading int

const (
	keepSpace  leading = iota
	dropSpace          // one space at the start of the text
	dropSpaces         // every space of the first token
	dropEach           // one space of each token until there is text
	asNamed            // the first token is written by its name
)

// How bytes that are not UTF-8 are written.
type broken int

const (
	perSubpart broken = iota // one U+FFFD for each maximal part of a character
	perByte                  // one for each byte
	perRun                   // one for each byte of a run of byte tokens, sound ones too
)

// trim removes what mode says from the bytes of a text's first token, which has
// this name, and returns the mode of the token after it.
func (mode leading) trim(first []byte, name string, control bool) ([]byte, leading) {
	switch {
	case mode == asNamed:
		return []byte(name), keepSpace
	case control:
		return first, keepSpace
	}
	switch mode {
	case dropSpace, dropEach:
		first = bytes.TrimPrefix(first, []byte(" "))
	case dropSpaces:
		first = bytes.ReplaceAll(first, []byte(" "), nil)
	}
	if mode == dropEach && len(first) == 0 {
		return first, mode
	}
	return first, keepSpace
}

// appendText appends b, in perRun mode one run, as UTF-8 with U+FFFD in place
// of what is not.
func appendText(dst, b []byte, mode broken) []byte {
	if mode == perRun {
		if utf8.Valid(b) {
			return append(dst, b...)
		}
		return append(dst, strings.Repeat("\uFFFD", len(b))...)
	}
	for len(b) > 0 {
		if r, n := utf8.DecodeRune(b); r != utf8.RuneError || n > 1 {
			dst = append(dst, b[:n]...)
			b = b[n:]
			continue
		}
		n := 1
		if mode == perSubpart {
			n = subpart(b)
		}
		dst = append(dst, "\uFFFD"...)
		b = b[n:]
	}
	return dst
}

// subpart returns the length of the longest start of b that begins a UTF-8
// character, at least 1.
func subpart(b []byte) int {
	want := wantBytes(b[0])
	n := 1
	for n < want && n < len(b) && continues(b, n) {
		n++
	}
	return n
}

// wantBytes returns how long the character that starts with c is, 1 where c
// starts none.
func wantBytes(c byte) int {
	switch {
	case c >= 0xC2 && c <= 0xDF:
		return 2
	case c >= 0xE0 && c <= 0xEF:
		return 3
	case c >= 0xF0 && c <= 0xF4:
		return 4
	}
	return 1
}

// continues says whether b[n] may stand at place n of the character that b
// starts with.
func continues(b []byte, n int) bool {
	lo, hi := byte(0x80), byte(0xBF)
	if n == 1 {
		switch b[0] {
		case 0xE0:
			lo = 0xA0
		case 0xED:
			hi = 0x9F
		case 0xF0:
			lo = 0x90
		case 0xF4:
			hi = 0x8F
		}
	}
	return b[n] >= lo && b[n] <= hi
}

// unfinished returns how many bytes at the end of b begin a character that may
// still be completed.
func unfinished(b []byte) int {
	for n := 1; n <= 3 && n <= len(b); n++ {
		tail := b[len(b)-n:]
		if tail[0]&0xC0 == 0x80 {
			continue
		}
		if n < wantBytes(tail[0]) && subpart(tail) == n {
			return n
		}
		return 0
	}
	return 0
}
