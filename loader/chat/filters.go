package chat

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// A filterFunc computes v | filter(a).
type filterFunc func(in *interp, v value, a args) value

// filters are Jinja's, as far as chat templates can use them. They are set in
// init because map, select and others apply filters by name.
var filters map[string]filterFunc

func init() {
	filters = map[string]filterFunc{
		"abs": filterAbs, "attr": filterAttr, "batch": filterBatch, "capitalize": textFilter("capitalize", capitalize),
		"center": filterCenter, "count": filterLength, "d": filterDefault, "default": filterDefault,
		"dictsort": filterDictSort, "e": filterEscape, "escape": filterEscape, "first": filterFirst,
		"float": filterFloat, "format": filterFormat, "groupby": filterGroupBy, "indent": filterIndent,
		"int": filterInt, "items": filterItems, "join": filterJoin, "last": filterLast, "length": filterLength,
		"list": filterList, "lower": textFilter("lower", lower), "map": filterMap, "max": filterMax, "min": filterMin,
		"reject": filterReject, "rejectattr": filterRejectAttr, "replace": filterReplace, "reverse": filterReverse,
		"round": filterRound, "safe": filterSafe, "select": filterSelect, "selectattr": filterSelectAttr,
		"slice": filterSlice, "sort": filterSort, "string": filterString, "sum": filterSum,
		"title": textFilter("title", titleFilter), "tojson": filterToJSON, "trim": filterTrim,
		"truncate": filterTruncate, "unique": filterUnique, "upper": textFilter("upper", upper),
		"wordcount": filterWordCount,
	}
}

// textFilter makes a filter of a function on strings.
func textFilter(name string, f func(str) str) filterFunc {
	return func(in *interp, v value, a args) value { return in.simple(name, in.toStr(v), a, f) }
}

// wordStart splits where Jinja's title filter starts words.
var wordStart = regexp.MustCompile(`[-\s({\[<]+`)

// titleFilter is Jinja's title, which starts words after spaces and brackets,
// not after every sign as str.title does.
func titleFilter(s str) str {
	var w builder
	at := 0
	word := func(end int) { w.add(first(s.slice(at, end), upper, lower)) }
	for _, sep := range wordStart.FindAllStringIndex(s.s, -1) {
		word(sep[0])
		w.add(s.slice(sep[0], sep[1]))
		at = sep[1]
	}
	word(len(s.s))
	return w.str()
}

func filterDefault(in *interp, v value, a args) value {
	p := in.bind("default", a, param{"default_value", str{}}, param{"boolean", false})
	if _, missing := v.(undefined); missing || truth(p[1]) && !truth(v) {
		return p[0]
	}
	return v
}

func filterString(in *interp, v value, a args) value {
	in.bind("string", a)
	return in.toStr(v)
}

func filterLength(in *interp, v value, a args) value {
	in.bind("length", a)
	switch v := v.(type) {
	case str:
		return int64(v.runeLen())
	case *list:
		return int64(len(v.items))
	case *dict:
		return int64(len(v.entries))
	case *iterator:
		if v.view != "" {
			return int64(len(v.items))
		}
	case undefined:
		return int64(0)
	}
	in.fail("a %s has no length", typeName(v))
	return nil
}

func filterTrim(in *interp, v value, a args) value {
	p := in.bind("trim", a, param{"chars", nil})
	return in.strip(in.toStr(v), args{pos: p}, true, true)
}

func filterReplace(in *interp, v value, a args) value {
	p := in.bind("replace", a, param{"old", required{}}, param{"new", required{}}, param{"count", nil})
	limit := -1
	if p[2] != nil {
		limit = in.wantInt("replace", p[2])
	}
	return in.replace(in.toStr(v), in.toStr(p[0]), in.toStr(p[1]), limit)
}

func filterFormat(in *interp, v value, a args) value {
	return in.format(in.toStr(v), &list{items: a.pos, tuple: true})
}

func filterCenter(in *interp, v value, a args) value {
	p := in.bind("center", a, param{"width", int64(80)})
	return in.justify(in.toStr(v), args{pos: p}, 1, 1)
}

// htmlEscapes are those of Jinja's escape.
var htmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;")

func filterEscape(in *interp, v value, a args) value {
	in.bind("escape", a)
	s := in.toStr(v)
	if s.safe {
		return s
	}
	in.text(6 * len(s.s))
	return escape(s)
}

func escape(s str) str {
	s = s.mapRuns(htmlEscapes.Replace)
	s.safe = true
	return s
}

func filterSafe(in *interp, v value, a args) value {
	in.bind("safe", a)
	s := in.toStr(v)
	s.safe = true
	return s
}

// filterIndent is indent(s, width, first, blank).
func filterIndent(in *interp, v value, a args) value {
	p := in.bind("indent", a, param{"width", int64(4)}, param{"first", false}, param{"blank", false})
	margin, ok := p[0].(str)
	if !ok {
		n := max(in.wantInt("indent", p[0]), 0)
		in.text(n)
		margin = trusted(strings.Repeat(" ", n))
	}
	s := in.toStr(v)
	var w builder
	w.add(s)
	w.addString("\n", false) // Jinja adds one, so that a last empty line is a line
	lines := in.lines(w.str(), false)
	in.text(len(s.s) + len(lines)*(len(margin.s)+1))
	w = builder{}
	for i, line := range lines {
		if i > 0 {
			w.addString("\n", false)
		}
		if i == 0 && truth(p[1]) || i > 0 && (line.s != "" || truth(p[2])) {
			w.add(margin)
		}
		w.add(line)
	}
	return w.str()
}

// filterTruncate is truncate(s, length, killwords, end, leeway).
func filterTruncate(in *interp, v value, a args) value {
	p := in.bind("truncate", a, param{"length", int64(255)}, param{"killwords", false}, param{"end", trusted("...")}, param{"leeway", int64(5)})
	s, end := in.toStr(v), in.wantStr("truncate", p[2])
	length, leeway := in.wantInt("truncate", p[0]), in.wantInt("truncate", p[3])
	if length < end.runeLen() {
		in.fail("truncate: got length %d, want at least %d", length, end.runeLen())
	}
	if s.runeLen() <= length+leeway {
		return s
	}
	cut := s.slice(0, s.runeOffset(length-end.runeLen()))
	if i := strings.LastIndexByte(cut.s, ' '); i >= 0 && !truth(p[1]) {
		cut = cut.slice(0, i)
	}
	return in.concat(cut, end)
}

func filterWordCount(in *interp, v value, a args) value {
	in.bind("wordcount", a)
	s := in.toStr(v)
	return int64(len(wordRuns.FindAllStringIndex(s.s, -1)))
}

var wordRuns = regexp.MustCompile(`[\pL\pN_]+`)

func filterInt(in *interp, v value, a args) value {
	p := in.bind("int", a, param{"default", int64(0)}, param{"base", int64(10)})
	in.defined(v)
	if s, ok := v.(str); ok {
		text := strings.ReplaceAll(strings.TrimFunc(s.s, isSpace), "_", "")
		if i, err := strconv.ParseInt(text, in.wantInt("int", p[1]), 64); err == nil {
			return i
		}
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return p[0]
		}
		v = f
	}
	i, f, isInt, ok := number(v)
	switch {
	case ok && isInt:
		return i
	case ok && !math.IsNaN(f) && math.Abs(f) < 1<<62:
		return int64(f)
	}
	return p[0]
}

func filterFloat(in *interp, v value, a args) value {
	p := in.bind("float", a, param{"default", 0.0})
	in.defined(v)
	if s, ok := v.(str); ok {
		f, err := strconv.ParseFloat(strings.TrimFunc(s.s, isSpace), 64)
		if err != nil {
			return p[0]
		}
		return f
	}
	if _, f, _, ok := number(v); ok {
		return f
	}
	return p[0]
}

func filterAbs(in *interp, v value, a args) value {
	in.bind("abs", a)
	i, f, isInt, ok := number(v)
	switch {
	case !ok:
		in.fail("abs wants a number, not %s", typeName(v))
	case !isInt:
		return math.Abs(f)
	case i < 0:
		return in.bigOp("-", 0, i)
	}
	return i
}

// filterRound is round(v, precision, method).
func filterRound(in *interp, v value, a args) value {
	p := in.bind("round", a, param{"precision", int64(0)}, param{"method", trusted("common")})
	_, f, isInt, ok := number(v)
	if !ok {
		in.fail("round wants a number, not %s", typeName(v))
	}
	digits := in.wantInt("round", p[0])
	scale := math.Pow(10, float64(digits))
	switch in.wantStr("round", p[1]).s {
	case "ceil":
		return math.Ceil(f*scale) / scale
	case "floor":
		return math.Floor(f*scale) / scale
	case "common":
		if isInt && digits >= 0 {
			return v
		}
		if digits < 0 || digits > 300 {
			return math.RoundToEven(f*scale) / scale
		}
		rounded, err := strconv.ParseFloat(strconv.FormatFloat(f, 'f', digits, 64), 64)
		if err != nil {
			return f
		}
		return rounded
	}
	in.fail("round knows the methods common, ceil and floor")
	return nil
}
