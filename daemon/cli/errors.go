package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"samara/web/client"
)

// usage is an error of the caller: exit status 2.
func usage(message, hint string) *client.Error {
	return client.NewError("", client.CodeInvalidRequest, message).WithHint(hint)
}

// asUsage turns what kong says about the command line into a usage error;
// errors that are ours already stay what they are.
func asUsage(err error) error {
	var ours *client.Error
	if errors.As(err, &ours) {
		return ours
	}
	hint := `"samara --help" lists the verbs and options`
	var parse *kong.ParseError
	if errors.As(err, &parse) && parse.Context != nil {
		if node := parse.Context.Selected(); node != nil {
			hint = fmt.Sprintf("%q tells more", node.FullPath()+" --help")
		}
	}
	return usage(err.Error(), hint)
}

// codeOf is the code of an error, "" for none.
func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return client.FromError("", err).Code
}

// An errSilent has been reported already; it only carries the exit status.
type errSilent int

func (e errSilent) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// report prints an error, once and at the top, and returns the exit status.
func (a *app) report(err error) int {
	if err == nil {
		return 0
	}
	var silent errSilent
	if errors.As(err, &silent) {
		return int(silent)
	}
	var file *fs.PathError
	if errors.As(err, &file) && errors.Is(file, syscall.EPIPE) {
		return 1 // whoever read stdout has seen enough
	}
	e := client.FromError(cmp.Or(a.verb, "parse"), err)
	if a.ctx.Err() != nil && (errors.Is(err, context.Canceled) || e.Code == client.CodeUnavailable) {
		e = client.NewError(a.verb, client.CodeCanceled, "interrupted")
	}
	if a.opts.JSON {
		// The only writer is stdout: where it fails nobody listens.
		_ = json.NewEncoder(a.out).Encode(map[string]*client.Error{"error": e})
		return e.ExitStatus()
	}
	fmt.Fprintf(a.err, "samara: error: %s\n", printable(e.Message))
	if e.Hint != "" {
		fmt.Fprintf(a.err, "samara: hint: %s\n", printable(e.Hint))
	}
	return e.ExitStatus()
}

// writeFailed is the error of a file that the user named: what writes it by way
// of a temporary file would name that one.
func writeFailed(path string, err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno
	}
	e := client.Errorf("", codeOf(err), "write %s: %w", path, err)
	if errors.Is(err, fs.ErrNotExist) {
		return e.WithHint("make the folder first: mkdir -p " + filepath.Dir(path))
	}
	return e
}

// warn tells a person something that is no error.
func (a *app) warn(format string, args ...any) {
	fmt.Fprintf(a.err, "samara: warning: %s\n", printable(fmt.Sprintf(format, args...)))
}

// hint tells a person what to type next; a pipe and --json get none.
func (a *app) hint(format string, args ...any) {
	if a.errTTY && !a.opts.JSON {
		fmt.Fprintf(a.err, "samara: hint: %s\n", printable(fmt.Sprintf(format, args...)))
	}
}

// printable replaces what would steer a terminal: names and messages may come
// from strangers.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			return '\uFFFD'
		}
		return r
	}, s)
}
