package chat

import (
	"fmt"
	"time"
)

// Bounds on what a stranger's template may ask for.
const (
	MaxSourceBytes  = 1 << 20  // a template
	MaxContextBytes = 64 << 20 // the variables of RenderJSON, as JSON
	MaxOutputBytes  = 8 << 20  // what a template writes, and each string it makes
	MaxSteps        = 1 << 20  // evaluation steps; text costs one per 16 bytes made, 64 looked at
	MaxNesting      = 200      // parentheses and blocks inside each other in the source
	MaxDepth        = 2000     // evaluation inside evaluation: expressions, blocks, macros
	MaxDataDepth    = 200      // lists and objects inside each other
	MaxRange        = 100000   // numbers that range() gives, as Jinja's sandbox has it
)

// MaxTime is how long a template may run, so that it ends within 100 ms with what
// one look later can cost. It is only looked at every stepsPerLook
// steps, many times what a conversation needs, so that a busy machine refuses
// no honest template.
const MaxTime = 80 * time.Millisecond

const stepsPerLook = 32 << 10

// A SyntaxError says where a template is not Jinja.
type SyntaxError struct {
	Line   int
	Column int // bytes, from 1
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("compile chat template: line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

// Code is the error's entry in the table of the HTTP API.
func (e *SyntaxError) Code() string { return "unsupported_model" }

// A LimitError says which limit a template ran into.
type LimitError struct {
	Line   int    // 0 where no line is to blame
	Column int    // bytes, from 1
	What   string // "steps", "output bytes", "nesting", …
	Limit  int
}

func (e *LimitError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("chat template: more than %d %s", e.Limit, e.What)
	}
	return fmt.Sprintf("chat template: line %d, column %d: more than %d %s", e.Line, e.Column, e.Limit, e.What)
}

// Code is the error's entry in the table of the HTTP API.
func (e *LimitError) Code() string { return "unsupported_model" }

// A RaiseError carries what the template itself said by raise_exception: it
// refuses the conversation.
type RaiseError struct {
	Line    int
	Column  int // bytes, from 1
	Message string
}

func (e *RaiseError) Error() string { return "chat template refuses the conversation: " + e.Message }

// Code is the error's entry in the table of the HTTP API.
func (e *RaiseError) Code() string { return "invalid_request" }

// An EvalError says what went wrong while a template ran.
type EvalError struct {
	Line   int
	Column int // bytes, from 1
	Reason string
}

func (e *EvalError) Error() string {
	return fmt.Sprintf("render chat template: line %d, column %d: %s", e.Line, e.Column, e.Reason)
}

// Code is the error's entry in the table of the HTTP API.
func (e *EvalError) Code() string { return "invalid_request" }
