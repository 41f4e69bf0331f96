package chat

import "strings"

// postfix parses attributes, subscripts and calls after x.
func (p *parser) postfix(x expr) expr {
	for n := 0; ; n++ {
		if n > MaxNesting {
			panic(&LimitError{Line: p.cur().at.line, Column: p.cur().at.column, What: "calls and attributes in a row", Limit: MaxNesting})
		}
		switch {
		case p.skipOp("."):
			x = p.attribute(x)
		case p.skipOp("["):
			x = &itemExpr{x, p.subscript()}
		case p.isOp("("):
			x = &callExpr{x, p.callArgs()}
		default:
			return x
		}
	}
}

func (p *parser) attribute(x expr) expr {
	switch t := p.next(); t.kind {
	case tName:
		return &attrExpr{x, t.text}
	case tInteger:
		return &itemExpr{x, &constExpr{p.integer(t.text)}}
	}
	p.at--
	p.fail("got %v, want a name or a number after the dot", p.cur())
	return nil
}

// subscript parses what stands between brackets, and the closing one.
func (p *parser) subscript() expr {
	var keys []expr
	for {
		keys = append(keys, p.subscriptKey())
		if !p.skipOp(",") {
			break
		}
	}
	p.expectOp("]")
	if len(keys) == 1 {
		return keys[0]
	}
	return &listExpr{items: keys, tuple: true}
}

func (p *parser) subscriptKey() expr {
	s := &sliceExpr{}
	if !p.isOp(":") {
		s.start = p.expression()
		if !p.isOp(":") {
			return s.start
		}
	}
	p.expectOp(":")
	part := func() expr {
		if p.isOp(":") || p.isOp("]") || p.isOp(",") {
			return nil
		}
		return p.expression()
	}
	s.stop = part()
	if p.skipOp(":") {
		s.step = part()
	}
	return s
}

func (p *parser) callArgs() callArgs {
	p.expectOp("(")
	var a callArgs
	for !p.isOp(")") {
		switch {
		case p.skipOp("*"):
			a.dynPos = p.expression()
		case p.skipOp("**"):
			a.dynNamed = p.expression()
		case p.cur().kind == tName && p.tokens[p.at+1].kind == tOperator && p.tokens[p.at+1].text == "=":
			a.names = append(a.names, p.next().text)
			p.at++
			a.kw = append(a.kw, p.expression())
		case len(a.kw) > 0 || a.dynPos != nil || a.dynNamed != nil:
			p.fail("a positional argument follows a named one")
		default:
			a.pos = append(a.pos, p.expression())
		}
		if !p.skipOp(",") {
			break
		}
	}
	p.expectOp(")")
	return a
}

// filters parses filters, tests and calls after x.
func (p *parser) filters(x expr) expr {
	for n := 0; ; n++ {
		if n > MaxNesting {
			panic(&LimitError{Line: p.cur().at.line, Column: p.cur().at.column, What: "filters in a row", Limit: MaxNesting})
		}
		switch {
		case p.skipOp("|"):
			x = p.filter(x)
		case p.skipName("is"):
			x = p.test(x)
		case p.isOp("("):
			x = &callExpr{x, p.callArgs()}
		default:
			return x
		}
	}
}

// filter parses a filter's name and arguments.
func (p *parser) filter(x expr) expr {
	f := &filterExpr{x: x, name: p.dottedName()}
	if p.isOp("(") {
		f.args = p.callArgs()
	}
	return f
}

// filterChain parses "name | name …" over the text of a block.
func (p *parser) filterChain() expr {
	x := p.filter(nil)
	for p.skipOp("|") {
		x = p.filter(x)
	}
	return x
}

func (p *parser) dottedName() string {
	parts := []string{p.expectName()}
	for p.skipOp(".") {
		parts = append(parts, p.expectName())
	}
	return strings.Join(parts, ".")
}

func (p *parser) test(x expr) expr {
	negated := p.skipName("not")
	t := &testExpr{x: x, name: p.dottedName()}
	switch {
	case p.isOp("("):
		t.args = p.callArgs()
	case p.testArgument():
		t.args.pos = []expr{p.postfix(p.primary())}
	}
	if negated {
		return &unaryExpr{"not", t}
	}
	return t
}

// testArgument says whether an argument without parentheses follows.
func (p *parser) testArgument() bool {
	switch t := p.cur(); t.kind {
	case tName:
		if t.text == "is" {
			p.fail("tests cannot be chained")
		}
		return t.text != "else" && t.text != "or" && t.text != "and"
	case tString, tInteger, tFloat:
		return true
	case tOperator:
		return t.text == "[" || t.text == "{"
	}
	return false
}
