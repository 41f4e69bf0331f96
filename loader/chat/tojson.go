package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A jsonWriter writes values as Python's json.dumps does.
type jsonWriter struct {
	in           *interp
	w            builder
	indent       str
	pretty       bool
	item, key    str // separators
	ascii, sorts bool
}

// filterToJSON is tojson(value, ensure_ascii, indent, separators, sort_keys).
func filterToJSON(in *interp, v value, a args) value {
	p := in.bind("tojson", a, param{"ensure_ascii", false}, param{"indent", nil}, param{"separators", nil}, param{"sort_keys", false})
	j := &jsonWriter{in: in, item: trusted(", "), key: trusted(": "), ascii: truth(p[0]), sorts: truth(p[3])}
	switch indent := p[1].(type) {
	case nil:
	case str:
		j.pretty, j.indent = true, indent
	default:
		j.pretty = true
		n := max(in.wantInt("tojson's indent", indent), 0)
		in.text(n)
		j.indent = trusted(strings.Repeat(" ", n))
	}
	if j.pretty {
		j.item = trusted(",")
	}
	if p[2] != nil {
		pair := in.iterate(p[2])
		if len(pair) != 2 {
			in.fail("tojson's separators are two strings")
		}
		j.item, j.key = in.wantStr("tojson's separators", pair[0]), in.wantStr("tojson's separators", pair[1])
	}
	j.value(v, 0)
	return j.w.str()
}

// filterJSONValue writes the JSON value that a string holds, and a string that
// holds none as a JSON string.
func filterJSONValue(in *interp, v value, a args) value {
	s := in.wantStr("json_value's input", v)
	d := json.NewDecoder(strings.NewReader(s.s))
	d.UseNumber()
	held, err := decodeValue(d, 0)
	if _, more := d.Token(); err == nil && errors.Is(more, io.EOF) {
		v = held
	}
	return filterToJSON(in, v, a)
}

func (j *jsonWriter) value(v value, depth int) {
	if depth > MaxDataDepth {
		j.in.limit("levels of data", MaxDataDepth)
	}
	j.in.spend(1)
	if j.w.len() > MaxOutputBytes {
		j.in.limit("bytes of text", MaxOutputBytes)
	}
	switch v := v.(type) {
	case nil:
		j.w.addString("null", false)
	case bool:
		j.w.addString(strconv.FormatBool(v), false)
	case int64:
		j.w.addString(strconv.FormatInt(v, 10), false)
	case *big.Int:
		j.w.addString(v.String(), false)
	case float64:
		j.w.addString(jsonFloat(v), false)
	case str:
		j.str(v)
	case *list:
		j.items("[", "]", len(v.items), depth, func(i int) { j.value(v.items[i], depth+1) })
	case *dict:
		entries := v.entries
		if j.sorts {
			entries = slices.Clone(entries)
			slices.SortStableFunc(entries, func(a, b entry) int {
				c, _ := j.in.compare(a.key, b.key)
				return c
			})
		}
		j.items("{", "}", len(entries), depth, func(i int) {
			j.objectKey(entries[i].key)
			j.w.add(j.key)
			j.value(entries[i].value, depth+1)
		})
	default:
		j.in.fail("a %s cannot be written as JSON", typeName(v))
	}
}

// items writes n items between brackets.
func (j *jsonWriter) items(open, closing string, n, depth int, write func(i int)) {
	j.w.addString(open, false)
	for i := range n {
		if i > 0 {
			j.w.add(j.item)
		}
		j.newline(depth + 1)
		write(i)
	}
	if n > 0 {
		j.newline(depth)
	}
	j.w.addString(closing, false)
}

func (j *jsonWriter) newline(depth int) {
	if !j.pretty {
		return
	}
	j.in.text(len(j.indent.s) * depth)
	j.w.addString("\n", false)
	for range depth {
		j.w.add(j.indent)
	}
}

func (j *jsonWriter) objectKey(k value) {
	switch k := k.(type) {
	case str:
		j.str(k)
	case nil:
		j.w.addString(`"null"`, false)
	case bool:
		j.w.addString(`"`+strconv.FormatBool(k)+`"`, false)
	case int64:
		j.w.addString(`"`+strconv.FormatInt(k, 10)+`"`, false)
	case float64:
		j.w.addString(`"`+jsonFloat(k)+`"`, false)
	default:
		j.in.fail("a %s cannot be a key in JSON", typeName(k))
	}
}

func jsonFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case math.IsNaN(f):
		return "NaN"
	}
	return floatRepr(f)
}

// str writes a string, each run with its mark.
func (j *jsonWriter) str(s str) {
	j.in.text(len(s.s))
	j.w.addString(`"`, false)
	s.runs(func(run string, user bool) { j.w.addString(j.escape(run), user) })
	j.w.addString(`"`, false)
}

var jsonEscapes = map[rune]string{
	'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`,
}

func (j *jsonWriter) escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		plain, known := jsonEscapes[r]
		switch {
		case known:
			b.WriteString(plain)
		case r < 0x20 || j.ascii && r >= 0x7F && r < 0x10000:
			if r == 0x7F {
				b.WriteRune(r)
				continue
			}
			fmt.Fprintf(&b, `\u%04x`, r)
		case j.ascii && r >= utf8.RuneSelf:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xD800+r>>10, 0xDC00+r&0x3FF)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
