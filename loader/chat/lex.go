package chat

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is the kind of a token.
type kind int

const (
	tEOF      kind = iota
	tData          // text between tags
	tBegin         // {% or {{: text says which
	tEnd           // %} or }}
	tName          // identifier or keyword
	tString        // text is the decoded value
	tInteger       // text is the digits
	tFloat         // text is the digits
	tOperator      // text is the operator
)

// A token is a piece of a template.
type token struct {
	kind kind
	text string
	at   place
}

func (t token) String() string {
	switch t.kind {
	case tEOF:
		return "end of template"
	case tData:
		return "text"
	}
	return fmt.Sprintf("%q", t.text)
}

// A lexer cuts a template into tokens, with the white space around tags
// removed as trim_blocks and lstrip_blocks ask.
type lexer struct {
	src    string
	at     int
	line   int
	begin  int // where that line begins in src
	tokens []token
	// lineStart: the last tag took its line's newline along, or there is none yet.
	lineStart bool
}

// lex returns the tokens of a template; the last one is tEOF.
func lex(src string) ([]token, error) {
	src = strings.ReplaceAll(strings.ReplaceAll(src, "\r\n", "\n"), "\r", "\n")
	l := &lexer{src: strings.TrimSuffix(src, "\n"), line: 1, lineStart: true}
	for {
		more, err := l.next()
		if err != nil {
			return nil, err
		}
		if !more {
			l.emit(tEOF, "")
			return l.tokens, nil
		}
	}
}

func (l *lexer) fail(format string, a ...any) error {
	return &SyntaxError{Line: l.line, Column: l.place().column, Reason: fmt.Sprintf(format, a...)}
}

func (l *lexer) place() place { return place{l.line, l.at - l.begin + 1} }

func (l *lexer) emit(k kind, text string) {
	l.tokens = append(l.tokens, token{k, text, l.place()})
}

// advance moves n bytes on.
func (l *lexer) advance(n int) {
	passed := l.src[l.at : l.at+n]
	if lines := strings.Count(passed, "\n"); lines > 0 {
		l.line += lines
		l.begin = l.at + strings.LastIndex(passed, "\n") + 1
	}
	l.at += n
}

// next reads the text up to a tag, and the tag.
func (l *lexer) next() (more bool, err error) {
	rest := l.src[l.at:]
	n := nextTag(rest)
	if n < 0 {
		if rest != "" {
			l.emit(tData, rest)
		}
		return false, nil
	}
	open := rest[n : n+2]
	sign := ""
	if s := rest[n+2:]; s != "" && (s[0] == '-' || s[0] == '+') {
		sign = s[:1]
	}
	l.data(rest[:n], open, sign)
	l.advance(n)
	switch open {
	case "{#":
		return true, l.comment()
	case "{{":
		return true, l.tag(2+len(sign), "{{", "}}")
	}
	if l.rawStart(2 + len(sign)) {
		return true, l.raw()
	}
	return true, l.tag(2+len(sign), "{%", "%}")
}

// nextTag returns where the next tag opens, -1 for nowhere.
func nextTag(s string) int {
	for at := 0; ; at++ {
		i := strings.IndexByte(s[at:], '{')
		if i < 0 || at+i+1 >= len(s) {
			return -1
		}
		at += i
		switch s[at+1] {
		case '{', '%', '#':
			return at
		}
	}
}

// data emits the text before a tag.
func (l *lexer) data(text, open, sign string) {
	switch {
	case sign == "-":
		text = strings.TrimRightFunc(text, isSpace)
	case sign != "+" && open != "{{":
		start := strings.LastIndexByte(text, '\n') + 1
		if (start > 0 || l.lineStart) && strings.TrimLeftFunc(text[start:], isSpace) == "" {
			text = text[:start]
		}
	}
	if text != "" {
		l.emit(tData, text)
	}
}

// end consumes a closing tag at l.at, if it is one, with the white space it
// takes along.
func (l *lexer) end(closing string) bool {
	rest := l.src[l.at:]
	n := 0
	switch {
	case strings.HasPrefix(rest, "-"+closing):
		n = 1 + len(closing)
		n += len(rest[n:]) - len(strings.TrimLeftFunc(rest[n:], isSpace))
	case closing != "}}" && strings.HasPrefix(rest, "+"+closing):
		n = 1 + len(closing)
	case strings.HasPrefix(rest, closing):
		n = len(closing)
		if closing != "}}" && strings.HasPrefix(rest[n:], "\n") {
			n++
		}
	default:
		return false
	}
	l.lineStart = rest[n-1] == '\n'
	l.advance(n)
	return true
}

func (l *lexer) comment() error {
	start, begin, at := l.line, l.begin, l.at
	for l.advance(2); l.at < len(l.src); {
		if l.end("#}") {
			return nil
		}
		l.advance(1)
	}
	l.line, l.begin, l.at = start, begin, at
	return l.fail("comment has no end")
}

// rawStart says whether the tag at l.at is {% raw %}, and if so consumes it.
func (l *lexer) rawStart(skip int) bool {
	at, line, begin := l.at, l.line, l.begin
	l.advance(skip)
	l.space()
	if strings.HasPrefix(l.src[l.at:], "raw") {
		l.advance(3)
		l.space()
		if l.end("%}") {
			return true
		}
	}
	l.at, l.line, l.begin = at, line, begin
	return false
}

// raw reads to {% endraw %}.
func (l *lexer) raw() error {
	start := l.at
	for at := start; ; at++ {
		i := strings.Index(l.src[at:], "{%")
		if i < 0 {
			return l.fail("raw block has no end")
		}
		at += i
		tail := l.src[at+2:]
		sign := ""
		if tail != "" && (tail[0] == '-' || tail[0] == '+') {
			sign, tail = tail[:1], tail[1:]
		}
		tail = strings.TrimLeftFunc(tail, isSpace)
		if !strings.HasPrefix(tail, "endraw") {
			continue
		}
		tail = strings.TrimLeftFunc(tail[len("endraw"):], isSpace)
		if !strings.HasPrefix(strings.TrimLeft(tail, "+-"), "%}") {
			continue
		}
		l.data(l.src[start:at], "{%", sign)
		l.advance(len(l.src) - len(tail) - l.at)
		if !l.end("%}") {
			return l.fail("raw block has no end")
		}
		return nil
	}
}

func (l *lexer) space() {
	l.advance(len(l.src[l.at:]) - len(strings.TrimLeftFunc(l.src[l.at:], isSpace)))
}

// tag reads the tokens of one tag; skip is the length of its opening.
func (l *lexer) tag(skip int, open, closing string) error {
	l.emit(tBegin, open)
	l.advance(skip)
	var brackets []byte // closing ones that are due
	for {
		l.space()
		at := l.place()
		if len(brackets) == 0 && l.end(closing) {
			l.tokens = append(l.tokens, token{tEnd, closing, at})
			return nil
		}
		if l.at >= len(l.src) {
			return l.fail("%s has no end", open)
		}
		if err := l.token(); err != nil {
			return err
		}
		t := l.tokens[len(l.tokens)-1]
		if t.kind != tOperator {
			continue
		}
		switch t.text {
		case "(", "[", "{":
			brackets = append(brackets, map[string]byte{"(": ')', "[": ']', "{": '}'}[t.text])
		case ")", "]", "}":
			k := len(brackets) - 1
			if k < 0 || brackets[k] != t.text[0] {
				return l.fail("unexpected %q", t.text)
			}
			brackets = brackets[:k]
		}
	}
}

// operators, longest first.
var operators = []string{
	"**", "//", "==", "!=", ">=", "<=",
	"+", "-", "*", "/", "%", "~", "(", ")", "[", "]", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";",
}

// token reads one token inside a tag.
func (l *lexer) token() error {
	rest := l.src[l.at:]
	r, _ := utf8.DecodeRuneInString(rest)
	switch {
	case r == '\'' || r == '"':
		return l.str(rest)
	case r >= '0' && r <= '9':
		return l.num(rest)
	case r == '_' || unicode.IsLetter(r):
		n := strings.IndexFunc(rest, func(r rune) bool {
			return r != '_' && !unicode.In(r, unicode.L, unicode.Nd, unicode.Nl, unicode.Mn, unicode.Mc)
		})
		if n < 0 {
			n = len(rest)
		}
		l.emit(tName, rest[:n])
		l.advance(n)
		return nil
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			l.emit(tOperator, op)
			l.advance(len(op))
			return nil
		}
	}
	return l.fail("unexpected character %q", r)
}

// num reads an integer or a float.
func (l *lexer) num(rest string) error {
	k, n := scanNumber(rest)
	text := strings.ReplaceAll(rest[:n], "_", "")
	l.emit(k, text)
	l.advance(n)
	return nil
}

// scanNumber returns the kind and length of the number that s starts with.
func scanNumber(s string) (kind, int) {
	digits := func(at int, set string) int {
		n := at
		for n < len(s) && (strings.IndexByte(set, s[n]) >= 0 || s[n] == '_' && n > at && n+1 < len(s) && strings.IndexByte(set, s[n+1]) >= 0) {
			n++
		}
		return n
	}
	if len(s) > 2 && s[0] == '0' {
		for prefix, set := range map[string]string{"xX": "0123456789abcdefABCDEF", "oO": "01234567", "bB": "01"} {
			if strings.IndexByte(prefix, s[1]) >= 0 && digits(2, set) > 2 {
				return tInteger, digits(2, set)
			}
		}
	}
	const decimal = "0123456789"
	n := digits(0, decimal)
	k := tInteger
	if n+1 < len(s) && s[n] == '.' && s[n+1] >= '0' && s[n+1] <= '9' {
		n, k = digits(n+1, decimal), tFloat
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		at := n + 1
		if at < len(s) && (s[at] == '+' || s[at] == '-') {
			at++
		}
		if end := digits(at, decimal); end > at {
			n, k = end, tFloat
		}
	}
	return k, n
}
