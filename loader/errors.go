package loader

import (
	"fmt"

	"samara/loader/weights"
)

// ErrClosed is returned by a Model that was closed.
var ErrClosed = weights.ErrClosed

// A FormatError reports a model file that is not what its format demands.
// Its code is unsupported_model.
type FormatError = weights.FormatError

// A ContextError reports a sequence that does not fit the context.
type ContextError struct {
	Tokens int // tokens that were asked for
	Limit  int // tokens that fit
}

// Error says how many tokens were given and how many fit.
func (e *ContextError) Error() string {
	return fmt.Sprintf("evaluate prompt: got %d tokens, want at most %d (the context)", e.Tokens, e.Limit)
}

// Code is the error's row in the table of codes.
func (e *ContextError) Code() string { return "context_length_exceeded" }

// Hint says what to do next.
func (e *ContextError) Hint() string {
	return "shorten the prompt, or open the model with a larger --context where it was made for more"
}

// An UnsupportedError reports a model that is sound as far as one can tell but
// that this engine cannot run.
type UnsupportedError struct {
	Object string // what was asked for: a file, "model", "chat"
	Reason string // what is missing, with got and want
}

// Error names the object and the reason.
func (e *UnsupportedError) Error() string { return "load " + e.Object + ": " + e.Reason }

// Code is the error's row in the table of codes.
func (e *UnsupportedError) Code() string { return "unsupported_model" }

// A RequestError reports a request that cannot be answered whatever the model.
type RequestError struct {
	Reason string // what is wrong with it, with got and want
}

// Error says what is wrong.
func (e *RequestError) Error() string { return "generate: " + e.Reason }

// Code is the error's row in the table of codes.
func (e *RequestError) Code() string { return "invalid_request" }

func badSampling(name string, got any, want string) error {
	return &RequestError{Reason: fmt.Sprintf("got %s %v, want %s", name, got, want)}
}
