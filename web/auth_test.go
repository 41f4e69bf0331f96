package web_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"samara/web"
	"samara/web/client"
)

func serveUnix(t *testing.T, path string, srv *http.Server) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	t.Cleanup(func() {
		_ = srv.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func host(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }

func TestAdminToken(t *testing.T) {
	tokens := web.AdminToken("secret")
	for token, want := range map[string]bool{"secret": true, "Secret": false, "secret ": false, "": false} {
		g, ok := tokens.Grant(t.Context(), token)
		if ok != want || ok != (g.Role == web.RoleAdmin) {
			t.Errorf("token %q: got %v %v, want %v", token, g, ok, want)
		}
	}
	if _, ok := web.AdminToken("").Grant(t.Context(), ""); ok {
		t.Error("an empty token was accepted")
	}
}

func TestTokens(t *testing.T) {
	h := newHarness(t)
	for name, tc := range map[string]struct {
		header string
		want   int
	}{
		"right":        {"Bearer " + adminKey, 200},
		"lower case":   {"bearer " + adminKey, 200},
		"wrong":        {"Bearer nonsense", 401},
		"empty":        {"Bearer ", 401},
		"other scheme": {"Basic YTpi", 401},
		"long":         {"Bearer " + strings.Repeat("x", 2000), 401},
	} {
		resp, body := h.do("GET", "/samara/v1/info", "", header("Authorization", tc.header))
		if resp.StatusCode != tc.want {
			t.Errorf("%s: got %d, want %d: %s", name, resp.StatusCode, tc.want, body)
		}
		if strings.Contains(body, "nonsense") {
			t.Errorf("%s: the answer repeats the token", name)
		}
	}
	// A wrong token does not lock anybody out of what is public.
	if resp, _ := h.do("GET", "/healthz", "", header("Authorization", "Bearer nonsense")); resp.StatusCode != 200 {
		t.Errorf("healthz with a wrong token: got %d", resp.StatusCode)
	}
}

func TestNoAuth(t *testing.T) {
	h := newHarness(t, func(c *web.Config) { c.NoAuth = true })
	for _, change := range []func(*http.Request){as(web.RolePublic), header("Authorization", "Bearer sk-anything")} {
		if resp, body := h.do("GET", "/samara/v1/doctor", "", change); resp.StatusCode != 200 {
			t.Errorf("got %d: %s", resp.StatusCode, body)
		}
	}
}

func TestLoginLinkWorksOnce(t *testing.T) {
	h := newHarness(t)
	link, err := client.Decode[client.LoginLink](h.api.CreateLoginLink(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	path := strings.TrimPrefix(link.Url, h.url)
	if !strings.HasPrefix(path, "/login?code=") {
		t.Fatalf("got link %s", link.Url)
	}
	resp, body := h.do("GET", path, "", as(web.RolePublic))
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != "/" {
		t.Fatalf("got %d to %q: %s", resp.StatusCode, resp.Header.Get("Location"), body)
	}
	cookie := resp.Cookies()[0]
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" {
		t.Errorf("got cookie %v", cookie)
	}
	withCookie := func(r *http.Request) {
		r.Header.Del("Authorization")
		r.AddCookie(cookie)
	}
	if resp, body := h.do("DELETE", "/samara/v1/version?ref=ns/m", "", withCookie); resp.StatusCode != 204 {
		t.Errorf("with the cookie: got %d: %s", resp.StatusCode, body)
	}
	if got, want := h.lastCall(), "remove ns/m:main browser"; got != want {
		t.Errorf("got call %q, want %q", got, want)
	}
	if resp, _ := h.do("GET", path, "", as(web.RolePublic)); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("second use of the link: got %d", resp.StatusCode)
	}
}

func TestLoginEnds(t *testing.T) {
	h := newHarness(t)
	now := testTime
	h.server.SetNow(func() time.Time { return now })
	late, err := h.server.LoginLink()
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(6 * time.Minute)
	if resp, _ := h.do("GET", strings.TrimPrefix(late.Url, h.url), "", as(web.RolePublic)); resp.StatusCode != 401 {
		t.Errorf("a link of six minutes: got %d", resp.StatusCode)
	}
	fresh, err := h.server.LoginLink()
	if err != nil {
		t.Fatal(err)
	}
	resp, _ := h.do("GET", strings.TrimPrefix(fresh.Url, h.url), "", as(web.RolePublic))
	withCookie := func(r *http.Request) {
		r.Header.Del("Authorization")
		r.AddCookie(resp.Cookies()[0])
	}
	for _, tc := range []struct {
		after time.Duration
		want  int
	}{{6 * 24 * time.Hour, 200}, {2 * 24 * time.Hour, 401}} {
		now = now.Add(tc.after)
		if resp, _ := h.do("GET", "/samara/v1/info", "", withCookie); resp.StatusCode != tc.want {
			t.Errorf("after %v more: got %d, want %d", tc.after, resp.StatusCode, tc.want)
		}
	}
}

// However many links are asked for, memory stays bounded and the newest work.
func TestLoginLinksAreBounded(t *testing.T) {
	h := newHarness(t)
	now := testTime
	h.server.SetNow(func() time.Time { now = now.Add(time.Millisecond); return now })
	first, err := h.server.LoginLink()
	if err != nil {
		t.Fatal(err)
	}
	last := first
	for range 100 {
		if last, err = h.server.LoginLink(); err != nil {
			t.Fatal(err)
		}
	}
	for link, want := range map[string]int{first.Url: 401, last.Url: 303} {
		if resp, _ := h.do("GET", strings.TrimPrefix(link, h.url), "", as(web.RolePublic)); resp.StatusCode != want {
			t.Errorf("got %d, want %d", resp.StatusCode, want)
		}
	}
}

func TestLoginLinkNeedsAListener(t *testing.T) {
	h := newHarness(t, func(c *web.Config) { c.BaseURL = nil })
	if resp, body := h.do("POST", "/samara/v1/login-link", ""); resp.StatusCode != 503 {
		t.Errorf("got %d: %s", resp.StatusCode, body)
	}
}

func TestHosts(t *testing.T) {
	h := newHarness(t, func(c *web.Config) { c.Hosts = []string{"models.example"} })
	for name, want := range map[string]int{
		"localhost":           200,
		"LOCALHOST:7377":      200,
		"127.0.0.1":           200,
		"127.9.9.9:80":        200,
		"[::1]:7377":          200,
		"models.example:8443": 200,
		"Models.Example.":     200,
		"evil.example":        403,
		"models.example.evil": 403,
		"localhost.evil":      403,
		"192.0.2.1":           403,
		"[::ffff:192.0.2.1]":  403,
		"0.0.0.0":             403,
		"127.0.0.1.nip.io:80": 403,
	} {
		resp, body := h.do("GET", "/samara/v1/info", "", host(name))
		if resp.StatusCode != want {
			t.Errorf("host %s: got %d, want %d: %s", name, resp.StatusCode, want, body)
		}
	}
	// Nothing is public under a foreign name, not even the page.
	for _, path := range []string{"/", "/healthz", "/v1/models", "/nowhere"} {
		if resp, _ := h.do("GET", path, "", host("evil.example")); resp.StatusCode != 403 {
			t.Errorf("%s under a foreign name: got %d", path, resp.StatusCode)
		}
	}
}

// The address that a connection came in on may be named, any other may not.
func TestOwnAddressIsAllowed(t *testing.T) {
	h := newHarness(t)
	local := &net.TCPAddr{IP: net.ParseIP("192.0.2.1"), Port: 7377}
	for name, want := range map[string]int{"192.0.2.1:7377": 200, "[::ffff:192.0.2.1]": 200, "192.0.2.2:7377": 403} {
		r := httptest.NewRequest("GET", "http://"+name+"/healthz", nil)
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
		w := httptest.NewRecorder()
		h.server.Handler().ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("host %s: got %d, want %d", name, w.Code, want)
		}
	}
}

func TestOtherOrigins(t *testing.T) {
	h := newHarness(t, func(c *web.Config) { c.NoAuth = true })
	for name, change := range map[string]func(*http.Request){
		"cross-site": header("Sec-Fetch-Site", "cross-site"),
		"same-site":  header("Sec-Fetch-Site", "same-site"),
		"old origin": header("Origin", "https://evil.example"),
	} {
		resp, body := h.do("DELETE", "/samara/v1/version?ref=ns/m", "", change)
		if resp.StatusCode != 403 || !strings.Contains(body, "another origin") {
			t.Errorf("%s: got %d: %s", name, resp.StatusCode, body)
		}
	}
	if resp, _ := h.do("DELETE", "/samara/v1/version?ref=ns/m", "", header("Sec-Fetch-Site", "same-origin")); resp.StatusCode != 204 {
		t.Errorf("same-origin: got %d", resp.StatusCode)
	}
	resp, _ := h.do("GET", "/samara/v1/info", "", header("Origin", "https://evil.example"))
	if got := resp.Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("another origin may read: %q", got)
	}
}
