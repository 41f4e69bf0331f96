package chat

import (
	"strings"
)

// globals are the functions that every template has; set in init because the
// functions reach lookup.
var globals map[string]*function

func init() {
	globals = map[string]*function{}
	for name, call := range map[string]func(in *interp, a args) value{
		"range": globalRange, "namespace": globalNamespace, "dict": globalDict,
		"raise_exception": globalRaise, "strftime_now": globalStrftime,
		"cycler": globalCycler, "joiner": globalJoiner,
	} {
		globals[name] = &function{name, call}
	}
}

// globalRange is range(stop), range(start, stop) or range(start, stop, step).
func globalRange(in *interp, a args) value {
	bounds := []int{0, 0, 1}
	switch len(a.pos) {
	case 1:
		bounds[1] = in.wantInt("range", a.pos[0])
	case 2, 3:
		for i, v := range a.pos {
			bounds[i] = in.wantInt("range", v)
		}
	default:
		in.fail("range takes 1 to 3 arguments, got %d", len(a.pos))
	}
	start, stop, step := bounds[0], bounds[1], bounds[2]
	if step == 0 {
		in.fail("range has step 0")
	}
	n := 0
	if (stop > start) == (step > 0) && stop != start {
		n = (stop-start-sign(step))/step + 1
	}
	if n > MaxRange {
		in.limit("numbers in a range", MaxRange)
	}
	in.spend(n)
	l := &list{items: make([]value, n)}
	for i := range l.items {
		l.items[i] = int64(start + i*step)
	}
	return l
}

func sign(n int) int {
	if n < 0 {
		return -1
	}
	return 1
}

// object collects a dict's arguments: one mapping or list of pairs, and names.
func (in *interp) object(what string, a args) *dict {
	d := newDict()
	set := func(k, v value) {
		if !d.set(k, v) {
			in.fail("%s: a %s cannot be a key", what, typeName(k))
		}
	}
	if len(a.pos) > 1 {
		in.fail("%s takes at most 1 argument without a name, got %d", what, len(a.pos))
	}
	for _, v := range a.pos {
		if from, ok := v.(*dict); ok {
			in.spend(len(from.entries))
			for _, e := range from.entries {
				set(e.key, e.value)
			}
			continue
		}
		for _, item := range in.iterate(v) {
			pair := in.iterate(item)
			if len(pair) != 2 {
				in.fail("%s wants pairs, got %d values", what, len(pair))
			}
			set(pair[0], pair[1])
		}
	}
	for i, name := range a.names {
		set(trusted(name), a.kw[i])
	}
	return d
}

func globalDict(in *interp, a args) value { return in.object("dict", a) }

func globalNamespace(in *interp, a args) value {
	d := in.object("namespace", a)
	for _, e := range d.entries {
		if name, ok := e.key.(str); ok && strings.HasPrefix(name.s, "_") {
			in.fail("a namespace has no names with an underscore first, got %q", name.s)
		}
	}
	return &namespace{*d}
}

func globalRaise(in *interp, a args) value {
	p := in.bind("raise_exception", a, param{"message", required{}})
	panic(failure{&RaiseError{Line: in.at.line, Column: in.at.column, Message: in.toStr(p[0]).s}})
}

func globalStrftime(in *interp, a args) value {
	p := in.bind("strftime_now", a, param{"format", required{}})
	format := in.wantStr("strftime_now", p[0])
	text, ok := strftime(in.now, format.s)
	if !ok {
		in.fail("strftime_now does not know all of %q", format.s)
	}
	in.text(len(text))
	return format.like(text)
}

// globalCycler returns an object whose next() goes round the arguments.
func globalCycler(in *interp, a args) value {
	if len(a.pos) == 0 {
		in.fail("cycler has nothing to cycle through")
	}
	at := 0
	current := trusted("current")
	ns := &namespace{*newDict()}
	ns.attrs.set(current, a.pos[0])
	ns.attrs.set(trusted("next"), &function{"next", func(*interp, args) value {
		v := a.pos[at%len(a.pos)]
		at++
		ns.attrs.set(current, a.pos[at%len(a.pos)])
		return v
	}})
	ns.attrs.set(trusted("reset"), &function{"reset", func(*interp, args) value {
		at = 0
		ns.attrs.set(current, a.pos[0])
		return nil
	}})
	return ns
}

// globalJoiner returns a function that gives the separator from its second
// call on.
func globalJoiner(in *interp, a args) value {
	p := in.bind("joiner", a, param{"sep", trusted(", ")})
	used := false
	return &function{"joiner", func(*interp, args) value {
		if !used {
			used = true
			return str{}
		}
		return p[0]
	}}
}
