package chat

// A testFunc computes v is test(a).
type testFunc func(in *interp, v value, a args) bool

// tests are Jinja's; set in init because select applies them by name.
var tests map[string]testFunc

func init() {
	tests = map[string]testFunc{
		"defined":   func(_ *interp, v value, _ args) bool { return !isUndefined(v) },
		"undefined": func(_ *interp, v value, _ args) bool { return isUndefined(v) },
		"none":      func(_ *interp, v value, _ args) bool { return v == nil },
		"true":      func(_ *interp, v value, _ args) bool { return v == true },
		"false":     func(_ *interp, v value, _ args) bool { return v == false },
		"boolean":   func(_ *interp, v value, _ args) bool { return typeName(v) == "bool" },
		"integer":   func(_ *interp, v value, _ args) bool { return typeName(v) == "int" },
		"float":     func(_ *interp, v value, _ args) bool { return typeName(v) == "float" },
		"string":    func(_ *interp, v value, _ args) bool { return typeName(v) == "str" },
		"mapping":   func(_ *interp, v value, _ args) bool { return typeName(v) == "dict" },
		"number":    testNumber,
		"sequence":  testSequence,
		"iterable":  testIterable,
		"callable":  testCallable,
		"escaped":   func(*interp, value, args) bool { return false },
		"lower":     func(in *interp, v value, _ args) bool { return isLower(in.toStr(v).s) },
		"upper":     func(in *interp, v value, _ args) bool { return isUpper(in.toStr(v).s) },
		"odd":       func(in *interp, v value, _ args) bool { return in.modulo(v, int64(2)) == int64(1) },
		"even":      func(in *interp, v value, _ args) bool { return in.modulo(v, int64(2)) == int64(0) },
		"divisibleby": func(in *interp, v value, a args) bool {
			return in.modulo(v, in.operand("divisibleby", a)) == int64(0)
		},
		"sameas": testSameAs,
		"in":     func(in *interp, v value, a args) bool { return in.contains(in.operand("in", a), v) },
		"filter": func(in *interp, v value, _ args) bool { _, ok := filters[in.toStr(v).s]; return ok },
		"test":   func(in *interp, v value, _ args) bool { _, ok := tests[in.toStr(v).s]; return ok },
	}
	for op, names := range map[string][]string{
		"==": {"==", "eq", "equalto"}, "!=": {"!=", "ne"}, "<": {"<", "lt", "lessthan"}, "<=": {"<=", "le"},
		">": {">", "gt", "greaterthan"}, ">=": {">=", "ge"},
	} {
		for _, name := range names {
			tests[name] = func(in *interp, v value, a args) bool { return in.holds(op, v, in.operand(name, a)) }
		}
	}
}

// operand is the one argument of a test.
func (in *interp) operand(name string, a args) value {
	return in.bind(name, a, param{"other", required{}})[0]
}

func (in *interp) modulo(v, by value) value { return in.arithmetic("%", v, by) }

func isUndefined(v value) bool {
	_, ok := v.(undefined)
	return ok
}

func testNumber(_ *interp, v value, _ args) bool {
	switch typeName(v) {
	case "int", "float", "bool":
		return true
	}
	return false
}

func testSequence(_ *interp, v value, _ args) bool {
	switch v.(type) {
	case str, *list, *dict:
		return true
	}
	return false
}

func testIterable(in *interp, v value, a args) bool {
	switch v.(type) {
	case undefined, *iterator:
		return true
	}
	return testSequence(in, v, a)
}

func testCallable(_ *interp, v value, _ args) bool {
	switch v.(type) {
	case *function, *macro:
		return true
	}
	return false
}

// testSameAs compares identity: of plain values, type and value.
func testSameAs(in *interp, v value, a args) bool {
	other := in.operand("sameas", a)
	switch v := v.(type) {
	case str:
		o, ok := other.(str)
		return ok && v.s == o.s
	case undefined:
		return false
	}
	if _, ok := other.(str); ok {
		return false
	}
	return v == other
}
