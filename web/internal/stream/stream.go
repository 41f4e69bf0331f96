// Package stream writes the two kinds of answers that grow: NDJSON and
// server-sent events. Each write is flushed, and a client that takes nothing
// for WriteTimeout is given up.
package stream

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"samara/web/client"
)

// WriteTimeout bounds how long one write of a stream may wait for its client.
const WriteTimeout = 30 * time.Second

// Encode returns v as one line of JSON, line break included. Magnet links keep
// their "&": nothing here is ever read as HTML.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// A Writer writes one streamed answer. The status and the headers go out with
// the first write, so an error before it can still become a plain answer. It is
// for one goroutine.
type Writer struct {
	response *echo.Response
	control  *http.ResponseController
	mime     string
}

// NDJSON answers with one JSON value a line.
func NDJSON(c echo.Context) *Writer { return newWriter(c, "application/x-ndjson") }

// Events answers with server-sent events.
func Events(c echo.Context) *Writer { return newWriter(c, "text/event-stream") }

func newWriter(c echo.Context, mime string) *Writer {
	return &Writer{
		response: c.Response(),
		control:  http.NewResponseController(c.Response().Writer),
		mime:     mime,
	}
}

// Started reports whether the status has gone out.
func (w *Writer) Started() bool { return w.response.Committed }

// Open sends the status and the headers without any content, for a stream
// whose first event may be long in coming.
func (w *Writer) Open() error { return w.write(nil) }

// Line writes v as one line of JSON.
func (w *Writer) Line(v any) error {
	b, err := Encode(v)
	if err != nil {
		return fmt.Errorf("encode line: %w", err)
	}
	return w.write(b)
}

// Event writes v as the JSON data of an event; an empty name is left out.
func (w *Writer) Event(name string, v any) error {
	b, err := Encode(v)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	return w.Data(name, strings.TrimSuffix(string(b), "\n"))
}

// Data writes an event whose data is a text without line breaks.
func (w *Writer) Data(name, data string) error {
	var b strings.Builder
	if name != "" {
		b.WriteString("event: " + name + "\n")
	}
	b.WriteString("data: " + data + "\n\n")
	return w.write([]byte(b.String()))
}

// Comment writes a line that clients skip; it keeps a connection open.
func (w *Writer) Comment(text string) error { return w.write([]byte(": " + text + "\n\n")) }

func (w *Writer) write(b []byte) error {
	if !w.Started() {
		h := w.response.Header()
		h.Set(echo.HeaderContentType, w.mime)
		h.Set(echo.HeaderCacheControl, "no-store")
		h.Set("X-Accel-Buffering", "no") // a proxy in between must not hold it back
		w.response.WriteHeader(http.StatusOK)
	}
	// A recorder in a test has no deadline; a connection always has.
	_ = w.control.SetWriteDeadline(time.Now().Add(WriteTimeout))
	if _, err := w.response.Write(b); err != nil {
		return gone(err)
	}
	if err := w.control.Flush(); err != nil {
		return gone(err)
	}
	// The time until the next write is nobody's fault.
	_ = w.control.SetWriteDeadline(time.Time{})
	return nil
}

// gone says that nobody reads any more.
func gone(err error) error {
	return client.Errorf("", client.CodeCanceled, "write stream: %w", err)
}
