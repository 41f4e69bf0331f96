package chat

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A str is a template's string: text, and which bytes of it came from a user.
type str struct {
	s    string
	user []span // ascending, not touching
	safe bool   // went through "safe" or "escape": "+" escapes what it is joined with
}

// A span is the bytes [start, end) of a string.
type span struct{ start, end int }

// trusted is text of the template's own.
func trusted(s string) str { return str{s: s} }

// untrusted is text of a user's.
func untrusted(s string) str {
	if s == "" {
		return str{}
	}
	return str{s: s, user: []span{{0, len(s)}}}
}

// like returns s with the mark of its origin: untrusted where any of it was.
func (a str) like(s string) str {
	if len(a.user) > 0 {
		return untrusted(s)
	}
	return trusted(s)
}

// slice returns the bytes [i, j) with their marks.
func (a str) slice(i, j int) str {
	out := str{s: a.s[i:j], safe: a.safe}
	if len(a.user) == 0 {
		return out
	}
	first, _ := slices.BinarySearchFunc(a.user, i, func(u span, at int) int { return u.end - at - 1 })
	for _, u := range a.user[first:] {
		if u.start >= j {
			break
		}
		out.user = append(out.user, span{max(u.start, i) - i, min(u.end, j) - i})
	}
	return out
}

// runs calls f with the stretches of one origin, in order.
func (a str) runs(f func(s string, user bool)) {
	at := 0
	for _, u := range a.user {
		if at < u.start {
			f(a.s[at:u.start], false)
		}
		f(a.s[u.start:u.end], true)
		at = u.end
	}
	if at < len(a.s) {
		f(a.s[at:], false)
	}
}

// A builder joins strings and keeps their marks.
type builder struct {
	b    strings.Builder
	user []span
}

func (w *builder) len() int { return w.b.Len() }

// add appends text with its marks.
func (w *builder) add(a str) {
	base := w.b.Len()
	for _, u := range a.user {
		w.mark(base+u.start, base+u.end)
	}
	w.b.WriteString(a.s)
}

// addString appends text of one origin.
func (w *builder) addString(s string, user bool) {
	if user && s != "" {
		w.mark(w.b.Len(), w.b.Len()+len(s))
	}
	w.b.WriteString(s)
}

func (w *builder) mark(start, end int) {
	if k := len(w.user); k > 0 && w.user[k-1].end == start {
		w.user[k-1].end = end
		return
	}
	w.user = append(w.user, span{start, end})
}

func (w *builder) str() str { return str{s: w.b.String(), user: w.user} }

// mapRuns applies f, which looks at no neighbours, to each run.
func (a str) mapRuns(f func(string) string) str {
	var w builder
	a.runs(func(s string, user bool) { w.addString(f(s), user) })
	return w.str()
}

// runeLen is the number of characters.
func (a str) runeLen() int { return utf8.RuneCountInString(a.s) }

// runeOffset returns the byte offset of character n, len(s) past the end.
func (a str) runeOffset(n int) int {
	if len(a.s) == a.runeLen() {
		return min(n, len(a.s))
	}
	for at := range a.s {
		if n == 0 {
			return at
		}
		n--
	}
	return len(a.s)
}

// isSpace says whether Python counts r as white space.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r >= 0x1C && r <= 0x1F }

// trim removes characters that cut takes from the given sides.
func (a str) trim(left, right bool, cut func(rune) bool) str {
	i, j := 0, len(a.s)
	if left {
		i = len(a.s) - len(strings.TrimLeftFunc(a.s, cut))
	}
	if right {
		j = len(strings.TrimRightFunc(a.s, cut))
	}
	return a.slice(i, max(i, j))
}

// segments returns the text as the package's callers see it.
func (a str) segments() []Segment {
	var out []Segment
	a.runs(func(s string, user bool) { out = append(out, Segment{Text: s, Trusted: !user}) })
	return out
}
