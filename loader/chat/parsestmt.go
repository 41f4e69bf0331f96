package chat

import "slices"

// block parses text and statements up to a tag whose name is one of ends, or
// to the end of the template where there are none. The name is the current
// token afterwards.
func (p *parser) block(ends ...string) block {
	p.enter()
	defer p.leave()
	var body block
	for {
		t := p.next()
		switch t.kind {
		case tEOF:
			if len(ends) > 0 {
				p.fail("the template ends, want %q", ends[0])
			}
			return body
		case tData:
			body = append(body, &textStmt{t.text})
		case tBegin:
			if t.text == "{{" {
				body = append(body, &outputStmt{t.at, p.tuple(false, true)})
				p.expectEnd()
				continue
			}
			if p.cur().kind == tName && slices.Contains(ends, p.cur().text) {
				return body
			}
			body = append(body, p.statement(t.at))
			p.expectEnd()
		default:
			p.fail("unexpected %v", t)
		}
	}
}

func (p *parser) expectEnd() {
	if p.cur().kind != tEnd {
		p.fail("unexpected %v", p.cur())
	}
	p.at++
}

// body parses the end of an opening tag and the block up to a tag of ends,
// whose name it consumes and returns.
func (p *parser) body(ends ...string) (block, string) {
	p.skipOp(":")
	p.expectEnd()
	b := p.block(ends...)
	return b, p.next().text
}

func (p *parser) statement(at place) stmt {
	name := p.expectName()
	switch name {
	case "if":
		return p.ifStmt(at)
	case "for":
		return p.forStmt(at)
	case "set":
		return p.setStmt(at)
	case "macro":
		def := &macroDef{name: p.expectName()}
		p.signature(def)
		p.macroBody(def, "endmacro")
		return &macroStmt{at, def}
	case "call":
		return p.callBlock(at)
	case "filter":
		f := &filterBlockStmt{at: at, filter: p.filterChain()}
		f.body, _ = p.body("endfilter")
		return f
	case "with":
		return p.withStmt(at)
	case "generation":
		body, _ := p.body("endgeneration")
		return &scopeStmt{body}
	case "break", "continue":
		if p.loops == 0 {
			p.fail("%s outside of a loop", name)
		}
		if name == "break" {
			return &jumpStmt{flowBreak}
		}
		return &jumpStmt{flowContinue}
	case "print":
		var out block
		for p.cur().kind != tEnd {
			out = append(out, &outputStmt{at, p.expression()})
			if !p.skipOp(",") {
				break
			}
		}
		return &scopeStmt{out}
	case "include", "import", "from", "extends", "block":
		p.at--
		p.fail("a chat template has no other templates to %s", name)
	}
	p.at--
	p.fail("unknown tag %q", name)
	return nil
}

func (p *parser) ifStmt(at place) stmt {
	first := &ifStmt{at: at, test: p.tuple(false, false)}
	last := first
	for {
		var end string
		last.yes, end = p.body("elif", "else", "endif")
		switch end {
		case "elif":
			n := &ifStmt{at: p.cur().at, test: p.tuple(false, false)}
			last.no = block{n}
			last = n
			continue
		case "else":
			last.no, _ = p.body("endif")
		}
		return first
	}
}

func (p *parser) forStmt(at place) stmt {
	f := &forStmt{at: at, target: p.target(false)}
	if !p.skipName("in") {
		p.fail("got %v, want \"in\"", p.cur())
	}
	f.iter = p.tuple(false, false)
	if p.skipName("if") {
		f.test = p.expression()
	}
	f.recursive = p.skipName("recursive")
	p.loops++
	body, end := p.body("endfor", "else")
	p.loops--
	f.body = body
	if end == "else" {
		f.none, _ = p.body("endfor")
	}
	return f
}

func (p *parser) setStmt(at place) stmt {
	t := p.target(true)
	if p.skipOp("=") {
		return &setStmt{at, t, p.tuple(false, true)}
	}
	s := &setBlockStmt{at: at, target: t}
	if p.skipOp("|") {
		s.filter = p.filterChain()
	}
	s.body, _ = p.body("endset")
	return s
}

// target parses what is assigned to.
func (p *parser) target(attrs bool) target {
	var parts []target
	comma := false
	for p.cur().kind == tName && p.cur().text != "in" || p.isOp("(") {
		parts = append(parts, p.oneTarget(attrs))
		if !p.skipOp(",") {
			break
		}
		comma = true
	}
	switch {
	case len(parts) == 0:
		p.fail("got %v, want a name to assign to", p.cur())
	case len(parts) == 1 && !comma:
		return parts[0]
	}
	return target{parts: parts}
}

func (p *parser) oneTarget(attrs bool) target {
	p.enter()
	defer p.leave()
	if p.skipOp("(") {
		t := p.target(attrs)
		p.expectOp(")")
		return t
	}
	t := target{name: p.expectName()}
	if _, ok := constants[t.name]; ok {
		p.fail("cannot assign to %q", t.name)
	}
	if attrs && p.skipOp(".") {
		t.attr = p.expectName()
	}
	return t
}

// signature parses a macro's parameters.
func (p *parser) signature(def *macroDef) {
	p.expectOp("(")
	for !p.isOp(")") {
		def.params = append(def.params, p.expectName())
		if p.skipOp("=") {
			def.defaults = append(def.defaults, p.expression())
		} else if len(def.defaults) > 0 {
			p.fail("a parameter without default follows one with a default")
		}
		if !p.skipOp(",") {
			break
		}
	}
	p.expectOp(")")
}

// macroBody parses the rest of a macro; a loop around it is not around its
// body.
func (p *parser) macroBody(def *macroDef, end string) {
	p.macros = append(p.macros, def)
	loops := p.loops
	p.loops = 0
	def.body, _ = p.body(end)
	p.loops = loops
	p.macros = p.macros[:len(p.macros)-1]
}

func (p *parser) callBlock(at place) stmt {
	def := &macroDef{name: "caller"}
	if p.isOp("(") {
		p.signature(def)
	}
	call, ok := p.expression().(*callExpr)
	if !ok {
		p.fail("a call block wants a call")
	}
	p.macroBody(def, "endcall")
	return &callBlockStmt{at, call, def}
}

func (p *parser) withStmt(at place) stmt {
	w := &withStmt{at: at}
	for p.cur().kind != tEnd {
		if len(w.targets) > 0 {
			p.expectOp(",")
		}
		w.targets = append(w.targets, p.oneTarget(false))
		p.expectOp("=")
		w.values = append(w.values, p.expression())
	}
	w.body, _ = p.body("endwith")
	return w
}
