package web

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"samara/web/client"
)

// Bounds on a request's body. It is read whole before anything else happens, so
// that a slow sender holds nothing but its connection.
const (
	// MaxBody is the largest body, in bytes: a .torrent of 8 MiB in base64, or
	// a prompt of about four million tokens.
	MaxBody = 16 << 20
	// bodyTimeout is how long a body may take to arrive.
	bodyTimeout = 60 * time.Second
	// maxDrain is how much of a body that is too large is read and dropped, so
	// that its sender gets to read the answer instead of a broken pipe.
	maxDrain = 128 << 20
	// drainTimeout is how long that may take.
	drainTimeout = 10 * time.Second
)

// readBody reads the body within the bounds and puts it back for the handler.
func readBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		control := http.NewResponseController(c.Response().Writer)
		if r.ContentLength > MaxBody {
			refuse(control, r)
			return tooLarge(fmt.Sprintf("%d bytes", r.ContentLength))
		}
		// A recorder in a test has no deadline; a connection always has.
		_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
		body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
		if err != nil {
			return client.Errorf("read", client.CodeInvalidRequest, "read body: %w", err)
		}
		if len(body) > MaxBody {
			refuse(control, r)
			return tooLarge("more")
		}
		_ = control.SetReadDeadline(time.Time{})
		r.Body = io.NopCloser(bytes.NewReader(body))
		return next(c)
	}
}

// refuse drops what is left of a body. A client that waits to be told to go on
// has sent nothing yet and is not told.
func refuse(control *http.ResponseController, r *http.Request) {
	if r.Header.Get("Expect") != "" {
		return
	}
	_ = control.SetReadDeadline(time.Now().Add(drainTimeout))
	_, _ = io.CopyN(io.Discard, r.Body, maxDrain) // it is refused either way
}

func tooLarge(got string) error {
	return client.NewError("read", client.CodeTooLarge,
		fmt.Sprintf("read body: got %s, want at most %d bytes", got, MaxBody))
}
