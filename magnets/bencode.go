package magnets

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Bounds of a bencoded document, beside its length.
const (
	maxDepth  = 24      // nesting of lists and dictionaries
	maxValues = 600_000 // values of one document: MaxFiles with long paths stay far below
)

// A value is one bencoded value. raw is where it stands in the input.
type value struct {
	raw  []byte
	kind byte // 'i', 's', 'l', 'd'
	num  int64
	str  []byte
	list []value // of a list; of a dictionary key, value, key, value
}

// parseBencode reads one bencoded value that fills b. It is strict where two
// readers could disagree: integers are canonical, keys of a dictionary are
// strings without a duplicate. Key order is not checked, as old torrents in
// the wild break it.
func parseBencode(b []byte) (value, error) {
	p := &bencodeParser{b: b}
	v, err := p.value(0)
	if err != nil {
		return value{}, err
	}
	if p.pos != len(b) {
		return value{}, p.errorf("%d bytes after the end", len(b)-p.pos)
	}
	return v, nil
}

type bencodeParser struct {
	b      []byte
	pos    int
	values int
}

func (p *bencodeParser) errorf(format string, a ...any) error {
	return &InfoError{Reason: fmt.Sprintf("bencode at byte %d: ", p.pos) + fmt.Sprintf(format, a...)}
}

func (p *bencodeParser) value(depth int) (value, error) {
	if p.values++; p.values > maxValues {
		return value{}, p.errorf("more than %d values", maxValues)
	}
	if depth > maxDepth {
		return value{}, p.errorf("nested deeper than %d", maxDepth)
	}
	if p.pos >= len(p.b) {
		return value{}, p.errorf("ends too early")
	}
	start := p.pos
	var v value
	var err error
	switch c := p.b[p.pos]; {
	case c == 'i':
		v.kind = 'i'
		p.pos++
		v.num, err = p.integer('e')
	case c >= '0' && c <= '9':
		v.kind = 's'
		v.str, err = p.bytes()
	case c == 'l', c == 'd':
		v.kind = c
		p.pos++
		v.list, err = p.items(c == 'd', depth)
	default:
		err = p.errorf("unexpected byte %#02x", c)
	}
	if err != nil {
		return value{}, err
	}
	v.raw = p.b[start:p.pos:p.pos]
	return v, nil
}

// integer reads a canonical decimal number up to the byte end.
func (p *bencodeParser) integer(end byte) (int64, error) {
	n := bytes.IndexByte(p.b[p.pos:min(len(p.b), p.pos+24)], end)
	if n < 0 {
		return 0, p.errorf("number without an end")
	}
	s := string(p.b[p.pos : p.pos+n])
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(v, 10) != s {
		return 0, p.errorf("bad number %q", s)
	}
	p.pos += n + 1
	return v, nil
}

func (p *bencodeParser) bytes() ([]byte, error) {
	n, err := p.integer(':')
	if err != nil {
		return nil, err
	}
	if n > int64(len(p.b)-p.pos) || n > math.MaxInt32 {
		return nil, p.errorf("string of %d bytes, %d are left", n, len(p.b)-p.pos)
	}
	s := p.b[p.pos : p.pos+int(n) : p.pos+int(n)]
	p.pos += int(n)
	return s, nil
}

func (p *bencodeParser) items(dict bool, depth int) ([]value, error) {
	var list []value
	var seen map[string]bool
	for {
		if p.pos < len(p.b) && p.b[p.pos] == 'e' {
			p.pos++
			return list, nil
		}
		if dict {
			key, err := p.value(depth + 1)
			if err != nil {
				return nil, err
			}
			if key.kind != 's' {
				return nil, p.errorf("dictionary key is not a string")
			}
			if seen[string(key.str)] {
				return nil, p.errorf("dictionary key %.40q twice", key.str)
			}
			if seen == nil {
				seen = map[string]bool{}
			}
			seen[string(key.str)] = true
			list = append(list, key)
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
}

// get returns the value of key in a dictionary.
func (v value) get(key string) (value, bool) {
	if v.kind != 'd' {
		return value{}, false
	}
	for i := 0; i < len(v.list); i += 2 {
		if string(v.list[i].str) == key {
			return v.list[i+1], true
		}
	}
	return value{}, false
}

// text returns the string under key, "" where it is absent or no string.
func (v value) text(key string) string {
	s, _ := v.get(key)
	return string(s.str)
}

// integer returns the number under key; ok is false where it is absent or no
// number.
func (v value) integer(key string) (n int64, ok bool) {
	i, ok := v.get(key)
	return i.num, ok && i.kind == 'i'
}

// A dict is a dictionary to be written: appendDict sorts its keys.
type dict map[string]any

// appendBencode appends v, one of string, []byte, int64, []any, dict, or raw.
func appendBencode(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		b = strconv.AppendInt(b, int64(len(v)), 10)
		return append(append(b, ':'), v...)
	case []byte:
		return appendBencode(b, string(v))
	case int64:
		return append(strconv.AppendInt(append(b, 'i'), v, 10), 'e')
	case raw:
		return append(b, v...)
	case []any:
		b = append(b, 'l')
		for _, e := range v {
			b = appendBencode(b, e)
		}
		return append(b, 'e')
	case dict:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		b = append(b, 'd')
		for _, k := range keys {
			b = appendBencode(appendBencode(b, k), v[k])
		}
		return append(b, 'e')
	}
	panic(fmt.Sprintf("magnets: cannot bencode a %T", v))
}

// raw is bencoded already.
type raw []byte
