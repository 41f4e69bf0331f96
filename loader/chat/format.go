package chat

import (
	"fmt"
	"strconv"
	"strings"
)

// format is Python's s % v, with the conversions that templates use: s, r, d,
// i, f, g, e, x, with flags, width and precision.
func (in *interp) format(s str, v value) value {
	items := []value{v}
	if l, ok := v.(*list); ok && l.tuple {
		items = l.items
	}
	var w builder
	used, at := 0, 0
	for {
		i := strings.IndexByte(s.s[at:], '%')
		if i < 0 {
			break
		}
		w.add(s.slice(at, at+i))
		at += i + 1
		start := at
		for at < len(s.s) && strings.IndexByte("-+ #0123456789.", s.s[at]) >= 0 {
			at++
		}
		if at == len(s.s) || at-start > 8 {
			in.fail("a format ends in the middle")
		}
		verb := s.s[at]
		at++
		if verb == '%' {
			w.addString("%", false)
			continue
		}
		if used == len(items) {
			in.fail("a format wants more than %d values", len(items))
		}
		in.add(&w, in.formatOne(s.s[start:at-1], verb, items[used]))
		used++
	}
	if _, isDict := v.(*dict); used < len(items) && !isDict {
		in.fail("a format wants %d values, got %d", used, len(items))
	}
	w.add(s.slice(at, len(s.s)))
	return w.str()
}

// formatOne formats one value; flags are those before the verb.
func (in *interp) formatOne(flags string, verb byte, v value) str {
	var text str
	switch verb {
	case 's':
		text = in.toStr(v)
	case 'r':
		text = in.repr(v, 0)
	case 'd', 'i', 'u', 'x', 'X', 'o':
		i, f, isInt, ok := number(v)
		if !ok {
			in.fail("%%%c wants a number, not %s", verb, typeName(v))
		}
		if !isInt {
			i = int64(f)
		}
		if verb == 'i' || verb == 'u' {
			verb = 'd'
		}
		return trusted(fmt.Sprintf("%"+flags+string(verb), i))
	case 'f', 'F', 'e', 'E', 'g', 'G':
		_, f, _, ok := number(v)
		if !ok {
			in.fail("%%%c wants a number, not %s", verb, typeName(v))
		}
		if !strings.Contains(flags, ".") {
			flags += ".6"
		}
		return trusted(fmt.Sprintf("%"+flags+string(verb), f))
	default:
		in.fail("unknown format %%%c", verb)
	}
	if flags == "" {
		return text
	}
	return text.like(fmt.Sprintf("%"+strings.TrimLeft(flags, "0 +#")+"s", text.s))
}

// methodFormat is str.format with {}, {0} and {name}, without format specs.
func methodFormat(in *interp, s str, a args) value {
	var w builder
	next := 0
	for at := 0; at < len(s.s); {
		i := strings.IndexAny(s.s[at:], "{}")
		if i < 0 {
			w.add(s.slice(at, len(s.s)))
			break
		}
		w.add(s.slice(at, at+i))
		at += i
		if at+1 < len(s.s) && s.s[at] == s.s[at+1] {
			w.add(s.slice(at, at+1))
			at += 2
			continue
		}
		end := strings.IndexByte(s.s[at:], '}')
		if s.s[at] == '}' || end < 0 {
			in.fail("format: a brace stands alone")
		}
		field := s.s[at+1 : at+end]
		if field == "" {
			field = strconv.Itoa(next)
			next++
		}
		v, ok := a.field(field)
		if !ok {
			in.fail("format: no argument for {%s}", field)
		}
		in.add(&w, in.toStr(v))
		at += end + 1
	}
	return w.str()
}

// field finds an argument by position or name.
func (a args) field(name string) (value, bool) {
	if i, err := strconv.Atoi(name); err == nil {
		if i < 0 || i >= len(a.pos) {
			return nil, false
		}
		return a.pos[i], true
	}
	for i, n := range a.names {
		if n == name {
			return a.kw[i], true
		}
	}
	return nil, false
}
