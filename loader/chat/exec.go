package chat

import "strings"

func (in *interp) execBlock(b block, sc *scope) flow {
	in.enter()
	defer in.leave()
	for _, s := range b {
		if f := s.exec(in, sc); f != flowNext {
			return f
		}
	}
	return flowNext
}

func (s *textStmt) exec(in *interp, _ *scope) flow {
	in.write(trusted(s.text))
	return flowNext
}

func (s *outputStmt) exec(in *interp, sc *scope) flow {
	in.at = s.at
	in.write(in.toStr(in.eval(s.x, sc)))
	return flowNext
}

func (s *ifStmt) exec(in *interp, sc *scope) flow {
	in.at = s.at
	if truth(in.eval(s.test, sc)) {
		return in.execBlock(s.yes, sc)
	}
	return in.execBlock(s.no, sc)
}

func (s *setStmt) exec(in *interp, sc *scope) flow {
	in.at = s.at
	in.assign(s.target, in.eval(s.x, sc), sc)
	return flowNext
}

func (s *setBlockStmt) exec(in *interp, sc *scope) flow {
	in.at = s.at
	text := in.capture(func() { in.execBlock(s.body, newScope(sc)) })
	in.assign(s.target, in.filterText(s.filter, text, sc), sc)
	return flowNext
}

func (s *filterBlockStmt) exec(in *interp, sc *scope) flow {
	in.at = s.at
	text := in.capture(func() { in.execBlock(s.body, newScope(sc)) })
	in.write(in.toStr(in.filterText(s.filter, text, sc)))
	return flowNext
}

// filterText sends the text of a block through a chain of filters.
func (in *interp) filterText(chain expr, text str, sc *scope) value {
	if chain == nil {
		return text
	}
	inner := newScope(sc)
	inner.set(blockText, text)
	return in.eval(chain, inner)
}

// blockText is the name, impossible in a template, under which filterText
// hands the text to the filters.
const blockText = "block text"

func (s *macroStmt) exec(in *interp, sc *scope) flow {
	in.at = s.at
	sc.set(s.def.name, &macro{def: s.def, scope: sc})
	return flowNext
}

func (s *callBlockStmt) exec(in *interp, sc *scope) flow {
	in.at = s.at
	a := in.args(s.call.args, sc)
	a.names = append(a.names, "caller")
	a.kw = append(a.kw, &macro{def: s.caller, scope: sc})
	in.write(in.toStr(in.call(in.eval(s.call.fn, sc), a)))
	return flowNext
}

func (s *withStmt) exec(in *interp, sc *scope) flow {
	in.at = s.at
	inner := newScope(sc)
	for i, t := range s.targets {
		in.assign(t, in.eval(s.values[i], sc), inner)
	}
	return in.execBlock(s.body, inner)
}

func (s *scopeStmt) exec(in *interp, sc *scope) flow {
	return in.execBlock(s.body, newScope(sc))
}

func (s *jumpStmt) exec(*interp, *scope) flow { return s.flow }

// assign gives v to a target.
func (in *interp) assign(t target, v value, sc *scope) {
	switch {
	case t.parts != nil:
		items := in.iterate(v)
		if len(items) != len(t.parts) {
			in.fail("got %d values to unpack, want %d", len(items), len(t.parts))
		}
		for i, part := range t.parts {
			in.assign(part, items[i], sc)
		}
	case t.attr != "":
		ns, ok := in.lookup(sc, t.name).(*namespace)
		if !ok {
			in.fail("cannot set %s.%s: %s is not a namespace", t.name, t.attr, t.name)
		}
		if strings.HasPrefix(t.attr, "_") {
			in.fail("cannot set %s.%s: a namespace has no names with an underscore first", t.name, t.attr)
		}
		ns.attrs.set(trusted(t.attr), v)
	default:
		sc.set(t.name, v)
	}
}

// A loop is what a for block sees as "loop".
type loop struct {
	items   []value
	index   int // from 0
	depth   int
	recurse func(in *interp, items value) value // nil where the loop is not recursive
	last    []value                             // what changed() saw
	seen    bool
}

func (s *forStmt) exec(in *interp, sc *scope) flow {
	in.at = s.at
	return s.over(in, sc, in.eval(s.iter, sc), 0)
}

// over runs the loop over v.
func (s *forStmt) over(in *interp, sc *scope, v value, depth int) flow {
	items := in.iterate(v)
	if s.test != nil {
		items = s.filter(in, sc, items)
	}
	if len(items) == 0 {
		return in.execBlock(s.none, newScope(sc))
	}
	l := &loop{items: items, depth: depth}
	if s.recursive {
		l.recurse = func(in *interp, v value) value {
			return in.capture(func() { s.over(in, sc, v, depth+1) })
		}
	}
	for i, item := range items {
		in.spend(1)
		l.index = i
		inner := newScope(sc)
		inner.set("loop", l)
		in.assign(s.target, item, inner)
		if in.execBlock(s.body, inner) == flowBreak {
			break
		}
	}
	return flowNext
}

// filter keeps the items that pass the loop's test.
func (s *forStmt) filter(in *interp, sc *scope, items []value) []value {
	var kept []value
	for _, item := range items {
		inner := newScope(sc)
		in.assign(s.target, item, inner)
		if truth(in.eval(s.test, inner)) {
			kept = append(kept, item)
		}
	}
	return kept
}

// attr returns an attribute of the loop.
func (l *loop) attr(name string) (value, bool) {
	n, i := int64(len(l.items)), int64(l.index)
	switch name {
	case "index":
		return i + 1, true
	case "index0":
		return i, true
	case "revindex":
		return n - i, true
	case "revindex0":
		return n - i - 1, true
	case "first":
		return i == 0, true
	case "last":
		return i == n-1, true
	case "length":
		return n, true
	case "depth":
		return int64(l.depth) + 1, true
	case "depth0":
		return int64(l.depth), true
	case "previtem":
		if l.index == 0 {
			return undefined{"loop.previtem"}, true
		}
		return l.items[l.index-1], true
	case "nextitem":
		if l.index == len(l.items)-1 {
			return undefined{"loop.nextitem"}, true
		}
		return l.items[l.index+1], true
	case "cycle":
		return &function{"cycle", l.cycle}, true
	case "changed":
		return &function{"changed", l.changed}, true
	}
	return nil, false
}

func (l *loop) cycle(in *interp, a args) value {
	if len(a.pos) == 0 {
		in.fail("loop.cycle has nothing to cycle through")
	}
	return a.pos[l.index%len(a.pos)]
}

func (l *loop) changed(in *interp, a args) value {
	if l.seen && in.equalItems(l.last, a.pos, 0) {
		return false
	}
	l.seen, l.last = true, a.pos
	return true
}
