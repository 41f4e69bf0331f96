package client_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"samara/web/client"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// serve answers every request with f.
func serve(t *testing.T, f http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return s.URL
}

// remote returns a client of a server that answers with f.
func remote(t *testing.T, f http.HandlerFunc) *client.Client {
	t.Helper()
	c, err := client.Remote(serve(t, f), "key")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Client.(*http.Client).CloseIdleConnections)
	return c
}

func codeOf(t *testing.T, err error) string {
	t.Helper()
	var e *client.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %T %v, want an *Error", err, err)
	}
	return e.Code
}

func TestRemoteSendsItsToken(t *testing.T) {
	c := remote(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"version":%q}`, r.Header.Get("Authorization"))
	})
	info, err := client.Decode[client.SystemInfo](c.GetInfo(t.Context()))
	if err != nil || info.Version != "Bearer key" {
		t.Errorf("got %q, %v", info.Version, err)
	}
}

// A redirect would carry the token elsewhere.
func TestRemoteFollowsNoRedirect(t *testing.T) {
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
	c := remote(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
	})
	if err := client.Done(c.GetInfo(t.Context())); codeOf(t, err) != client.CodeInternal {
		t.Errorf("got %v", err)
	}
}

func TestRemoteAddresses(t *testing.T) {
	for server, want := range map[string]string{
		"127.0.0.1:7377":           "http://127.0.0.1:7377/",
		"http://host:1":            "http://host:1/",
		"https://host/some/path":   "https://host/some/path/", // behind a proxy
		"http://u:p@host":          "",
		"ftp://host":               "",
		"":                         "",
		"http://":                  "",
		"http://[::1":              "",
		"magnet:?xt=urn:btih:0000": "",
	} {
		c, err := client.Remote(server, "")
		switch {
		case want == "" && err == nil:
			t.Errorf("%q was taken for %s", server, c.Server)
		case want == "" && codeOf(t, err) != client.CodeInvalidRequest:
			t.Errorf("%q: got %v", server, err)
		case want != "" && (err != nil || c.Server != want):
			t.Errorf("%q: got %v, %v, want %s", server, c, err, want)
		}
	}
}

func TestUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	c, err := client.Unix(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Done(c.GetInfo(t.Context())); codeOf(t, err) != client.CodeUnavailable {
		t.Errorf("nobody listens: got %v", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"pid":7}`)
	}))
	_ = srv.Listener.Close()
	srv.Listener = l
	srv.Start()
	defer srv.Close()
	info, err := client.Decode[client.SystemInfo](c.GetInfo(t.Context()))
	if err != nil || info.Pid != 7 {
		t.Errorf("got %+v, %v", info, err)
	}
	c.Client.(*http.Client).CloseIdleConnections()
}

func TestRefusedConnectionHasAHint(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	c, err := client.Remote(l.Addr().String(), "")
	if err != nil {
		t.Fatal(err)
	}
	err = client.Done(c.GetInfo(t.Context()))
	var e *client.Error
	if !errors.As(err, &e) || e.Code != client.CodeUnavailable || !strings.Contains(e.Hint, "samara serve") || e.ExitStatus() != 5 {
		t.Errorf("got %+v", err)
	}
}

func TestOutcome(t *testing.T) {
	for name, tc := range map[string]struct {
		status            int
		contentType, body string
		code, says        string
	}{
		"ours":           {404, "application/json", `{"error":{"op":"o","message":"find x: not found","type":"t","code":"not_found","hint":"h"}}`, "not_found", "find x"},
		"ours, charset":  {409, "application/json; charset=UTF-8", `{"error":{"message":"m","code":"conflict"}}`, "conflict", "m"},
		"proxy":          {502, "text/html", `<h1>Bad gateway</h1>`, "unavailable", "502"},
		"other JSON":     {403, "application/json", `{"detail":"no"}`, "forbidden", "403"},
		"no JSON at all": {400, "application/json", `{"error":`, "invalid_request", "400"},
		"endless":        {500, "text/plain", strings.Repeat("x", 4<<20), "internal", "500"},
	} {
		c := remote(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", tc.contentType)
			w.WriteHeader(tc.status)
			_, _ = io.WriteString(w, tc.body) // the client may have gone
		})
		err := client.Done(c.GetInfo(t.Context()))
		if codeOf(t, err) != tc.code || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestDecodeRefusesOtherShapes(t *testing.T) {
	c := remote(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `<html>`) })
	if _, err := client.Decode[client.SystemInfo](c.GetInfo(t.Context())); codeOf(t, err) != client.CodeInternal {
		t.Errorf("got %v", err)
	}
}
