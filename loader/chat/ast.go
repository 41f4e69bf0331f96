package chat

// An expr is an expression; interp.eval gives its value.
type expr interface {
	eval(in *interp, sc *scope) value
}

type (
	constExpr struct{ v value }
	nameExpr  struct{ name string }
	listExpr  struct {
		items []expr
		tuple bool
	}
	dictExpr  struct{ keys, values []expr }
	unaryExpr struct { // "-", "+", "not"
		op string
		x  expr
	}
	binaryExpr struct { // arithmetic, "and", "or"
		op          string
		left, right expr
	}
	compareExpr struct { // left op[0] rights[0] op[1] rights[1] …
		left   expr
		ops    []string
		rights []expr
	}
	concatExpr struct{ parts []expr } // a ~ b ~ c
	condExpr   struct {               // yes if test else no; no is nil where there is none
		test, yes, no expr
	}
	attrExpr struct { // x.name
		x    expr
		name string
	}
	itemExpr struct { // x[key]
		x, key expr
	}
	sliceExpr struct{ start, stop, step expr } // the key of x[a:b:c]; nil where absent
	callExpr  struct {
		fn   expr
		args callArgs
	}
	filterExpr struct {
		x    expr // nil: the text of a block
		name string
		args callArgs
	}
	testExpr struct {
		x    expr
		name string
		args callArgs
	}
)

// callArgs are the arguments of a call as written.
type callArgs struct {
	pos              []expr
	names            []string // of kw
	kw               []expr
	dynPos, dynNamed expr // *args, **kwargs
}

// A stmt is a statement or a piece of output.
type stmt interface {
	exec(in *interp, sc *scope) flow
}

// flow is what a statement asks of the loop around it.
type flow int

const (
	flowNext flow = iota
	flowBreak
	flowContinue
)

// A place is where in a template something stands.
type place struct{ line, column int } // from 1; the column in bytes

// A block is a list of statements.
type block []stmt

type (
	textStmt   struct{ text string }
	outputStmt struct {
		at place
		x  expr
	}
	ifStmt struct {
		at      place
		test    expr
		yes, no block // an elif is an ifStmt alone in no
	}
	forStmt struct {
		at         place
		target     target
		iter, test expr // test filters, nil for none
		recursive  bool
		body, none block
	}
	setStmt struct {
		at     place
		target target
		x      expr
	}
	setBlockStmt struct {
		at     place
		target target
		filter expr // over a nil x, nil for none
		body   block
	}
	macroStmt struct {
		at  place
		def *macroDef
	}
	callBlockStmt struct {
		at     place
		call   *callExpr
		caller *macroDef
	}
	filterBlockStmt struct {
		at     place
		filter expr
		body   block
	}
	withStmt struct {
		at      place
		targets []target
		values  []expr
		body    block
	}
	scopeStmt struct{ body block } // {% generation %}
	jumpStmt  struct{ flow flow }
)

// A target is what set and for assign to: a name, an attribute of a
// namespace, or several of them.
type target struct {
	name  string
	attr  string // of the namespace name
	parts []target
}

// A macroDef is a macro as written.
type macroDef struct {
	name     string
	params   []string
	defaults []expr // of the last params
	body     block
	// The body reads these, so the macro takes what they stand for.
	varargs, kwargs, caller bool
}
