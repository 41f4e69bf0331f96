package weights

import (
	"errors"
	"fmt"
)

// ErrClosed is returned when weights are asked for after Close.
var ErrClosed = errors.New("model is closed")

// ErrNoWeights is returned where a release has no file that holds weights.
var ErrNoWeights = errors.New("read model: got no .gguf or .safetensors file, nor consolidated.00.pth beside params.json, want one")

// A FormatError reports a file that is not what its format demands.
type FormatError struct {
	File   string // path of the file in the release
	Object string // what in it: "header", "tensor blk.0.attn_q.weight"
	Reason string // what is wrong, with got and want
	Offset int64  // where, in bytes from the start of the file; 0 for the file as a whole
}

// Error names the file, the place and object in it and the reason.
func (e *FormatError) Error() string {
	if e.Offset > 0 {
		return fmt.Sprintf("read %s at byte %d: %s: %s", e.File, e.Offset, e.Object, e.Reason)
	}
	return fmt.Sprintf("read %s: %s: %s", e.File, e.Object, e.Reason)
}

// Code is the error's row in the table of codes.
func (e *FormatError) Code() string { return "unsupported_model" }

// atByte adds the place to an error that has none.
func atByte(offset int64, err error) error {
	var f *FormatError
	if errors.As(err, &f) && f.Offset == 0 {
		f.Offset = offset
	}
	return err
}

// A FaultError reports mapped memory that could not be read: the file became
// shorter, or its disk failed.
type FaultError struct {
	Address uintptr // where the read failed
}

// Error says what happened.
func (e *FaultError) Error() string {
	return fmt.Sprintf("read weights: mapped memory at %#x is gone: the file was cut short or its disk failed", e.Address)
}

// Code is the error's row in the table of codes.
func (e *FaultError) Code() string { return "verification_failed" }

// Hint says what to do next.
func (e *FaultError) Hint() string {
	return `"samara verify" finds the bad bytes; then load the model again`
}
