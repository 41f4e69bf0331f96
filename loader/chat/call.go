package chat

import "slices"

// args are the values of a call's arguments.
type args struct {
	pos   []value
	names []string // of kw
	kw    []value
}

// A macro is a template's own function.
type macro struct {
	def   *macroDef
	scope *scope // where it was defined
}

// args evaluates the arguments of a call.
func (in *interp) args(a callArgs, sc *scope) args {
	var out args
	for _, x := range a.pos {
		out.pos = append(out.pos, in.eval(x, sc))
	}
	for i, x := range a.kw {
		out.names = append(out.names, a.names[i])
		out.kw = append(out.kw, in.eval(x, sc))
	}
	if a.dynPos != nil {
		out.pos = append(out.pos, in.iterate(in.eval(a.dynPos, sc))...)
	}
	if a.dynNamed == nil {
		return out
	}
	v := in.eval(a.dynNamed, sc)
	d, ok := v.(*dict)
	if !ok {
		in.fail("** wants a dict, not %s", typeName(v))
	}
	for _, e := range d.entries {
		name, ok := e.key.(str)
		if !ok || slices.Contains(out.names, name.s) {
			in.fail("%s cannot name an argument", in.repr(e.key, 0).s)
		}
		out.names = append(out.names, name.s)
		out.kw = append(out.kw, e.value)
	}
	return out
}

// call calls a function, a macro or a recursive loop.
func (in *interp) call(fn value, a args) value {
	in.enter()
	defer in.leave()
	switch fn := fn.(type) {
	case *function:
		return fn.call(in, a)
	case *macro:
		return in.callMacro(fn, a)
	case *loop:
		if fn.recurse != nil && len(a.pos) == 1 {
			return fn.recurse(in, a.pos[0])
		}
	}
	in.defined(fn)
	in.fail("a %s cannot be called", typeName(fn))
	return nil
}

// callMacro binds the arguments and returns what the body writes.
func (in *interp) callMacro(m *macro, a args) value {
	def := m.def
	sc := newScope(m.scope)
	at := in.at
	extra := a.pos[min(len(def.params), len(a.pos)):]
	rest := newDict()
	for i, name := range a.names {
		at := slices.Index(def.params, name)
		switch {
		case name == "caller" && at < 0 && (def.caller || def.kwargs):
			sc.set("caller", a.kw[i])
		case at < 0 && def.kwargs:
			rest.set(trusted(name), a.kw[i])
		case at < 0:
			in.fail("macro %s takes no argument named %q", def.name, name)
		case at < len(a.pos):
			in.fail("macro %s got argument %q twice", def.name, name)
		default:
			sc.set(name, a.kw[i])
		}
	}
	if len(extra) > 0 && !def.varargs {
		in.fail("macro %s takes %d arguments, got %d", def.name, len(def.params), len(a.pos))
	}
	for i, name := range def.params {
		if i < len(a.pos) {
			sc.set(name, a.pos[i])
			continue
		}
		if _, given := sc.vars[name]; given {
			continue
		}
		if k := i - len(def.params) + len(def.defaults); k >= 0 {
			sc.set(name, in.eval(def.defaults[k], sc))
		} else {
			sc.set(name, undefined{"parameter " + name})
		}
	}
	if def.varargs {
		sc.set("varargs", &list{items: extra, tuple: true})
	}
	if def.kwargs {
		sc.set("kwargs", rest)
	}
	if _, given := sc.vars["caller"]; def.caller && !given {
		sc.set("caller", undefined{"caller"})
	}
	text := in.capture(func() { in.execBlock(def.body, sc) })
	in.at = at
	return text
}

// A param is a parameter of a filter, test or method.
type param struct {
	name   string
	absent value // the default; required where there is none
}

// required marks a parameter without a default.
type required struct{}

// bind gives each parameter its value.
func (in *interp) bind(what string, a args, params ...param) []value {
	if len(a.pos) > len(params) {
		in.fail("%s takes at most %d arguments, got %d", what, len(params), len(a.pos))
	}
	out := make([]value, len(params))
	for i, p := range params {
		at := slices.Index(a.names, p.name)
		switch {
		case i < len(a.pos):
			out[i] = a.pos[i]
		case at >= 0:
			out[i] = a.kw[at]
		default:
			if _, must := p.absent.(required); must {
				in.fail("%s misses its argument %q", what, p.name)
			}
			out[i] = p.absent
		}
	}
	for _, name := range a.names {
		if !slices.ContainsFunc(params, func(p param) bool { return p.name == name }) {
			in.fail("%s takes no argument named %q", what, name)
		}
	}
	return out
}

// The want functions read an argument of a given type.

func (in *interp) wantInt(what string, v value) int {
	i, _, isInt, ok := number(v)
	if !ok || !isInt {
		in.fail("%s wants a whole number, not %s", what, typeName(v))
	}
	return int(min(max(i, -1<<40), 1<<40))
}

func (in *interp) wantStr(what string, v value) str {
	s, ok := v.(str)
	if !ok {
		in.fail("%s wants a string, not %s", what, typeName(v))
	}
	return s
}

// wantOptStr is wantStr where None is allowed.
func (in *interp) wantOptStr(what string, v value) (s str, given bool) {
	if v == nil {
		return str{}, false
	}
	return in.wantStr(what, v), true
}
