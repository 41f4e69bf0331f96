package chat

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// strMethods are the methods of str. What they cut out of a string keeps its
// marks.
var strMethods = map[string]func(in *interp, s str, a args) value{
	"strip":  func(in *interp, s str, a args) value { return in.strip(s, a, true, true) },
	"lstrip": func(in *interp, s str, a args) value { return in.strip(s, a, true, false) },
	"rstrip": func(in *interp, s str, a args) value { return in.strip(s, a, false, true) },
	"upper":  func(in *interp, s str, a args) value { return in.simple("upper", s, a, upper) },
	"lower":  func(in *interp, s str, a args) value { return in.simple("lower", s, a, lower) },
	"capitalize": func(in *interp, s str, a args) value {
		return in.simple("capitalize", s, a, capitalize)
	},
	"title":    func(in *interp, s str, a args) value { return in.simple("title", s, a, title) },
	"swapcase": func(in *interp, s str, a args) value { return in.simple("swapcase", s, a, swapcase) },
	"split":    methodSplit,
	"rsplit":   methodRSplit,
	"splitlines": func(in *interp, s str, a args) value {
		p := in.bind("splitlines", a, param{"keepends", false})
		return strList(in.lines(s, truth(p[0])))
	},
	"partition":  func(in *interp, s str, a args) value { return in.partition(s, a, false) },
	"rpartition": func(in *interp, s str, a args) value { return in.partition(s, a, true) },
	"replace": func(in *interp, s str, a args) value {
		p := in.bind("replace", a, param{"old", required{}}, param{"new", required{}}, param{"count", int64(-1)})
		return in.replace(s, in.wantStr("replace", p[0]), in.wantStr("replace", p[1]), in.wantInt("replace", p[2]))
	},
	"startswith":   func(in *interp, s str, a args) value { return in.affix("startswith", s, a, strings.HasPrefix) },
	"endswith":     func(in *interp, s str, a args) value { return in.affix("endswith", s, a, strings.HasSuffix) },
	"removeprefix": methodRemovePrefix,
	"removesuffix": methodRemoveSuffix,
	"find":         func(in *interp, s str, a args) value { return in.find("find", s, a, strings.Index) },
	"rfind":        func(in *interp, s str, a args) value { return in.find("rfind", s, a, strings.LastIndex) },
	"index":        func(in *interp, s str, a args) value { return in.found(in.find("index", s, a, strings.Index)) },
	"rindex":       func(in *interp, s str, a args) value { return in.found(in.find("rindex", s, a, strings.LastIndex)) },
	"count": func(in *interp, s str, a args) value {
		p := in.bind("count", a, param{"sub", required{}})
		return int64(strings.Count(s.s, in.wantStr("count", p[0]).s))
	},
	"join": func(in *interp, s str, a args) value {
		p := in.bind("join", a, param{"iterable", required{}})
		items := in.iterate(p[0])
		for _, item := range items {
			in.wantStr("join", item)
		}
		return in.join(s, items)
	},
	"format": methodFormat,
	"ljust":  func(in *interp, s str, a args) value { return in.justify(s, a, 0, 1) },
	"rjust":  func(in *interp, s str, a args) value { return in.justify(s, a, 1, 0) },
	"center": func(in *interp, s str, a args) value { return in.justify(s, a, 1, 1) },
	"zfill":  methodZFill,

	"isdigit":   func(in *interp, s str, a args) value { return in.all("isdigit", s, a, unicode.IsDigit) },
	"isnumeric": func(in *interp, s str, a args) value { return in.all("isnumeric", s, a, unicode.IsNumber) },
	"isdecimal": func(in *interp, s str, a args) value { return in.all("isdecimal", s, a, unicode.IsDigit) },
	"isalpha":   func(in *interp, s str, a args) value { return in.all("isalpha", s, a, unicode.IsLetter) },
	"isspace":   func(in *interp, s str, a args) value { return in.all("isspace", s, a, isSpace) },
	"isalnum": func(in *interp, s str, a args) value {
		return in.all("isalnum", s, a, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) })
	},
	"islower": func(in *interp, s str, a args) value { in.bind("islower", a); return isLower(s.s) },
	"isupper": func(in *interp, s str, a args) value { in.bind("isupper", a); return isUpper(s.s) },
}

func strList(parts []str) *list {
	l := &list{items: make([]value, len(parts))}
	for i, p := range parts {
		l.items[i] = p
	}
	return l
}

// simple applies a method without arguments.
func (in *interp) simple(name string, s str, a args, f func(str) str) value {
	in.bind(name, a)
	in.text(len(s.s))
	return f(s)
}

func upper(s str) str { return s.mapRuns(cases.Upper(language.Und).String) }
func lower(s str) str { return s.mapRuns(cases.Lower(language.Und).String) }

// first maps the first character with f, the rest with g.
func first(s str, f, g func(str) str) str {
	n := s.runeOffset(1)
	var w builder
	w.add(f(s.slice(0, n)))
	w.add(g(s.slice(n, len(s.s))))
	return w.str()
}

func capitalize(s str) str { return first(s, title, lower) }

// title starts every run of letters with a capital.
func title(s str) str {
	inWord := false
	return s.mapRuns(func(run string) string {
		var b strings.Builder
		for _, r := range run {
			if inWord {
				b.WriteRune(unicode.ToLower(r))
			} else {
				b.WriteString(titleRune(r))
			}
			inWord = unicode.IsLetter(r)
		}
		return b.String()
	})
}

// titleRune is the capital of a letter at the start of a word: of ß, Ss.
func titleRune(r rune) string {
	whole := []rune(cases.Upper(language.Und).String(string(r)))
	if len(whole) == 1 {
		return string(unicode.ToTitle(r))
	}
	return string(whole[0]) + strings.ToLower(string(whole[1:]))
}

func swapcase(s str) str {
	return s.mapRuns(func(run string) string {
		var b strings.Builder
		for _, r := range run {
			if unicode.IsUpper(r) {
				b.WriteRune(unicode.ToLower(r))
			} else {
				b.WriteString(cases.Upper(language.Und).String(string(r)))
			}
		}
		return b.String()
	})
}

func isLower(s string) bool {
	return strings.ContainsFunc(s, unicode.IsLower) && !strings.ContainsFunc(s, unicode.IsUpper)
}

func isUpper(s string) bool {
	return strings.ContainsFunc(s, unicode.IsUpper) && !strings.ContainsFunc(s, unicode.IsLower)
}

func (in *interp) all(name string, s str, a args, is func(rune) bool) value {
	in.bind(name, a)
	return s.s != "" && !strings.ContainsFunc(s.s, func(r rune) bool { return !is(r) })
}

func (in *interp) strip(s str, a args, left, right bool) value {
	p := in.bind("strip", a, param{"chars", nil})
	chars, given := in.wantOptStr("strip", p[0])
	if !given {
		return s.trim(left, right, isSpace)
	}
	return s.trim(left, right, func(r rune) bool { return strings.ContainsRune(chars.s, r) })
}

// methodSplit is split(sep, maxsplit).
func methodSplit(in *interp, s str, a args) value {
	p := in.bind("split", a, param{"sep", nil}, param{"maxsplit", int64(-1)})
	limit := in.wantInt("split", p[1])
	sep, given := in.wantOptStr("split", p[0])
	if !given {
		return strList(in.words(s, limit))
	}
	if sep.s == "" {
		in.fail("split got an empty separator")
	}
	var parts []str
	at := 0
	for limit < 0 || len(parts) < limit {
		i := strings.Index(s.s[at:], sep.s)
		if i < 0 {
			break
		}
		in.spend(4)
		parts = append(parts, s.slice(at, at+i))
		at += i + len(sep.s)
	}
	return strList(append(parts, s.slice(at, len(s.s))))
}

// words splits at white space.
func (in *interp) words(s str, limit int) []str {
	var parts []str
	skip := func(at int, space bool) int {
		n := strings.IndexFunc(s.s[at:], func(r rune) bool { return isSpace(r) != space })
		if n < 0 {
			return len(s.s)
		}
		return at + n
	}
	for at := skip(0, true); at < len(s.s); {
		in.spend(4)
		end := skip(at, false)
		if limit >= 0 && len(parts) == limit {
			end = len(s.s)
		}
		parts = append(parts, s.slice(at, end))
		at = skip(end, true)
	}
	return parts
}

// methodRSplit is rsplit(sep, maxsplit).
func methodRSplit(in *interp, s str, a args) value {
	p := in.bind("rsplit", a, param{"sep", nil}, param{"maxsplit", int64(-1)})
	limit := in.wantInt("rsplit", p[1])
	sep, given := in.wantOptStr("rsplit", p[0])
	if limit < 0 {
		return methodSplit(in, s, args{pos: p})
	}
	if !given || sep.s == "" {
		in.fail("rsplit with a limit wants a separator")
	}
	var parts []str
	end := len(s.s)
	for len(parts) < limit {
		i := strings.LastIndex(s.s[:end], sep.s)
		if i < 0 {
			break
		}
		in.spend(4)
		parts = append(parts, s.slice(i+len(sep.s), end))
		end = i
	}
	parts = append(parts, s.slice(0, end))
	slices.Reverse(parts)
	return strList(parts)
}

// lines splits after line ends.
func (in *interp) lines(s str, keep bool) []str {
	var parts []str
	at := 0
	for i, r := range s.s {
		if i < at || !strings.ContainsRune("\n\r\v\f\x1c\x1d\x1e\u0085\u2028\u2029", r) {
			continue
		}
		end := i + len(string(r))
		if r == '\r' && strings.HasPrefix(s.s[end:], "\n") {
			end++
		}
		cut := i
		if keep {
			cut = end
		}
		in.spend(4)
		parts = append(parts, s.slice(at, cut))
		at = end
	}
	if at < len(s.s) {
		parts = append(parts, s.slice(at, len(s.s)))
	}
	return parts
}

// partition cuts at the first separator, or from the right at the last.
func (in *interp) partition(s str, a args, right bool) value {
	p := in.bind("partition", a, param{"sep", required{}})
	sep := in.wantStr("partition", p[0])
	if sep.s == "" {
		in.fail("partition got an empty separator")
	}
	i := strings.Index(s.s, sep.s)
	if right {
		i = strings.LastIndex(s.s, sep.s)
	}
	parts := []value{s, str{}, str{}}
	switch {
	case i >= 0:
		parts = []value{s.slice(0, i), sep, s.slice(i+len(sep.s), len(s.s))}
	case right:
		parts = []value{str{}, str{}, s}
	}
	return &list{items: parts, tuple: true}
}

// replace puts to in place of from, at most limit times where it is not
// negative.
func (in *interp) replace(s, from, to str, limit int) str {
	var w builder
	at := 0
	for n := 0; limit < 0 || n < limit; n++ {
		i := strings.Index(s.s[at:], from.s)
		if from.s == "" {
			if i = 0; n > 0 {
				_, i = utf8.DecodeRuneInString(s.s[at:])
			}
			if n > 0 && i == 0 {
				break
			}
		}
		if i < 0 {
			break
		}
		in.spend(1)
		in.add(&w, s.slice(at, at+i))
		in.add(&w, to)
		at += i + len(from.s)
	}
	w.add(s.slice(at, len(s.s)))
	return w.str()
}

// affix tests for a prefix or suffix, or one of a tuple of them.
func (in *interp) affix(name string, s str, a args, has func(s, affix string) bool) value {
	p := in.bind(name, a, param{"affix", required{}})
	if l, ok := p[0].(*list); ok && l.tuple {
		for _, item := range l.items {
			if has(s.s, in.wantStr(name, item).s) {
				return true
			}
		}
		return false
	}
	return has(s.s, in.wantStr(name, p[0]).s)
}

func methodRemovePrefix(in *interp, s str, a args) value {
	p := in.bind("removeprefix", a, param{"prefix", required{}})
	if prefix := in.wantStr("removeprefix", p[0]).s; strings.HasPrefix(s.s, prefix) {
		return s.slice(len(prefix), len(s.s))
	}
	return s
}

func methodRemoveSuffix(in *interp, s str, a args) value {
	p := in.bind("removesuffix", a, param{"suffix", required{}})
	if suffix := in.wantStr("removesuffix", p[0]).s; strings.HasSuffix(s.s, suffix) {
		return s.slice(0, len(s.s)-len(suffix))
	}
	return s
}

// find returns the character index of a substring, -1 for none.
func (in *interp) find(name string, s str, a args, find func(s, sub string) int) value {
	p := in.bind(name, a, param{"sub", required{}})
	i := find(s.s, in.wantStr(name, p[0]).s)
	if i < 0 {
		return int64(-1)
	}
	return int64(utf8.RuneCountInString(s.s[:i]))
}

func (in *interp) found(v value) value {
	if v == int64(-1) {
		in.fail("substring not found")
	}
	return v
}

// justify pads with a fill character; left and right say on which sides.
func (in *interp) justify(s str, a args, left, right int) value {
	p := in.bind("justify", a, param{"width", required{}}, param{"fillchar", trusted(" ")})
	width, fill := in.wantInt("justify", p[0]), in.wantStr("justify", p[1])
	if fill.runeLen() != 1 {
		in.fail("the fill character is not one character")
	}
	pad := max(width-s.runeLen(), 0)
	in.text(len(s.s) + pad*len(fill.s))
	before := pad * left
	if left == right {
		before = pad/2 + pad&width&1
	}
	var w builder
	for range before {
		w.add(fill)
	}
	w.add(s)
	for range pad - before {
		w.add(fill)
	}
	return w.str()
}

func methodZFill(in *interp, s str, a args) value {
	p := in.bind("zfill", a, param{"width", required{}})
	sign := s.slice(0, 0)
	if strings.HasPrefix(s.s, "-") || strings.HasPrefix(s.s, "+") {
		sign, s = s.slice(0, 1), s.slice(1, len(s.s))
	}
	pad := max(in.wantInt("zfill", p[0])-s.runeLen()-len(sign.s), 0)
	in.text(len(s.s) + pad)
	var w builder
	w.add(sign)
	w.addString(strings.Repeat("0", pad), false)
	w.add(s)
	return w.str()
}

// join puts sep between the items' texts.
func (in *interp) join(sep str, items []value) str {
	var w builder
	for i, item := range items {
		in.spend(1)
		if i > 0 {
			in.add(&w, sep)
		}
		in.add(&w, in.toStr(item))
	}
	return w.str()
}
