package chat

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// str reads a string literal.
func (l *lexer) str(rest string) error {
	quote := rest[0]
	end := 1
	for end < len(rest) && rest[end] != quote {
		if rest[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(rest) {
		return l.fail("string has no end")
	}
	text, ok := unescape(rest[1:end])
	if !ok {
		return l.fail("string has a broken escape")
	}
	l.emit(tString, text)
	l.advance(end + 1)
	return nil
}

// plainEscapes are Python's one-letter escapes.
var plainEscapes = map[byte]string{
	'\n': "", '\\': "\\", '\'': "'", '"': "\"", 'a': "\a", 'b': "\b", 'f': "\f",
	'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
}

// unescape decodes Python's escapes; an unknown one stays as it is.
func unescape(s string) (text string, ok bool) {
	if !strings.Contains(s, "\\") {
		return s, true
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			i++
			continue
		}
		c := s[i+1]
		if plain, known := plainEscapes[c]; known {
			b.WriteString(plain)
			i += 2
			continue
		}
		r, n, ok := numericEscape(s[i+1:])
		if !ok {
			return "", false
		}
		if n == 0 {
			b.WriteByte('\\')
			i++
			continue
		}
		b.WriteRune(r)
		i += 1 + n
	}
	return b.String(), true
}

// numericEscape reads x41, u0041, U00000041 or 101 after a backslash; n is 0
// where s starts none of them.
func numericEscape(s string) (r rune, n int, ok bool) {
	base := 16
	switch {
	case s[0] == 'x':
		n = 3
	case s[0] == 'u':
		n = 5
	case s[0] == 'U':
		n = 9
	case s[0] >= '0' && s[0] <= '7':
		base = 8
		for n < min(3, len(s)) && s[n] >= '0' && s[n] <= '7' {
			n++
		}
	default:
		return 0, 0, true
	}
	if n > len(s) {
		return 0, 0, false
	}
	digits := s[:n]
	if base == 16 {
		digits = s[1:n]
	}
	v, err := strconv.ParseUint(digits, base, 32)
	if err != nil || v > utf8.MaxRune {
		return 0, 0, false
	}
	return rune(v), n, true //nolint:gosec // at most MaxRune
}
