package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"syscall"
)

// The codes of Samara's errors: one table for the HTTP status, the exit status
// of a command and the coarse type that clients branch on.
const (
	CodeInvalidRequest   = "invalid_request"
	CodeNotFound         = "not_found"
	CodeModelNotFound    = "model_not_found"
	CodeConflict         = "conflict"
	CodeVerification     = "verification_failed"
	CodeTrustRefused     = "trust_refused"
	CodeUnauthorized     = "unauthorized"
	CodeForbidden        = "forbidden"
	CodeTooLarge         = "too_large"
	CodeContextLength    = "context_length_exceeded"
	CodeUnsupported      = "unsupported"
	CodeUnsupportedModel = "unsupported_model"
	CodeFormat           = "unsupported_format"
	CodeDiskFull         = "disk_full"
	CodeLocked           = "locked"
	CodeAddressInUse     = "address_in_use"
	CodeUnavailable      = "unavailable"
	CodeCanceled         = "canceled"
	CodeTimeout          = "timeout"
	CodeRateLimited      = "rate_limited"
	CodeInternal         = "internal"
)

// StatusClientClosedRequest is the status of a request whose client went away
// before the answer was there; only logs and metrics ever show it.
const StatusClientClosedRequest = 499

// ExitCanceled is the exit status of a command stopped by a signal.
const ExitCanceled = 130

// A class says what one code means to HTTP, to the shell and to a program that
// only wants to know whose fault it was.
type class struct {
	http int
	exit int
	kind string
}

var classes = map[string]class{
	CodeInvalidRequest:   {http.StatusBadRequest, 2, "invalid_request_error"},
	CodeNotFound:         {http.StatusNotFound, 3, "not_found_error"},
	CodeModelNotFound:    {http.StatusNotFound, 3, "not_found_error"},
	CodeConflict:         {http.StatusConflict, 1, "conflict_error"},
	CodeVerification:     {http.StatusUnprocessableEntity, 4, "verification_error"},
	CodeTrustRefused:     {http.StatusForbidden, 4, "verification_error"},
	CodeUnauthorized:     {http.StatusUnauthorized, 1, "authentication_error"},
	CodeForbidden:        {http.StatusForbidden, 1, "permission_error"},
	CodeTooLarge:         {http.StatusRequestEntityTooLarge, 2, "invalid_request_error"},
	CodeContextLength:    {http.StatusBadRequest, 2, "invalid_request_error"},
	CodeUnsupported:      {http.StatusBadRequest, 2, "invalid_request_error"},
	CodeUnsupportedModel: {http.StatusUnprocessableEntity, 1, "invalid_request_error"},
	CodeFormat:           {http.StatusInternalServerError, 1, "server_error"},
	CodeDiskFull:         {http.StatusInsufficientStorage, 1, "server_error"},
	CodeLocked:           {http.StatusLocked, 5, "conflict_error"},
	CodeAddressInUse:     {http.StatusInternalServerError, 1, "server_error"},
	CodeUnavailable:      {http.StatusServiceUnavailable, 5, "server_error"},
	CodeCanceled:         {StatusClientClosedRequest, ExitCanceled, "canceled_error"},
	CodeTimeout:          {http.StatusGatewayTimeout, 1, "server_error"},
	CodeRateLimited:      {http.StatusTooManyRequests, 1, "rate_limit_error"},
	CodeInternal:         {http.StatusInternalServerError, 1, "server_error"},
}

// Codes returns every code of the table, in no particular order.
func Codes() []string {
	codes := make([]string, 0, len(classes))
	for code := range classes {
		codes = append(codes, code)
	}
	return codes
}

// A Coder is an error that names its row of the table.
type Coder interface {
	error
	Code() string
}

// A Hinter is an error that knows what its reader should type next.
type Hinter interface {
	error
	Hint() string
}

// An Error is the one shape in which Samara reports what went wrong, over HTTP
// and with --json. Its JSON form is {op, message, type, code, hint}; each HTTP
// dialect wraps it in an envelope of its own.
type Error struct {
	// Op is the operation that failed, one word: "publish", "add".
	Op string `json:"op,omitempty"`
	// Message says operation, object, cause, got and want, in lower case.
	Message string `json:"message"`
	// Type is the coarse class of Code, such as "invalid_request_error".
	Type string `json:"type"`
	// Code is a row of the table; programs branch on it.
	Code string `json:"code"`
	// Hint is the next thing to type, or empty.
	Hint string `json:"hint,omitempty"`

	cause error
}

// NewError returns an error with the given code; the type comes from the table.
// A code outside the table is kept as text and classed as internal.
func NewError(op, code, message string) *Error {
	return &Error{Op: op, Message: message, Type: classOf(code).kind, Code: code}
}

// Errorf is NewError with a formatted message. A %w operand stays reachable
// through errors.Is and errors.As.
func Errorf(op, code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	e := NewError(op, code, err.Error())
	e.cause = errors.Unwrap(err)
	return e
}

// WithHint returns a copy of e whose hint is the given text.
func (e *Error) WithHint(hint string) *Error {
	c := *e
	c.Hint = hint
	return &c
}

// Error returns the message; operation and hint are printed by whoever reports.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the error that e was made from, or nil for one that came over
// the wire.
func (e *Error) Unwrap() error { return e.cause }

// HTTPStatus returns the status of e's row, 500 for a code outside the table.
func (e *Error) HTTPStatus() int { return classOf(e.Code).http }

// ExitStatus returns the exit status of a command that fails with e.
func (e *Error) ExitStatus() int { return classOf(e.Code).exit }

// FromError turns any error into an Error of the operation op. What already is
// an Error is returned as it is (its own Op wins); otherwise the code is the
// one that an error in the chain names by a Code method, or the one that the
// table gives for the standard library's errors, or "internal". It returns nil
// for nil.
func FromError(op string, err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		c := *e
		if c.Op == "" {
			c.Op = op
		}
		if c.Type == "" {
			c.Type = classOf(c.Code).kind
		}
		return &c
	}
	e = NewError(op, codeOf(err), err.Error())
	e.cause = err
	if h := Hinter(nil); errors.As(err, &h) {
		e.Hint = h.Hint()
	}
	return e
}

func codeOf(err error) string {
	if c := Coder(nil); errors.As(err, &c) {
		return c.Code()
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, context.Canceled):
		return CodeCanceled
	case errors.Is(err, context.DeadlineExceeded):
		return CodeTimeout
	case errors.As(err, &tooLarge):
		return CodeTooLarge
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return CodeDiskFull
	case errors.Is(err, syscall.EADDRINUSE):
		return CodeAddressInUse
	}
	return CodeInternal
}

func classOf(code string) class {
	if c, ok := classes[code]; ok {
		return c
	}
	return classes[CodeInternal]
}
