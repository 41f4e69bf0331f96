package chat

import "math/big"

func (x *constExpr) eval(*interp, *scope) value { return x.v }

func (x *nameExpr) eval(in *interp, sc *scope) value { return in.lookup(sc, x.name) }

func (x *listExpr) eval(in *interp, sc *scope) value {
	l := &list{items: make([]value, len(x.items)), tuple: x.tuple}
	for i, item := range x.items {
		l.items[i] = in.eval(item, sc)
	}
	return l
}

func (x *dictExpr) eval(in *interp, sc *scope) value {
	d := newDict()
	for i, key := range x.keys {
		k := in.eval(key, sc)
		if !d.set(k, in.eval(x.values[i], sc)) {
			in.fail("a %s cannot be a key", typeName(k))
		}
	}
	return d
}

func (x *unaryExpr) eval(in *interp, sc *scope) value {
	v := in.eval(x.x, sc)
	if x.op == "not" {
		return !truth(v)
	}
	if n, ok := v.(*big.Int); ok && x.op == "-" {
		return new(big.Int).Neg(n)
	}
	i, f, isInt, ok := number(v)
	switch {
	case !ok:
		in.fail("a %s has no sign", typeName(v))
	case isInt && x.op == "-":
		return in.bigOp("-", 0, i)
	case isInt:
		return i
	case x.op == "-":
		return -f
	}
	return f
}

func (x *binaryExpr) eval(in *interp, sc *scope) value {
	left := in.eval(x.left, sc)
	switch x.op {
	case "and":
		if !truth(left) {
			return left
		}
		return in.eval(x.right, sc)
	case "or":
		if truth(left) {
			return left
		}
		return in.eval(x.right, sc)
	}
	return in.arithmetic(x.op, left, in.eval(x.right, sc))
}

func (x *compareExpr) eval(in *interp, sc *scope) value {
	left := in.eval(x.left, sc)
	for i, op := range x.ops {
		right := in.eval(x.rights[i], sc)
		if !in.holds(op, left, right) {
			return false
		}
		left = right
	}
	return true
}

// holds computes one comparison.
func (in *interp) holds(op string, a, b value) bool {
	switch op {
	case "==":
		return in.equal(a, b, 0)
	case "!=":
		return !in.equal(a, b, 0)
	case "in":
		return in.contains(b, a)
	case "not in":
		return !in.contains(b, a)
	}
	in.defined(a)
	in.defined(b)
	c, ok := in.compare(a, b)
	if !ok {
		in.fail("%q is not defined between %s and %s", op, typeName(a), typeName(b))
	}
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

func (x *concatExpr) eval(in *interp, sc *scope) value {
	var w builder
	for _, part := range x.parts {
		in.add(&w, in.toStr(in.eval(part, sc)))
	}
	return w.str()
}

func (x *condExpr) eval(in *interp, sc *scope) value {
	if truth(in.eval(x.test, sc)) {
		return in.eval(x.yes, sc)
	}
	if x.no == nil {
		return undefined{"the missing else"}
	}
	return in.eval(x.no, sc)
}

func (x *attrExpr) eval(in *interp, sc *scope) value {
	return in.attr(in.eval(x.x, sc), x.name)
}

func (x *itemExpr) eval(in *interp, sc *scope) value {
	v := in.eval(x.x, sc)
	if s, ok := x.key.(*sliceExpr); ok {
		return in.slice(v, s, sc)
	}
	return in.item(v, in.eval(x.key, sc))
}

func (x *sliceExpr) eval(in *interp, _ *scope) value {
	in.fail("a slice stands alone between its brackets")
	return nil
}

func (x *callExpr) eval(in *interp, sc *scope) value {
	fn := in.eval(x.fn, sc)
	return in.call(fn, in.args(x.args, sc))
}

func (x *filterExpr) eval(in *interp, sc *scope) value {
	var v value
	if x.x == nil {
		v = in.lookup(sc, blockText)
	} else {
		v = in.eval(x.x, sc)
	}
	return in.filter(x.name, v, in.args(x.args, sc))
}

func (x *testExpr) eval(in *interp, sc *scope) value {
	return in.test(x.name, in.eval(x.x, sc), in.args(x.args, sc))
}

// filter applies a filter by name.
func (in *interp) filter(name string, v value, a args) value {
	f, ok := filters[name]
	if name == "json_value" && in.own {
		f, ok = filterJSONValue, true
	}
	if !ok {
		in.fail("no filter named %q", name)
	}
	in.scan(v)
	return f(in, v, a)
}

// test applies a test by name.
func (in *interp) test(name string, v value, a args) bool {
	f, ok := tests[name]
	if !ok {
		in.fail("no test named %q", name)
	}
	in.scan(v)
	return f(in, v, a)
}

// defined fails for an undefined value.
func (in *interp) defined(v value) {
	if u, ok := v.(undefined); ok {
		in.fail("%s is undefined", u.name)
	}
}
