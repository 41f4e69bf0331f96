package client_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"samara/web/client"
)

// response is an answer with a body, and whether the body was closed.
func response(body string) (*http.Response, *closed) {
	c := &closed{Reader: strings.NewReader(body)}
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: c}, c
}

type closed struct {
	io.Reader
	done bool
}

func (c *closed) Close() error {
	c.done = true
	return nil
}

func TestStream(t *testing.T) {
	resp, body := response("{\"bytes_done\":1}\n\n {\"bytes_done\":2} \r\n{\"result\":{\"ok\":true}}")
	lines, err := client.Stream[client.VerifyEvent](resp, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for e, err := range lines {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(e.BytesDone, e.Result != nil))
	}
	if want := "[1 false 2 false 0 true]"; fmt.Sprint(got) != want || !body.done {
		t.Errorf("got %v, want %s; closed %v", got, want, body.done)
	}
}

func TestStreamEndsEarly(t *testing.T) {
	resp, body := response("{}\n{}\n")
	lines, err := client.Stream[client.VerifyEvent](resp, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range lines {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if !body.done {
		t.Error("the body is still open")
	}
}

func TestStreamRefusesBadLines(t *testing.T) {
	for name, tc := range map[string]struct{ body, code string }{
		"no JSON":   {"{}\n<html>\n", client.CodeInternal},
		"long line": {"{}\n" + strings.Repeat("x", client.MaxLine+1), client.CodeTooLarge},
	} {
		resp, body := response(tc.body)
		lines, err := client.Stream[client.VerifyEvent](resp, nil)
		if err != nil {
			t.Fatal(err)
		}
		var last error
		n := 0
		for _, last = range lines {
			n++
		}
		if n != 2 || codeOf(t, last) != tc.code || !body.done {
			t.Errorf("%s: got %d lines, %v", name, n, last)
		}
	}
}

func TestEventStream(t *testing.T) {
	resp, body := response(": hello\n\nevent: transfer\ndata: {\"a\":1}\n\ndata: one\r\ndata:two\r\n\r\nevent: lonely\n\ndata: [DONE]\n\ndata: cut")
	events, err := client.EventStream(resp, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for e, err := range events {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Event+"="+string(e.Data))
	}
	want := []string{`transfer={"a":1}`, "=one\ntwo", "=[DONE]"}
	if fmt.Sprint(got) != fmt.Sprint(want) || !body.done {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Whatever a server sends, the reader ends, and no event holds what no line
// carried.
func FuzzEventStream(f *testing.F) {
	f.Add([]byte("event: a\ndata: b\n\n"))
	f.Add([]byte(":\n\r\n\ndata\ndata:\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		resp, _ := response(string(b))
		events, err := client.EventStream(resp, nil)
		if err != nil {
			t.Fatal(err)
		}
		for e, err := range events {
			if err != nil {
				return
			}
			for _, line := range bytes.Split(e.Data, []byte("\n")) {
				if !bytes.Contains(b, line) {
					t.Errorf("event %q is not in %q", e.Data, b)
				}
			}
		}
	})
}
