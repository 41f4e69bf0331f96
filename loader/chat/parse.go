package chat

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// A parser turns tokens into statements. It panics with a *SyntaxError or a
// *LimitError, which parse turns into its error.
type parser struct {
	tokens []token
	at     int
	depth  int
	macros []*macroDef // being parsed, innermost last
	loops  int         // loops around the statement being parsed
}

// parse compiles a template.
func parse(src string) (body block, err error) {
	if len(src) > MaxSourceBytes {
		return nil, &LimitError{What: "source bytes", Limit: MaxSourceBytes}
	}
	tokens, err := lex(src)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *SyntaxError:
			err = e
		case *LimitError:
			err = e
		default:
			panic(e)
		}
	}()
	return p.block(), nil
}

func (p *parser) cur() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != tEOF {
		p.at++
	}
	return t
}

func (p *parser) fail(format string, a ...any) {
	panic(&SyntaxError{Line: p.cur().at.line, Column: p.cur().at.column, Reason: fmt.Sprintf(format, a...)})
}

// enter counts nesting; the caller defers leave.
func (p *parser) enter() {
	if p.depth++; p.depth > MaxNesting {
		panic(&LimitError{Line: p.cur().at.line, Column: p.cur().at.column, What: "levels of nesting", Limit: MaxNesting})
	}
}

func (p *parser) leave() { p.depth-- }

func (p *parser) is(k kind, text string) bool {
	t := p.cur()
	return t.kind == k && t.text == text
}

func (p *parser) isName(text string) bool { return p.is(tName, text) }
func (p *parser) isOp(text string) bool   { return p.is(tOperator, text) }

func (p *parser) skip(k kind, text string) bool {
	if p.is(k, text) {
		p.at++
		return true
	}
	return false
}

func (p *parser) skipName(text string) bool { return p.skip(tName, text) }
func (p *parser) skipOp(text string) bool   { return p.skip(tOperator, text) }

func (p *parser) expectOp(text string) {
	if !p.skipOp(text) {
		p.fail("got %v, want %q", p.cur(), text)
	}
}

func (p *parser) expectName() string {
	if p.cur().kind != tName {
		p.fail("got %v, want a name", p.cur())
	}
	return p.next().text
}

// expression parses a full expression.
func (p *parser) expression() expr {
	p.enter()
	defer p.leave()
	x := p.or()
	for p.skipName("if") {
		c := &condExpr{test: p.or(), yes: x}
		if p.skipName("else") {
			c.no = p.expression()
		}
		x = c
	}
	return x
}

func (p *parser) or() expr {
	x := p.and()
	for p.skipName("or") {
		x = &binaryExpr{"or", x, p.and()}
	}
	return x
}

func (p *parser) and() expr {
	x := p.not()
	for p.skipName("and") {
		x = &binaryExpr{"and", x, p.not()}
	}
	return x
}

func (p *parser) not() expr {
	if !p.skipName("not") {
		return p.compare()
	}
	p.enter()
	defer p.leave()
	return &unaryExpr{"not", p.not()}
}

func (p *parser) compare() expr {
	x := p.sum()
	var c *compareExpr
	for {
		op := ""
		switch {
		case p.isOp("==") || p.isOp("!=") || p.isOp("<") || p.isOp("<=") || p.isOp(">") || p.isOp(">="):
			op = p.next().text
		case p.skipName("in"):
			op = "in"
		case p.isName("not") && p.tokens[p.at+1].kind == tName && p.tokens[p.at+1].text == "in":
			p.at += 2
			op = "not in"
		default:
			if c != nil {
				return c
			}
			return x
		}
		if c == nil {
			c = &compareExpr{left: x}
		}
		c.ops = append(c.ops, op)
		c.rights = append(c.rights, p.sum())
	}
}

func (p *parser) sum() expr {
	x := p.concat()
	for p.isOp("+") || p.isOp("-") {
		x = &binaryExpr{p.next().text, x, p.concat()}
	}
	return x
}

func (p *parser) concat() expr {
	x := p.product()
	if !p.isOp("~") {
		return x
	}
	c := &concatExpr{parts: []expr{x}}
	for p.skipOp("~") {
		c.parts = append(c.parts, p.product())
	}
	return c
}

func (p *parser) product() expr {
	x := p.power()
	for p.isOp("*") || p.isOp("/") || p.isOp("//") || p.isOp("%") {
		x = &binaryExpr{p.next().text, x, p.power()}
	}
	return x
}

func (p *parser) power() expr {
	x := p.unary(true)
	for p.skipOp("**") {
		x = &binaryExpr{"**", x, p.unary(true)}
	}
	return x
}

func (p *parser) unary(filters bool) expr {
	p.enter()
	defer p.leave()
	var x expr
	if p.isOp("-") || p.isOp("+") {
		op := p.next().text
		x = &unaryExpr{op, p.unary(false)}
	} else {
		x = p.primary()
	}
	x = p.postfix(x)
	if filters {
		x = p.filters(x)
	}
	return x
}

// constants are names that are values.
var constants = map[string]value{
	"true": true, "True": true, "false": false, "False": false, "none": nil, "None": nil,
}

func (p *parser) primary() expr {
	t := p.cur()
	switch t.kind {
	case tName:
		p.at++
		if v, ok := constants[t.text]; ok {
			return &constExpr{v}
		}
		p.reads(t.text)
		return &nameExpr{t.text}
	case tString:
		var text strings.Builder
		for p.cur().kind == tString {
			text.WriteString(p.next().text)
		}
		return &constExpr{trusted(text.String())}
	case tInteger:
		p.at++
		return &constExpr{p.integer(t.text)}
	case tFloat:
		p.at++
		f, err := strconv.ParseFloat(t.text, 64)
		if err != nil && f == 0 {
			p.fail("%v is not a number", t)
		}
		return &constExpr{f}
	case tOperator:
		switch t.text {
		case "(":
			p.at++
			x := p.tuple(true, true)
			p.expectOp(")")
			return x
		case "[":
			return p.list()
		case "{":
			return p.dict()
		}
	}
	p.fail("unexpected %v", t)
	return nil
}

// reads tells the macros around that their body reads a name.
func (p *parser) reads(name string) {
	for _, m := range p.macros {
		switch name {
		case "varargs":
			m.varargs = true
		case "kwargs":
			m.kwargs = true
		case "caller":
			m.caller = true
		}
	}
}

func (p *parser) integer(text string) value {
	n, ok := new(big.Int).SetString(text, 0)
	if !ok {
		if n, ok = new(big.Int).SetString(text, 10); !ok {
			p.fail("%q is not a number", text)
		}
	}
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

// tuple parses expressions with commas between them; one without a comma is
// itself. empty allows none.
func (p *parser) tuple(empty, conditional bool) expr {
	var items []expr
	comma := false
	for !p.tupleEnd() {
		if conditional {
			items = append(items, p.expression())
		} else {
			items = append(items, p.or())
		}
		if !p.skipOp(",") {
			break
		}
		comma = true
	}
	switch {
	case comma:
	case len(items) == 1:
		return items[0]
	case !empty:
		p.fail("got %v, want an expression", p.cur())
	}
	return &listExpr{items: items, tuple: true}
}

func (p *parser) tupleEnd() bool {
	return p.cur().kind == tEnd || p.isOp(")") || p.isName("recursive")
}

func (p *parser) list() expr {
	p.expectOp("[")
	l := &listExpr{}
	for !p.isOp("]") {
		l.items = append(l.items, p.expression())
		if !p.skipOp(",") {
			break
		}
	}
	p.expectOp("]")
	return l
}

func (p *parser) dict() expr {
	p.expectOp("{")
	d := &dictExpr{}
	for !p.isOp("}") {
		d.keys = append(d.keys, p.expression())
		p.expectOp(":")
		d.values = append(d.values, p.expression())
		if !p.skipOp(",") {
			break
		}
	}
	p.expectOp("}")
	return d
}
