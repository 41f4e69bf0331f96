package chat

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// A value is what an expression gives: nil (None), bool, int64, *big.Int (only
// carried and printed), float64, str, undefined, *list, *dict, *iterator,
// *namespace, *loop, *macro or *function.
type value any

// undefined is the value of a name that is not there.
type undefined struct{ name string }

// A list is a Python list or tuple; it never changes.
type list struct {
	items []value
	tuple bool
}

// An iterator is what map, select and their like give (a Python generator,
// empty once it has been gone through), or a dict's view.
type iterator struct {
	items []value
	view  string // "dict_items", …; "" for a generator
}

// A dict is a Python dict in the order of insertion. It changes only while it
// is made.
type dict struct {
	entries []entry
	index   map[string]int
}

type entry struct {
	key   value
	value value
}

// A namespace is the one object whose attributes a template may set.
type namespace struct{ attrs dict }

// A function is a global or a bound method.
type function struct {
	name string
	call func(in *interp, a args) value
}

func newDict() *dict { return &dict{index: map[string]int{}} }

// hashKey writes a key so that keys that are equal in Python are equal.
func hashKey(k value) (string, bool) {
	switch k := k.(type) {
	case str:
		return "s" + k.s, true
	case nil:
		return "n", true
	case bool:
		if k {
			return "i1", true
		}
		return "i0", true
	case int64:
		return "i" + strconv.FormatInt(k, 10), true
	case float64:
		if k == math.Trunc(k) && math.Abs(k) < 1<<62 {
			return "i" + strconv.FormatInt(int64(k), 10), true
		}
		return "f" + strconv.FormatFloat(k, 'g', -1, 64), true
	case *big.Int:
		return "i" + k.String(), true
	case *list:
		return tupleKey(k)
	}
	return "", false
}

// tupleKey is hashKey of a tuple of plain values. Tuples of tuples are no keys
// here: shared ones would make keys that double with every level.
func tupleKey(l *list) (string, bool) {
	if !l.tuple {
		return "", false
	}
	var b strings.Builder
	b.WriteString("t")
	for _, item := range l.items {
		h, ok := hashKey(item)
		if _, nested := item.(*list); nested || !ok {
			return "", false
		}
		b.WriteString(strconv.Itoa(len(h)) + ":" + h)
	}
	return b.String(), true
}

// set puts a value under a key; ok is false for a key that Python cannot hash.
func (d *dict) set(key, v value) (ok bool) {
	h, ok := hashKey(key)
	if !ok {
		return false
	}
	if d.index == nil {
		d.index = map[string]int{}
	}
	if i, have := d.index[h]; have {
		d.entries[i].value = v
		return true
	}
	d.index[h] = len(d.entries)
	d.entries = append(d.entries, entry{key, v})
	return true
}

func (d *dict) get(key value) (value, bool) {
	h, ok := hashKey(key)
	if !ok {
		return nil, false
	}
	i, ok := d.index[h]
	if !ok {
		return nil, false
	}
	return d.entries[i].value, true
}

func (d *dict) keys() []value {
	out := make([]value, len(d.entries))
	for i, e := range d.entries {
		out[i] = e.key
	}
	return out
}

func (d *dict) values() []value {
	out := make([]value, len(d.entries))
	for i, e := range d.entries {
		out[i] = e.value
	}
	return out
}

func (d *dict) items() []value {
	out := make([]value, len(d.entries))
	for i, e := range d.entries {
		out[i] = &list{items: []value{e.key, e.value}, tuple: true}
	}
	return out
}

// truth is Python's bool().
func truth(v value) bool {
	switch v := v.(type) {
	case nil, undefined:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case str:
		return v.s != ""
	case *list:
		return len(v.items) > 0
	case *dict:
		return len(v.entries) > 0
	case *iterator:
		return v.view == "" || len(v.items) > 0
	}
	return true
}

// typeName is Python's name of a value's type.
func typeName(v value) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case undefined:
		return "Undefined"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case str:
		return "str"
	case *list:
		if v.tuple {
			return "tuple"
		}
		return "list"
	case *dict:
		return "dict"
	case *iterator:
		if v.view != "" {
			return v.view
		}
		return "generator"
	case *namespace:
		return "Namespace"
	case *macro:
		return "Macro"
	case *loop:
		return "LoopContext"
	}
	return "function"
}

// number returns v as int64 or float64, bools as 0 and 1.
func number(v value) (i int64, f float64, isInt, ok bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return 1, 1, true, true
		}
		return 0, 0, true, true
	case int64:
		return v, float64(v), true, true
	case float64:
		return 0, v, false, true
	}
	return 0, 0, false, false
}

// equal is Python's ==.
func (in *interp) equal(a, b value, depth int) bool {
	in.spend(1)
	if depth > MaxDataDepth {
		in.limit("levels of data", MaxDataDepth)
	}
	if ai, af, aInt, ok := number(a); ok {
		bi, bf, bInt, ok := number(b)
		if aInt && bInt {
			return ok && ai == bi
		}
		return ok && af == bf
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case undefined:
		_, ok := b.(undefined)
		return ok
	case str:
		in.scan(a)
		b, ok := b.(str)
		return ok && a.s == b.s
	case *big.Int:
		b, ok := b.(*big.Int)
		return ok && a.Cmp(b) == 0
	case *list:
		b, ok := b.(*list)
		return ok && a.tuple == b.tuple && in.equalItems(a.items, b.items, depth)
	case *dict:
		b, ok := b.(*dict)
		if !ok || len(a.entries) != len(b.entries) {
			return false
		}
		for _, e := range a.entries {
			v, ok := b.get(e.key)
			if !ok || !in.equal(e.value, v, depth+1) {
				return false
			}
		}
		return true
	}
	return a == b
}

func (in *interp) equalItems(a, b []value, depth int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !in.equal(a[i], b[i], depth+1) {
			return false
		}
	}
	return true
}

// compare orders a and b as Python's < does; ok is false where it refuses.
func (in *interp) compare(a, b value) (c int, ok bool) {
	if ai, af, aInt, isNumber := number(a); isNumber {
		bi, bf, bInt, isNumber := number(b)
		switch {
		case !isNumber:
			return 0, false
		case aInt && bInt:
			return order(ai < bi, ai > bi), true
		}
		return order(af < bf, af > bf), true
	}
	switch a := a.(type) {
	case str:
		in.scan(a)
		b, ok := b.(str)
		return strings.Compare(a.s, b.s), ok
	case *list:
		b, ok := b.(*list)
		if !ok || a.tuple != b.tuple {
			return 0, false
		}
		for i := range min(len(a.items), len(b.items)) {
			if in.equal(a.items[i], b.items[i], 0) {
				continue
			}
			return in.compare(a.items[i], b.items[i])
		}
		return order(len(a.items) < len(b.items), len(a.items) > len(b.items)), true
	}
	return 0, false
}

func order(less, more bool) int {
	switch {
	case less:
		return -1
	case more:
		return 1
	}
	return 0
}
