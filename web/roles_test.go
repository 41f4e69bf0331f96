package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"samara/web"
	"samara/web/client"
)

// bodies are requests that the spec accepts, for the routes that want one.
var bodies = map[string]string{
	"POST /samara/v1/transfers":           `{"link":"magnet:?xt=urn:btih:00"}`,
	"POST /samara/v1/transfers/:id/peers": `{"peers":["127.0.0.1:1"]}`,
	"POST /samara/v1/peek":                `{"link":"magnet:?xt=urn:btih:00"}`,
	"POST /samara/v1/publish":             `{"path":"/models/m","name":"ns/m"}`,
	"POST /samara/v1/tags":                `{"target":"ns/m","name":"ns/other"}`,
	"POST /samara/v1/verify":              `{"ref":"ns/m"}`,
	"POST /samara/v1/gc":                  `{}`,
	"POST /v1/chat/completions":           `{"model":"ns/m","messages":[{"role":"user","content":"Hi"}]}`,
	"POST /v1/completions":                `{"model":"ns/m","prompt":"Hi"}`,
}

// queries are the parameters that routes want.
var queries = map[string]string{
	"/samara/v1/version": "?ref=ns/m", "/samara/v1/version/torrent": "?ref=ns/m", "/samara/v1/version/source": "?ref=ns/m",
	"DELETE /samara/v1/engine": "?ref=ns/m", "/login": "?code=x",
}

func address(method, path string) string {
	a := strings.NewReplacer(":id", "t1", ":model", "ns%2Fm", "/v1/models/*", "/v1/models/ns/m", "*", "x.js").Replace(path)
	if q, ok := queries[method+" "+path]; ok {
		return a + q
	}
	if q, ok := queries[path]; ok && (method == http.MethodGet || path == "/samara/v1/version") {
		return a + q
	}
	return a
}

// Every route answers exactly those whose role reaches: 401 without a token,
// 403 with too small a role, anything else otherwise.
func TestEveryRouteDemandsItsRole(t *testing.T) {
	h := newHarness(t)
	roles := h.server.Roles()
	for _, route := range h.server.Routes() {
		if _, ok := roles[route]; !ok {
			t.Errorf("%s: registered without a role", route)
		}
	}
	if len(roles) < 30 {
		t.Fatalf("got %d routes, want all of them", len(roles))
	}
	close(h.events) // an event stream then ends at once
	for route, need := range roles {
		method, path, _ := strings.Cut(route, " ")
		for _, have := range []web.Role{web.RolePublic, web.RoleRead, web.RoleInfer, web.RoleMetrics, web.RoleAdmin} {
			t.Run(fmt.Sprintf("%s as %s", strings.ReplaceAll(route, "/", "_"), have), func(t *testing.T) {
				resp, body := h.do(method, address(method, path), bodies[route], as(have))
				refused := resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusUnauthorized
				if path == "/login" {
					refused = false // its 401 is about the code
				}
				switch {
				case refused == have.Allows(need):
					t.Errorf("role %s on a route for %s: got status %d: %s", have, need, resp.StatusCode, body)
				case refused && have == web.RolePublic && resp.Header.Get("WWW-Authenticate") == "":
					t.Error("401 without WWW-Authenticate")
				case !refused && path != "/login" && resp.StatusCode >= 400:
					t.Errorf("got status %d: %s", resp.StatusCode, body)
				}
			})
		}
	}
}

func TestRolesInclude(t *testing.T) {
	for _, tc := range []struct {
		have, need web.Role
		want       bool
	}{
		{web.RolePublic, web.RolePublic, true},
		{web.RolePublic, web.RoleRead, false},
		{web.RoleRead, web.RoleInfer, false},
		{web.RoleInfer, web.RoleRead, true},
		{web.RoleInfer, web.RoleAdmin, false},
		{web.RoleMetrics, web.RoleRead, false},
		{web.RoleRead, web.RoleMetrics, false},
		{web.RoleAdmin, web.RoleMetrics, true},
		{"", web.RoleRead, false},
		{"root", web.RoleAdmin, false},
		{web.RoleRead, "", false},
	} {
		if got := tc.have.Allows(tc.need); got != tc.want {
			t.Errorf("%q allows %q: got %v, want %v", tc.have, tc.need, got, tc.want)
		}
	}
	if _, err := web.ParseRole("root"); err == nil {
		t.Error("an unknown role was parsed")
	}
}

// Whoever opens the socket is admin, under any Host.
func TestSocketIsAdmin(t *testing.T) {
	h := newHarness(t)
	path := t.TempDir() + "/s"
	serveUnix(t, path, h.server.HTTPServer(h.server.SocketHandler()))
	c, err := client.Unix(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Done(c.RemoveVersion(t.Context(), &client.RemoveVersionParams{Ref: "ns/m"})); err != nil {
		t.Fatal(err)
	}
	if got, want := h.lastCall(), "remove ns/m:main socket"; got != want {
		t.Errorf("got call %q, want %q", got, want)
	}
}
