package chat

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

// toStr is Python's str().
func (in *interp) toStr(v value) str {
	switch v := v.(type) {
	case str:
		return v
	case undefined:
		return str{}
	}
	return in.repr(v, 0)
}

// repr is Python's repr().
func (in *interp) repr(v value, depth int) str {
	var w builder
	in.writeRepr(&w, v, depth)
	return w.str()
}

func (in *interp) writeRepr(w *builder, v value, depth int) {
	if depth > MaxDataDepth {
		in.limit("levels of data", MaxDataDepth)
	}
	in.spend(1)
	if w.len() > MaxOutputBytes {
		in.limit("bytes of text", MaxOutputBytes)
	}
	switch v := v.(type) {
	case nil:
		w.addString("None", false)
	case undefined:
		w.addString("Undefined", false)
	case bool:
		w.addString(map[bool]string{true: "True", false: "False"}[v], false)
	case int64:
		w.addString(strconv.FormatInt(v, 10), false)
	case *big.Int:
		w.addString(v.String(), false)
	case float64:
		w.addString(floatRepr(v), false)
	case str:
		writeStrRepr(w, v)
	case *list:
		in.reprItems(w, v, depth)
	case *dict:
		w.addString("{", false)
		for i, e := range v.entries {
			if i > 0 {
				w.addString(", ", false)
			}
			in.writeRepr(w, e.key, depth+1)
			w.addString(": ", false)
			in.writeRepr(w, e.value, depth+1)
		}
		w.addString("}", false)
	case *iterator:
		if v.view == "" {
			w.addString("<generator>", false)
			return
		}
		w.addString(v.view+"(", false)
		in.reprItems(w, &list{items: v.items}, depth)
		w.addString(")", false)
	case *namespace:
		w.addString("<Namespace ", false)
		in.writeRepr(w, &v.attrs, depth+1)
		w.addString(">", false)
	case *macro:
		w.addString(fmt.Sprintf("<Macro '%s'>", v.def.name), false)
	default:
		w.addString("<"+typeName(v)+">", false)
	}
}

func (in *interp) reprItems(w *builder, l *list, depth int) {
	open, closing := "[", "]"
	if l.tuple {
		open, closing = "(", ")"
	}
	w.addString(open, false)
	for i, item := range l.items {
		if i > 0 {
			w.addString(", ", false)
		}
		in.writeRepr(w, item, depth+1)
	}
	if l.tuple && len(l.items) == 1 {
		w.addString(",", false)
	}
	w.addString(closing, false)
}

// floatRepr writes a float as Python does: the shortest digits that read back,
// an exponent from 1e16 on and below 1e-4.
func floatRepr(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// writeStrRepr quotes a string as Python does, each run with its mark.
func writeStrRepr(w *builder, s str) {
	quote := "'"
	if strings.Contains(s.s, "'") && !strings.Contains(s.s, `"`) {
		quote = `"`
	}
	w.addString(quote, false)
	s.runs(func(run string, user bool) {
		var b strings.Builder
		for _, r := range run {
			switch {
			case r == '\\' || string(r) == quote:
				b.WriteString("\\" + string(r))
			case r == '\n':
				b.WriteString(`\n`)
			case r == '\r':
				b.WriteString(`\r`)
			case r == '\t':
				b.WriteString(`\t`)
			case r == ' ' || unicode.IsGraphic(r) && !unicode.Is(unicode.Zs, r):
				b.WriteRune(r)
			case r < 0x100:
				fmt.Fprintf(&b, `\x%02x`, r)
			case r < 0x10000:
				fmt.Fprintf(&b, `\u%04x`, r)
			default:
				fmt.Fprintf(&b, `\U%08x`, r)
			}
		}
		w.addString(b.String(), user)
	})
	w.addString(quote, false)
}
