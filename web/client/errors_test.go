package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"samara/web/client"
)

// The table is a contract: scripts branch on these numbers.
func TestTable(t *testing.T) {
	want := map[string][2]int{
		"invalid_request": {400, 2}, "not_found": {404, 3}, "model_not_found": {404, 3}, "conflict": {409, 1},
		"verification_failed": {422, 4}, "trust_refused": {403, 4}, "unauthorized": {401, 1}, "forbidden": {403, 1},
		"too_large": {413, 2}, "context_length_exceeded": {400, 2}, "unsupported": {400, 2}, "unsupported_model": {422, 1},
		"unsupported_format": {500, 1},
		"disk_full":          {507, 1}, "locked": {423, 5}, "address_in_use": {500, 1}, "unavailable": {503, 5},
		"canceled": {499, 130}, "timeout": {504, 1}, "rate_limited": {429, 1}, "internal": {500, 1},
	}
	for _, code := range client.Codes() {
		e := client.NewError("op", code, "message")
		if got := [2]int{e.HTTPStatus(), e.ExitStatus()}; got != want[code] {
			t.Errorf("%s: got status and exit %v, want %v", code, got, want[code])
		}
		if e.Type == "" {
			t.Errorf("%s has no type", code)
		}
		delete(want, code)
	}
	if len(want) != 0 {
		t.Errorf("codes that are missing: %v", want)
	}
	if e := client.NewError("", "odd", "m"); e.HTTPStatus() != 500 || e.ExitStatus() != 1 {
		t.Errorf("an unknown code: got %d, %d", e.HTTPStatus(), e.ExitStatus())
	}
}

type coded struct{}

func (coded) Error() string { return "do thing: no" }
func (coded) Code() string  { return client.CodeConflict }
func (coded) Hint() string  { return "do another" }

func TestFromError(t *testing.T) {
	taken := &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
	for name, tc := range map[string]struct {
		err        error
		code, hint string
	}{
		"coder":    {fmt.Errorf("outer: %w", coded{}), client.CodeConflict, "do another"},
		"joined":   {errors.Join(errors.New("first"), coded{}), client.CodeConflict, "do another"},
		"canceled": {fmt.Errorf("x: %w", context.Canceled), client.CodeCanceled, ""},
		"deadline": {context.DeadlineExceeded, client.CodeTimeout, ""},
		"full":     {&os.PathError{Op: "write", Err: syscall.ENOSPC}, client.CodeDiskFull, ""},
		"taken":    {taken, client.CodeAddressInUse, ""},
		"body":     {&http.MaxBytesError{Limit: 1}, client.CodeTooLarge, ""},
		"other":    {errors.New("boom"), client.CodeInternal, ""},
	} {
		e := client.FromError("op", tc.err)
		if e.Code != tc.code || e.Hint != tc.hint || e.Op != "op" || e.Message != tc.err.Error() || !errors.Is(e, tc.err) {
			t.Errorf("%s: got %+v", name, e)
		}
	}
	if client.FromError("op", nil) != nil {
		t.Error("nil became an error")
	}
}

// An Error that is inside keeps its own operation and is not changed in place.
func TestFromErrorKeepsErrors(t *testing.T) {
	inner := &client.Error{Message: "m", Code: client.CodeNotFound}
	e := client.FromError("op", fmt.Errorf("outer: %w", inner))
	if e.Op != "op" || e.Type != "not_found_error" || inner.Op != "" || inner.Type != "" {
		t.Errorf("got %+v of %+v", e, inner)
	}
	if e := client.FromError("op", client.NewError("own", client.CodeNotFound, "m")); e.Op != "own" {
		t.Errorf("got op %s", e.Op)
	}
	if e := client.Errorf("", client.CodeTimeout, "x: %w", coded{}); !errors.As(e, new(coded)) || e.Code != client.CodeTimeout {
		t.Errorf("got %+v", e)
	}
	h := inner.WithHint("h")
	if h.Hint != "h" || inner.Hint != "" {
		t.Error("WithHint changed its receiver")
	}
	if !strings.Contains(h.Error(), "m") {
		t.Errorf("got %q", h.Error())
	}
}
