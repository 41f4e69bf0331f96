package web_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"samara/web"
)

// zeros is an endless body.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// A body of 100 MB is refused with an error that its sender gets to read,
// whether it says its length or not, in the dialect of the route.
func TestBodyTooLarge(t *testing.T) {
	const size = 100 << 20
	h := newHarness(t)
	for _, path := range []string{"/v1/chat/completions", "/samara/v1/transfers"} {
		for _, declared := range []bool{true, false} {
			r, err := http.NewRequestWithContext(t.Context(), "POST", h.url+path, io.LimitReader(zeros{}, size))
			if err != nil {
				t.Fatal(err)
			}
			if declared {
				r.ContentLength = size
			}
			r.Header.Set("Authorization", "Bearer "+adminKey)
			r.Header.Set("Content-Type", "application/json")
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatalf("%s, length declared %v: %v", path, declared, err)
			}
			body, _ := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(string(body), "want at most 16777216 bytes") {
				t.Errorf("%s, length declared %v: got %d: %s", path, declared, resp.StatusCode, body)
			}
		}
	}
	if calls := h.lastCall(); calls != "" {
		t.Errorf("a handler was called: %s", calls)
	}
}

// Nobody reads a body before the sender has shown a token.
func TestBodyOfStrangerIsNotRead(t *testing.T) {
	h := newHarness(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n", web.MaxBody)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("got %d", resp.StatusCode)
	}
}

// A sender that asks before it sends is refused without sending.
func TestExpectContinueIsRefused(t *testing.T) {
	h := newHarness(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n"+
		"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n", adminKey, 100<<20)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d", resp.StatusCode)
	}
}

func TestBodyMustFitTheSpec(t *testing.T) {
	h := newHarness(t)
	for name, tc := range map[string]struct{ route, body, want string }{
		"unknown field":   {"POST /samara/v1/tags", `{"target":"ns/m","name":"ns/o","colour":1}`, "colour"},
		"missing field":   {"POST /samara/v1/tags", `{"target":"ns/m"}`, "name"},
		"wrong type":      {"POST /samara/v1/tags", `{"target":"ns/m","name":7}`, "/name"},
		"no JSON":         {"POST /samara/v1/tags", `{"target":`, "body"},
		"empty body":      {"POST /samara/v1/tags", ``, "body"},
		"two objects":     {"POST /samara/v1/verify", `{"ref":"ns/m"} {}`, "body"},
		"null":            {"POST /samara/v1/verify", `null`, "body"},
		"no base64":       {"POST /samara/v1/transfers", `{"torrent":"%%%"}`, "body"},
		"neither":         {"POST /samara/v1/transfers", `{}`, "either a link"},
		"both":            {"POST /samara/v1/peek", `{"link":"magnet:?xt=x","torrent":"ZGU="}`, "either a link"},
		"too many peers":  {"POST /samara/v1/transfers/t1/peers", `{"peers":[]}`, "/peers"},
		"no ref":          {"GET /samara/v1/version", ``, "ref"},
		"bad ref":         {"GET /samara/v1/version?ref=../etc", ``, "reference"},
		"bad limit":       {"GET /samara/v1/versions?limit=-1", ``, "limit"},
		"limit too large": {"GET /samara/v1/versions?limit=1001", ``, "limit"},
		"unknown query":   {"GET /samara/v1/versions?colour=red", ``, "colour"},
		"bad digest ref":  {"GET /samara/v1/version?ref=ns/m@blake3:xyz", ``, "digest"},
		"negative grace":  {"POST /samara/v1/gc", `{"grace_seconds":-1}`, "/grace_seconds"},
	} {
		method, path, _ := strings.Cut(tc.route, " ")
		resp, body := h.do(method, path, tc.body)
		if resp.StatusCode != 400 || !strings.Contains(body, `"code":"invalid_request"`) || !strings.Contains(body, tc.want) {
			t.Errorf("%s: got %d, want 400 that names %q: %s", name, resp.StatusCode, tc.want, body)
		}
	}
	if calls := h.lastCall(); calls != "" {
		t.Errorf("a port was called: %s", calls)
	}
	if resp, body := h.do("POST", "/samara/v1/gc", `{}`, header("Content-Type", "text/plain")); resp.StatusCode != 400 {
		t.Errorf("text/plain: got %d: %s", resp.StatusCode, body)
	}
}

// deadlines remembers the last read deadline of a connection.
type deadlines struct {
	http.ResponseWriter
	last time.Time
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.last = t
	return nil
}

// net/http reads what is left of a body that no handler took; a stranger who
// never sends it must not hold the connection for ever.
func TestUnreadBodyHasADeadline(t *testing.T) {
	h := newHarness(t)
	for _, method := range []string{"GET", "POST", "DELETE"} {
		r := httptest.NewRequest(method, "http://localhost/samara/v1/version?ref=ns/m", strings.NewReader("x"))
		w := &deadlines{ResponseWriter: httptest.NewRecorder()}
		h.server.Handler().ServeHTTP(w, r)
		if w.last.IsZero() {
			t.Errorf("%s: no deadline was set", method)
		}
	}
}
