package client

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
)

// Stream reads an NDJSON answer one line at a time. The answer's body is closed
// when the loop over it ends, for whatever reason; a Stream that is never
// ranged over must not be dropped, since its body stays open. The error of the
// call itself comes first, an error of the transport last; an error that the
// daemon reports inside the stream is in the T.
func Stream[T any](resp *http.Response, err error) (iter.Seq2[T, error], error) {
	if err := Outcome(resp, err); err != nil {
		return nil, err
	}
	return func(yield func(T, error) bool) {
		defer resp.Body.Close()
		lines := newScanner(resp.Body)
		for lines.Scan() {
			line := bytes.TrimSpace(lines.Bytes())
			if len(line) == 0 {
				continue
			}
			var v T
			if err := json.Unmarshal(line, &v); err != nil {
				yield(v, Errorf("", CodeInternal, "%s: a line is not what its spec says: %w", requestName(resp), err))
				return
			}
			if !yield(v, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			var zero T
			yield(zero, streamBroke(resp, err))
		}
	}, nil
}

// An SSE is one server-sent event.
type SSE struct {
	Event string // its name, "" where it has none
	Data  []byte // its data lines, joined by newlines; valid until the next event
}

// EventStream reads an answer of type text/event-stream. Lifetime and errors
// are those of Stream.
func EventStream(resp *http.Response, err error) (iter.Seq2[SSE, error], error) {
	if err := Outcome(resp, err); err != nil {
		return nil, err
	}
	return func(yield func(SSE, error) bool) {
		defer resp.Body.Close()
		lines := newScanner(resp.Body)
		var event SSE
		var seen bool
		for lines.Scan() {
			line := bytes.TrimSuffix(lines.Bytes(), []byte("\r"))
			if len(line) == 0 {
				if seen && !yield(event, nil) {
					return
				}
				event, seen = SSE{Data: event.Data[:0]}, false
				continue
			}
			seen = event.addField(line) || seen
		}
		if err := lines.Err(); err != nil {
			yield(SSE{}, streamBroke(resp, err))
		}
	}, nil
}

// addField takes one line of an event and reports whether it carried data.
func (e *SSE) addField(line []byte) bool {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(name) {
	case "event":
		e.Event = string(value)
	case "data":
		if len(e.Data) > 0 {
			e.Data = append(e.Data, '\n')
		}
		e.Data = append(e.Data, value...)
		return true
	}
	return false
}

func newScanner(r io.Reader) *bufio.Scanner {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 0, 64<<10), MaxLine)
	return s
}

func streamBroke(resp *http.Response, err error) error {
	if errors.Is(err, bufio.ErrTooLong) {
		return Errorf("", CodeTooLarge, "%s: a line has more than %d bytes", requestName(resp), MaxLine)
	}
	return unreachable(err)
}
