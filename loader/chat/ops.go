package chat

import (
	"math"
	"math/big"
	"strings"
	"unicode/utf8"
)

// arithmetic computes a op b.
func (in *interp) arithmetic(op string, a, b value) value {
	in.defined(a)
	if s, ok := a.(str); ok && op == "%" {
		return in.format(s, b)
	}
	in.defined(b)
	ai, af, aInt, ok1 := number(a)
	bi, bf, bInt, ok2 := number(b)
	switch {
	case ok1 && ok2 && aInt && bInt:
		return in.intOp(op, ai, bi)
	case ok1 && ok2:
		return in.floatOp(op, af, bf)
	case op == "+":
		if v := in.concat(a, b); v != nil {
			return v
		}
	case op == "*" && ok1 && aInt:
		if v := in.repeat(b, ai); v != nil {
			return v
		}
	case op == "*" && ok2 && bInt:
		if v := in.repeat(a, bi); v != nil {
			return v
		}
	}
	in.fail("%q is not defined between %s and %s", op, typeName(a), typeName(b))
	return nil
}

func (in *interp) intOp(op string, a, b int64) value {
	switch op {
	case "+", "-", "*":
		return in.bigOp(op, a, b)
	case "/":
		return in.floatOp(op, float64(a), float64(b))
	case "**":
		if b < 0 {
			return in.floatOp(op, float64(a), float64(b))
		}
		if b > 64 && a != 0 && a != 1 && a != -1 {
			in.fail("%d ** %d is too large", a, b)
		}
		return in.small(new(big.Int).Exp(big.NewInt(a), big.NewInt(b), nil))
	}
	if b == 0 {
		in.fail("division by zero")
	}
	quotient, modulus := new(big.Int), new(big.Int)
	quotient.DivMod(big.NewInt(a), big.NewInt(b), modulus) // Euclidean: modulus ≥ 0
	if modulus.Sign() != 0 && b < 0 {                      // Python: the divisor's sign
		modulus.Add(modulus, big.NewInt(b))
		quotient.Sub(quotient, big.NewInt(1))
	}
	if op == "%" {
		return in.small(modulus)
	}
	return in.small(quotient)
}

// bigOp adds, subtracts or multiplies without wrapping around.
func (in *interp) bigOp(op string, a, b int64) value {
	x, y := big.NewInt(a), big.NewInt(b)
	switch op {
	case "+":
		x.Add(x, y)
	case "-":
		x.Sub(x, y)
	default:
		x.Mul(x, y)
	}
	return in.small(x)
}

// small returns n as int64.
func (in *interp) small(n *big.Int) value {
	if !n.IsInt64() {
		in.fail("a number does not fit in 64 bits")
	}
	return n.Int64()
}

func (in *interp) floatOp(op string, a, b float64) value {
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "**":
		return math.Pow(a, b)
	}
	if b == 0 {
		in.fail("division by zero")
	}
	switch op {
	case "/":
		return a / b
	case "//":
		return math.Floor(a / b)
	}
	m := math.Mod(a, b)
	if m != 0 && (m < 0) != (b < 0) {
		m += b
	}
	return m
}

// concat joins two strings or two lists, nil for anything else.
func (in *interp) concat(a, b value) value {
	switch a := a.(type) {
	case str:
		b, ok := b.(str)
		if !ok {
			return nil
		}
		in.text(len(a.s) + len(b.s))
		safe := a.safe || b.safe
		var w builder
		for _, part := range []str{a, b} {
			if safe && !part.safe {
				part = escape(part)
			}
			w.add(part)
		}
		out := w.str()
		out.safe = safe
		return out
	case *list:
		b, ok := b.(*list)
		if !ok || a.tuple != b.tuple {
			return nil
		}
		in.spend(len(a.items) + len(b.items))
		items := append(a.items[:len(a.items):len(a.items)], b.items...)
		return &list{items: items, tuple: a.tuple}
	}
	return nil
}

// repeat returns n copies of a string or list in a row, nil for anything else.
func (in *interp) repeat(v value, n int64) value {
	n = max(n, 0)
	switch v := v.(type) {
	case str:
		if len(v.s) > 0 && n > int64(MaxOutputBytes/len(v.s)) {
			in.limit("bytes of text", MaxOutputBytes)
		}
		in.text(len(v.s) * int(n))
		if len(v.user) == 0 {
			return trusted(strings.Repeat(v.s, int(n)))
		}
		var w builder
		for range n {
			w.add(v)
		}
		return w.str()
	case *list:
		if len(v.items) > 0 && n > int64(MaxSteps/len(v.items)) {
			in.limit("steps", MaxSteps)
		}
		in.spend(len(v.items) * int(n))
		out := &list{tuple: v.tuple}
		for range n {
			out.items = append(out.items, v.items...)
		}
		return out
	}
	return nil
}

// contains is Python's "x in v".
func (in *interp) contains(v, x value) bool {
	in.scan(v)
	in.scan(x)
	switch v := v.(type) {
	case str:
		s, ok := x.(str)
		if !ok {
			in.fail("\"in\" a string wants a string, not %s", typeName(x))
		}
		return strings.Contains(v.s, s.s)
	case *dict:
		if _, ok := hashKey(x); !ok {
			in.fail("a %s cannot be a key", typeName(x))
		}
		_, ok := v.get(x)
		return ok
	case *list, *iterator:
		for _, item := range in.iterate(v) {
			in.spend(1)
			if in.equal(item, x, 0) {
				return true
			}
		}
		return false
	case undefined:
		return false
	}
	in.fail("\"in\" is not defined for %s", typeName(v))
	return false
}

// iterate lists what a for loop over v sees.
func (in *interp) iterate(v value) []value {
	switch v := v.(type) {
	case *list:
		return v.items
	case *dict:
		in.spend(len(v.entries))
		return v.keys()
	case *iterator:
		items := v.items
		if v.view == "" {
			v.items = nil
		}
		return items
	case str:
		in.spend(4 * len(v.s))
		items := make([]value, 0, v.runeLen())
		for i, r := range v.s {
			items = append(items, v.slice(i, i+utf8.RuneLen(r)))
		}
		return items
	case undefined:
		return nil
	}
	in.fail("a %s cannot be iterated over", typeName(v))
	return nil
}
