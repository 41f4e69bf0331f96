package chat

import (
	"context"
	"fmt"
	"time"
)

// An interp runs one template once. It panics with a failure, which run turns
// into its error.
type interp struct {
	ctx   context.Context
	now   time.Time
	begun time.Time
	out   *builder
	at    place // of the statement that runs
	steps int   // left
	own   bool  // see Template
	depth int
}

// A failure is how the interpreter ends early.
type failure struct{ err error }

// A scope holds the names that a stretch of the template has set.
type scope struct {
	parent *scope
	vars   map[string]value
}

func newScope(parent *scope) *scope { return &scope{parent: parent} }

func (s *scope) set(name string, v value) {
	if s.vars == nil {
		s.vars = map[string]value{}
	}
	s.vars[name] = v
}

// lookup finds a name in the scope, those around it, and the globals.
func (in *interp) lookup(s *scope, name string) value {
	hops := 0
	for ; s != nil; s = s.parent {
		if v, ok := s.vars[name]; ok {
			return v
		}
		hops++
	}
	in.spend(hops / 8)
	if f, ok := globals[name]; ok {
		return f
	}
	return undefined{name}
}

// run renders the template with the given variables.
func (t *Template) run(ctx context.Context, vars *dict, now time.Time) (out str, err error) {
	in := &interp{ctx: ctx, now: now, begun: time.Now(), out: new(builder), steps: t.steps, own: t.own}
	defer func() {
		switch e := recover().(type) {
		case nil:
		case failure:
			out, err = str{}, e.err
		default:
			panic(e)
		}
	}()
	sc := newScope(nil)
	for _, e := range vars.entries {
		if name, ok := e.key.(str); ok {
			sc.set(name.s, e.value)
		}
	}
	in.execBlock(t.body, newScope(sc))
	return in.out.str(), nil
}

// fail ends the run with an EvalError.
func (in *interp) fail(format string, a ...any) {
	panic(failure{&EvalError{Line: in.at.line, Column: in.at.column, Reason: fmt.Sprintf(format, a...)}})
}

// limit ends the run with a LimitError.
func (in *interp) limit(what string, n int) {
	panic(failure{&LimitError{Line: in.at.line, Column: in.at.column, What: what, Limit: n}})
}

// spend counts steps and, now and then, asks whether to go on at all.
func (in *interp) spend(n int) {
	before := in.steps / stepsPerLook
	if in.steps -= n; in.steps < 0 {
		in.limit("steps", MaxSteps)
	}
	if in.steps/stepsPerLook != before {
		if err := in.ctx.Err(); err != nil {
			panic(failure{err})
		}
		if time.Since(in.begun) > MaxTime {
			in.limit("milliseconds", int(MaxTime.Milliseconds()))
		}
	}
}

// text checks and pays for a string of n bytes that is about to be made.
func (in *interp) text(n int) {
	if n > MaxOutputBytes {
		in.limit("bytes of text", MaxOutputBytes)
	}
	in.spend(n / 16)
}

// add is text for a string that grows in w.
func (in *interp) add(w *builder, a str) {
	if w.len()+len(a.s) > MaxOutputBytes {
		in.limit("bytes of text", MaxOutputBytes)
	}
	in.spend(len(a.s) / 16)
	w.add(a)
}

// scan pays for one look at every byte of v, where it is a string.
func (in *interp) scan(v value) {
	if s, ok := v.(str); ok {
		in.spend(len(s.s) / 64)
	}
}

// enter counts evaluation depth; the caller calls leave.
func (in *interp) enter() {
	if in.depth++; in.depth > MaxDepth {
		in.limit("levels of evaluation", MaxDepth)
	}
	in.spend(1)
}

func (in *interp) leave() { in.depth-- }

// eval computes an expression.
func (in *interp) eval(x expr, sc *scope) value {
	in.enter()
	v := x.eval(in, sc)
	in.leave()
	return v
}

// write adds to the output.
func (in *interp) write(a str) {
	in.add(in.out, a)
}

// capture returns what f writes.
func (in *interp) capture(f func()) str {
	outer := in.out
	in.out = new(builder)
	f()
	got := in.out.str()
	in.out = outer
	return got
}
