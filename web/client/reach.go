package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// Bounds on what a daemon's answer may be. The daemon may be anybody's when
// --server names it.
const (
	// MaxAnswer bounds an answer that is read whole, in bytes.
	MaxAnswer = 64 << 20
	// MaxLine bounds one line of a streamed answer, in bytes.
	MaxLine = 8 << 20
	// maxErrorBody bounds an error's body, in bytes.
	maxErrorBody = 1 << 20
)

// socketHost stands for the daemon in the addresses of requests that travel
// over a socket; nothing resolves it.
const socketHost = "http://samara.sock"

// dialTimeout bounds how long reaching a daemon may take; an answer itself may
// take as long as it needs.
const dialTimeout = 10 * time.Second

// Unix returns a client that speaks to the daemon listening on the socket at
// path. Whoever may open the socket is admin. Nothing is dialled before the
// first call.
func Unix(path string) (*Client, error) {
	return NewClient(socketHost, WithHTTPClient(UnixHTTP(path)))
}

// UnixHTTP returns the plain HTTP client below Unix, for dialects that the spec
// does not cover, such as /v1. Addresses start with SocketURL.
func UnixHTTP(path string) *http.Client {
	dialer := net.Dialer{Timeout: dialTimeout}
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", path)
		},
		DisableCompression: true,
		IdleConnTimeout:    30 * time.Second,
	}}
}

// SocketURL is the base address for requests through UnixHTTP.
func SocketURL() string { return socketHost }

// Remote returns a client for the daemon at server ("http://host:port", or
// "host:port"), which sends token with every request unless it is empty.
// Redirects are not followed, so that the token goes nowhere else.
func Remote(server, token string) (*Client, error) {
	if !strings.Contains(server, "://") {
		server = "http://" + server
	}
	u, err := url.Parse(server)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		(u.Scheme != "http" && u.Scheme != "https") {
		return nil, NewError("connect", CodeInvalidRequest,
			fmt.Sprintf("connect %s: got no address of a daemon, want http://host:port", server))
	}
	return NewClient(u.String(), WithHTTPClient(RemoteHTTP()),
		WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
			Authorize(r, token)
			return nil
		}))
}

// RemoteHTTP returns the plain HTTP client below Remote: no redirects, and a
// bound on dialling.
func RemoteHTTP() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DialContext = (&net.Dialer{Timeout: dialTimeout}).DialContext
	return &http.Client{
		Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// Authorize puts a token on a request; an empty one leaves it as it is.
func Authorize(r *http.Request, token string) {
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
}

// Outcome turns the outcome of a call into an *Error unless the daemon answered
// with a 2xx status. It closes the body of an answer that is an error.
func Outcome(resp *http.Response, err error) error {
	if err != nil {
		return unreachable(err)
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err != nil {
		return unreachable(err)
	}
	var envelope ErrorResponse
	if isJSON(resp) && json.Unmarshal(body, &envelope) == nil && envelope.Error.Message != "" {
		e := envelope.Error
		return FromError("", &e)
	}
	return NewError("", codeOfStatus(resp.StatusCode),
		fmt.Sprintf("%s: got status %s and no error that samara would send", requestName(resp), resp.Status))
}

// Decode reads a JSON answer into a T. Use it around a call:
//
//	info, err := client.Decode[client.SystemInfo](c.GetInfo(ctx))
func Decode[T any](resp *http.Response, err error) (T, error) {
	var v T
	body, err := Bytes(resp, err)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(body, &v); err != nil {
		return v, Errorf("", CodeInternal, "%s: answer is not what its spec says: %w", requestName(resp), err)
	}
	return v, nil
}

// Bytes reads a whole answer as it is.
func Bytes(resp *http.Response, err error) ([]byte, error) {
	if err := Outcome(resp, err); err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1))
	switch {
	case err != nil:
		return nil, unreachable(err)
	case len(body) > MaxAnswer:
		return nil, NewError("", CodeTooLarge, fmt.Sprintf("%s: got more than %d bytes", requestName(resp), MaxAnswer))
	}
	return body, nil
}

// Done closes an answer that has no body worth reading.
func Done(resp *http.Response, err error) error {
	if err := Outcome(resp, err); err != nil {
		return err
	}
	return resp.Body.Close()
}

// unreachable says that there was no answer, and why, as an error whose code is
// unavailable unless the caller gave up.
func unreachable(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return FromError("connect", err)
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	e := Errorf("connect", CodeUnavailable, "connect to the daemon: %w", err)
	if errors.Is(err, syscall.ECONNREFUSED) {
		e.Hint = `nobody listens there; "samara serve" starts a daemon`
	}
	return e
}

func isJSON(resp *http.Response) bool {
	mediaType, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return err == nil && mediaType == "application/json"
}

func requestName(resp *http.Response) string {
	if resp.Request == nil {
		return "request"
	}
	return resp.Request.Method + " " + resp.Request.URL.Path
}

// codeOfStatus guesses a code for a status that came without one, from a proxy
// or from something that is not Samara.
func codeOfStatus(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return CodeUnauthorized
	case http.StatusForbidden:
		return CodeForbidden
	case http.StatusNotFound:
		return CodeNotFound
	case http.StatusRequestEntityTooLarge:
		return CodeTooLarge
	case http.StatusTooManyRequests:
		return CodeRateLimited
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return CodeUnavailable
	case http.StatusGatewayTimeout:
		return CodeTimeout
	}
	if status >= 400 && status < 500 {
		return CodeInvalidRequest
	}
	return CodeInternal
}
