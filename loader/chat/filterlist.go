package chat

import (
	"slices"
	"strconv"
	"strings"
)

func filterFirst(in *interp, v value, a args) value {
	in.bind("first", a)
	if items := in.iterate(v); len(items) > 0 {
		return items[0]
	}
	return undefined{"the first of nothing"}
}

func filterLast(in *interp, v value, a args) value {
	in.bind("last", a)
	if items := in.iterate(v); len(items) > 0 {
		return items[len(items)-1]
	}
	return undefined{"the last of nothing"}
}

func filterList(in *interp, v value, a args) value {
	in.bind("list", a)
	return &list{items: in.iterate(v)}
}

func filterItems(in *interp, v value, a args) value {
	switch v := v.(type) {
	case *dict:
		in.bind("items", a)
		return &iterator{items: v.items()}
	case undefined:
		return &iterator{}
	}
	in.fail("items wants a dict, not %s", typeName(v))
	return nil
}

func filterJoin(in *interp, v value, a args) value {
	p := in.bind("join", a, param{"d", str{}}, param{"attribute", nil})
	items := in.iterate(v)
	if p[1] != nil {
		items = in.attributes(items, p[1])
	}
	return in.join(in.toStr(p[0]), items)
}

func filterReverse(in *interp, v value, a args) value {
	in.bind("reverse", a)
	items := slices.Clone(in.iterate(v))
	in.spend(len(items))
	slices.Reverse(items)
	if _, ok := v.(str); ok {
		return in.join(str{}, items)
	}
	return &iterator{items: items}
}

// attribute follows a dotted path of names and numbers from v.
func (in *interp) attribute(v, path value) value {
	name, ok := path.(str)
	if !ok {
		return in.item(v, path)
	}
	for part := range strings.SplitSeq(name.s, ".") {
		if i, err := strconv.ParseInt(part, 10, 64); err == nil {
			v = in.item(v, i)
		} else {
			v = in.item(v, trusted(part))
		}
	}
	return v
}

func (in *interp) attributes(items []value, path value) []value {
	out := make([]value, len(items))
	for i, item := range items {
		in.spend(1)
		out[i] = in.attribute(item, path)
	}
	return out
}

func filterAttr(in *interp, v value, a args) value {
	p := in.bind("attr", a, param{"name", required{}})
	name := in.toStr(p[0]).s
	if got, ok := in.ownAttr(v, name); ok {
		return got
	}
	return undefined{typeName(v) + "." + name}
}

// filterMap applies a filter by name, or takes an attribute of each item.
func filterMap(in *interp, v value, a args) value {
	if !truth(v) {
		return &iterator{}
	}
	items := in.iterate(v)
	if len(a.pos) == 0 {
		p := in.bind("map", a, param{"attribute", required{}}, param{"default", undefined{}})
		items = in.attributes(items, p[0])
		for i, item := range items {
			if _, missing := item.(undefined); missing && slices.Contains(a.names, "default") {
				items[i] = p[1]
			}
		}
		return &iterator{items: items}
	}
	name := in.wantStr("map", a.pos[0]).s
	a.pos = a.pos[1:]
	out := make([]value, len(items))
	for i, item := range items {
		in.spend(1)
		out[i] = in.filter(name, item, a)
	}
	return &iterator{items: out}
}

func filterSelect(in *interp, v value, a args) value { return in.choose(v, a, true) }
func filterReject(in *interp, v value, a args) value { return in.choose(v, a, false) }

// choose keeps the items for which a test, or their truth, is want.
func (in *interp) choose(v value, a args, want bool) value {
	out := &iterator{}
	if !truth(v) {
		return out
	}
	for _, item := range in.iterate(v) {
		in.spend(1)
		if in.passes(item, a) == want {
			out.items = append(out.items, item)
		}
	}
	return out
}

// passes applies the test that a names first, if any.
func (in *interp) passes(v value, a args) bool {
	if len(a.pos) == 0 {
		return truth(v)
	}
	name := in.wantStr("a test's name", a.pos[0]).s
	a.pos = a.pos[1:]
	return in.test(name, v, a)
}

func filterSelectAttr(in *interp, v value, a args) value { return in.chooseAttr(v, a, true) }
func filterRejectAttr(in *interp, v value, a args) value { return in.chooseAttr(v, a, false) }

func (in *interp) chooseAttr(v value, a args, want bool) value {
	if len(a.pos) == 0 {
		in.fail("selectattr wants an attribute")
	}
	path := a.pos[0]
	a.pos = a.pos[1:]
	out := &iterator{}
	if !truth(v) {
		return out
	}
	for _, item := range in.iterate(v) {
		in.spend(1)
		if in.passes(in.attribute(item, path), a) == want {
			out.items = append(out.items, item)
		}
	}
	return out
}

// sortKey is what sorting looks at: strings without case unless asked.
func (in *interp) sortKey(v value, caseSensitive bool) value {
	if s, ok := v.(str); ok && !caseSensitive {
		in.text(len(s.s))
		return trusted(strings.ToLower(s.s))
	}
	return v
}

// sorted sorts items by key, stably.
func (in *interp) sorted(items []value, key func(value) value, reverse bool) []value {
	type pair struct{ key, item value }
	pairs := make([]pair, len(items))
	for i, item := range items {
		pairs[i] = pair{key(item), item}
	}
	slices.SortStableFunc(pairs, func(x, y pair) int {
		in.spend(1)
		c, ok := in.compare(x.key, y.key)
		if !ok {
			in.fail("%s and %s cannot be sorted", typeName(x.key), typeName(y.key))
		}
		if reverse {
			return -c
		}
		return c
	})
	out := make([]value, len(items))
	for i, p := range pairs {
		out[i] = p.item
	}
	return out
}

func filterSort(in *interp, v value, a args) value {
	p := in.bind("sort", a, param{"reverse", false}, param{"case_sensitive", false}, param{"attribute", nil})
	paths := []value{p[2]}
	if names, ok := p[2].(str); ok {
		paths = nil
		for name := range strings.SplitSeq(names.s, ",") {
			paths = append(paths, trusted(name))
		}
	}
	key := func(item value) value {
		keys := &list{}
		for _, path := range paths {
			keys.items = append(keys.items, in.itemKey(path, truth(p[1]))(item))
		}
		return keys
	}
	return &list{items: in.sorted(in.iterate(v), key, truth(p[0]))}
}

// itemKey returns what reads the sort key of an item.
func (in *interp) itemKey(path value, caseSensitive bool) func(value) value {
	return func(item value) value {
		if path != nil {
			item = in.attribute(item, path)
		}
		return in.sortKey(item, caseSensitive)
	}
}

func filterDictSort(in *interp, v value, a args) value {
	p := in.bind("dictsort", a, param{"case_sensitive", false}, param{"by", trusted("key")}, param{"reverse", false})
	d, ok := v.(*dict)
	if !ok {
		in.fail("dictsort wants a dict, not %s", typeName(v))
	}
	at := map[string]int64{"key": 0, "value": 1}[in.wantStr("dictsort", p[1]).s]
	return &list{items: in.sorted(d.items(), in.itemKey(at, truth(p[0])), truth(p[2]))}
}

func filterUnique(in *interp, v value, a args) value {
	p := in.bind("unique", a, param{"case_sensitive", false}, param{"attribute", nil})
	key := in.itemKey(p[1], truth(p[0]))
	seen := map[string]bool{}
	out := &iterator{}
	for _, item := range in.iterate(v) {
		in.spend(1)
		h, ok := hashKey(key(item))
		if !ok {
			in.fail("unique: a %s cannot be a key", typeName(item))
		}
		if !seen[h] {
			seen[h] = true
			out.items = append(out.items, item)
		}
	}
	return out
}

func filterGroupBy(in *interp, v value, a args) value {
	p := in.bind("groupby", a, param{"attribute", required{}}, param{"default", undefined{}}, param{"case_sensitive", false})
	key := in.itemKey(p[0], truth(p[2]))
	out := &list{}
	var last value
	for i, item := range in.sorted(in.iterate(v), key, false) {
		k := key(item)
		if i == 0 || !in.equal(k, last, 0) {
			group := in.attribute(item, p[0])
			out.items = append(out.items, &list{items: []value{group, &list{}}, tuple: true})
			last = k
		}
		pair, _ := out.items[len(out.items)-1].(*list)
		group, _ := pair.items[1].(*list)
		group.items = append(group.items, item)
	}
	return out
}

func filterSum(in *interp, v value, a args) value {
	p := in.bind("sum", a, param{"attribute", nil}, param{"start", int64(0)})
	items := in.iterate(v)
	if p[0] != nil {
		items = in.attributes(items, p[0])
	}
	sum := p[1]
	for _, item := range items {
		in.spend(1)
		sum = in.arithmetic("+", sum, item)
	}
	return sum
}

func filterMin(in *interp, v value, a args) value { return in.extreme("min", v, a, -1) }
func filterMax(in *interp, v value, a args) value { return in.extreme("max", v, a, 1) }

// extreme returns the first item whose key compares as sign to all others.
func (in *interp) extreme(name string, v value, a args, sign int) value {
	p := in.bind(name, a, param{"case_sensitive", false}, param{"attribute", nil})
	key := in.itemKey(p[1], truth(p[0]))
	items := in.iterate(v)
	if len(items) == 0 {
		return undefined{"the " + name + " of nothing"}
	}
	best := items[0]
	for _, item := range items[1:] {
		in.spend(1)
		c, ok := in.compare(key(item), key(best))
		if !ok {
			in.fail("%s and %s cannot be compared", typeName(item), typeName(best))
		}
		if c == sign {
			best = item
		}
	}
	return best
}

// filterBatch is batch(v, linecount, fill_with).
func filterBatch(in *interp, v value, a args) value {
	p := in.bind("batch", a, param{"linecount", required{}}, param{"fill_with", nil})
	n := in.wantInt("batch", p[0])
	if n < 1 {
		in.fail("batch: got %d items a batch, want at least 1", n)
	}
	out := &iterator{}
	for part := range slices.Chunk(in.iterate(v), n) {
		in.spend(1)
		batch := slices.Clone(part)
		for p[1] != nil && len(batch) < n {
			in.spend(1)
			batch = append(batch, p[1])
		}
		out.items = append(out.items, &list{items: batch})
	}
	return out
}

// filterSlice is slice(v, slices, fill_with).
func filterSlice(in *interp, v value, a args) value {
	p := in.bind("slice", a, param{"slices", required{}}, param{"fill_with", nil})
	n := in.wantInt("slice", p[0])
	if n < 1 || n > MaxRange {
		in.fail("slice: got %d slices, want 1 to %d", n, MaxRange)
	}
	in.spend(n)
	items := in.iterate(v)
	size, longer := len(items)/n, len(items)%n
	out := &iterator{}
	for i := range n {
		k := size
		if i < longer {
			k++
		}
		part := slices.Clone(items[:k])
		items = items[k:]
		if p[1] != nil && longer > 0 && i >= longer {
			part = append(part, p[1])
		}
		out.items = append(out.items, &list{items: part})
	}
	return out
}
