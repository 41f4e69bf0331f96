package chat

// attr is x.name: an attribute of the object, else the item under that name.
func (in *interp) attr(x value, name string) value {
	in.defined(x)
	if v, ok := in.ownAttr(x, name); ok {
		return v
	}
	if d, ok := x.(*dict); ok {
		if v, ok := d.get(trusted(name)); ok {
			return v
		}
	}
	return undefined{typeName(x) + "." + name}
}

// ownAttr finds an attribute that is not an item.
func (in *interp) ownAttr(x value, name string) (value, bool) {
	switch x := x.(type) {
	case str:
		if m, ok := strMethods[name]; ok {
			return &function{name, func(in *interp, a args) value {
				in.scan(x)
				return m(in, x, a)
			}}, true
		}
	case *list:
		if m, ok := listMethods[name]; ok {
			return &function{name, func(in *interp, a args) value { return m(in, x, a) }}, true
		}
	case *dict:
		if m, ok := dictMethods[name]; ok {
			return &function{name, func(in *interp, a args) value { return m(in, x, a) }}, true
		}
	case *namespace:
		return x.attrs.get(trusted(name))
	case *loop:
		return x.attr(name)
	case *macro:
		if name == "name" {
			return trusted(x.def.name), true
		}
	}
	return nil, false
}

// item is x[key]: the item, else the attribute of that name.
func (in *interp) item(x, key value) value {
	in.defined(x)
	in.scan(x)
	in.scan(key)
	switch x := x.(type) {
	case *dict:
		if v, ok := x.get(key); ok {
			return v
		}
	case *list:
		if i, ok := index(key, len(x.items)); ok {
			return x.items[i]
		}
	case str:
		if i, ok := index(key, x.runeLen()); ok {
			return x.slice(x.runeOffset(i), x.runeOffset(i+1))
		}
	}
	if name, ok := key.(str); ok {
		if v, ok := in.ownAttr(x, name.s); ok {
			return v
		}
	}
	return undefined{typeName(x) + "[" + in.repr(key, 0).s + "]"}
}

// index turns a key into an index below n; negative ones count from the end.
func index(key value, n int) (int, bool) {
	i, _, isInt, ok := number(key)
	if !ok || !isInt {
		return 0, false
	}
	if i < 0 {
		i += int64(n)
	}
	return int(i), i >= 0 && i < int64(n)
}

// slice is v[start:stop:step].
func (in *interp) slice(v value, s *sliceExpr, sc *scope) value {
	in.defined(v)
	in.scan(v)
	var bounds [3]*int64
	for i, x := range []expr{s.start, s.stop, s.step} {
		if x == nil {
			continue
		}
		switch n := in.eval(x, sc).(type) {
		case nil:
		case int64:
			bounds[i] = &n
		default:
			in.fail("a slice wants numbers, not %s", typeName(n))
		}
	}
	switch v := v.(type) {
	case *list:
		out := &list{tuple: v.tuple}
		for _, i := range in.sliceIndexes(bounds, len(v.items)) {
			out.items = append(out.items, v.items[i])
		}
		return out
	case str:
		return in.sliceStr(v, bounds)
	}
	return undefined{"a slice of a " + typeName(v)}
}

func (in *interp) sliceStr(v str, bounds [3]*int64) str {
	n := v.runeLen()
	if bounds[2] == nil || *bounds[2] == 1 {
		start, stop := clamp(bounds[0], 0, n), clamp(bounds[1], n, n)
		return v.slice(v.runeOffset(start), v.runeOffset(max(start, stop)))
	}
	chars := in.iterate(v)
	var w builder
	for _, i := range in.sliceIndexes(bounds, n) {
		if c, ok := chars[i].(str); ok {
			w.add(c)
		}
	}
	return w.str()
}

// clamp resolves one bound of a slice that goes forward.
func clamp(bound *int64, absent, n int) int {
	if bound == nil {
		return absent
	}
	i := *bound
	if i < 0 {
		i += int64(n)
	}
	return int(min(max(i, 0), int64(n)))
}

// sliceIndexes lists the indexes that a slice of n items takes.
func (in *interp) sliceIndexes(bounds [3]*int64, n int) []int {
	step := int64(1)
	if bounds[2] != nil {
		step = *bounds[2]
	}
	var out []int
	switch {
	case step == 0:
		in.fail("a slice has step 0")
	case step > 0:
		stop := int64(clamp(bounds[1], n, n))
		for i := int64(clamp(bounds[0], 0, n)); i < stop; i += min(step, int64(n)) {
			out = append(out, int(i))
		}
	default:
		first, last := int64(n-1), int64(-1)
		if bounds[0] != nil {
			first = min(backward(*bounds[0], n), int64(n-1))
		}
		if bounds[1] != nil {
			last = backward(*bounds[1], n)
		}
		for i := first; i > last; i += max(step, -int64(n)) {
			out = append(out, int(i))
		}
	}
	in.spend(len(out))
	return out
}

// backward resolves one bound of a slice that goes back.
func backward(i int64, n int) int64 {
	if i < 0 {
		i += int64(n)
	}
	return max(i, -1)
}
