package web

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"samara/web/admin"
	"samara/web/openai"
)

// routes registers everything. Roles of what openapi.yaml describes come from
// there; the few other routes name theirs here.
func (s *Server) routes(cfg Config) error {
	t := table{server: s}

	admin.RegisterHandlers(&t, admin.New(admin.Config{
		Catalog: cfg.Catalog, Transfers: cfg.Transfers, Engine: cfg.Generator, Events: cfg.Events, System: cfg.System,
		LoginLink: s.LoginLink, Actor: func(c echo.Context) string { return grantOf(c).Actor },
		Report: s.report, Draining: s.draining,
	}))

	dialect, err := openai.New(openai.Config{Generator: cfg.Generator, Report: s.report, Metrics: cfg.Metrics})
	if err != nil {
		return err
	}
	t.spec(http.MethodGet, "/v1/models", dialect.ListModels)
	t.spec(http.MethodPost, "/v1/chat/completions", dialect.Chat)
	t.spec(http.MethodPost, "/v1/completions", dialect.Complete)
	// A model's name has slashes, which a path parameter of OpenAPI cannot hold.
	t.spec(http.MethodGet, "/v1/models/:model", dialect.GetModel)
	s.handle(RoleRead, http.MethodGet, "/v1/models/*", dialect.GetModel)

	t.spec(http.MethodGet, "/healthz", s.healthz)
	t.spec(http.MethodGet, "/readyz", s.readyz)
	t.spec(http.MethodGet, "/openapi.json", s.openapi)
	t.spec(http.MethodGet, "/login", s.login)
	t.spec(http.MethodGet, "/metrics", echo.WrapHandler(promhttp.HandlerFor(cfg.Metrics, promhttp.HandlerOpts{})))

	if cfg.UI != nil {
		for _, path := range []string{"/", "/assets/*"} {
			s.handle(RolePublic, http.MethodGet, path, echo.WrapHandler(cfg.UI))
			s.handle(RolePublic, http.MethodHead, path, echo.WrapHandler(cfg.UI))
		}
	}
	return t.complete()
}

// routeKey and grantKeyName are where handle leaves what it knows of a request.
const (
	routeKey     = "samara.route"
	grantKeyName = "samara.grant"
)

// handle is the only way to register a route: it demands a role.
func (s *Server) handle(role Role, method, path string, h echo.HandlerFunc) {
	s.roles[method+" "+path] = role
	s.echo.Add(method, path, func(c echo.Context) error {
		c.Set(routeKey, true)
		grant, err := s.authenticate(c.Request())
		if err != nil && role != RolePublic {
			return err
		}
		if err != nil {
			grant = anonymous
		}
		c.Set(grantKeyName, grant)
		if err := authorize(grant, role); err != nil {
			return err
		}
		return h(c)
	})
}

// grantOf says who sent the request; nothing is allowed to a request that
// reached no route.
func grantOf(c echo.Context) Grant {
	if g, ok := c.Get(grantKeyName).(Grant); ok {
		return g
	}
	return anonymous
}

// A table registers what openapi.yaml describes. It is also the router that the
// generated code registers with.
type table struct {
	server *Server
	err    error
	done   map[string]bool
}

// spec registers a handler for an operation, with the role that the operation
// demands. Bodies are read within their bounds; Samara's own operations are
// checked against the spec, other dialects check for themselves.
func (t *table) spec(method, path string, h echo.HandlerFunc) {
	key := method + " " + path
	op, ok := t.server.spec.operations[key]
	if !ok {
		t.err = fmt.Errorf("register %s: openapi.yaml does not describe it", key)
		return
	}
	if slices.Contains(op.tags, "samara") {
		h = validated(op, h)
	}
	if method == http.MethodPost {
		h = readBody(h)
	}
	t.server.handle(op.role, method, path, h)
	if t.done == nil {
		t.done = map[string]bool{}
	}
	t.done[key] = true
}

// complete reports the first route that went wrong, or an operation without a
// route.
func (t *table) complete() error {
	for key := range t.server.spec.operations {
		if !t.done[key] && t.err == nil {
			t.err = fmt.Errorf("register %s: openapi.yaml describes it, nobody serves it", key)
		}
	}
	return t.err
}

func (t *table) add(method, path string, h echo.HandlerFunc) *echo.Route {
	t.spec(method, path, h)
	return nil
}

// The methods of admin.EchoRouter. Middlewares are never given.

func (t *table) GET(p string, h echo.HandlerFunc, _ ...echo.MiddlewareFunc) *echo.Route {
	return t.add(http.MethodGet, p, h)
}

func (t *table) POST(p string, h echo.HandlerFunc, _ ...echo.MiddlewareFunc) *echo.Route {
	return t.add(http.MethodPost, p, h)
}

func (t *table) PUT(p string, h echo.HandlerFunc, _ ...echo.MiddlewareFunc) *echo.Route {
	return t.add(http.MethodPut, p, h)
}

func (t *table) DELETE(p string, h echo.HandlerFunc, _ ...echo.MiddlewareFunc) *echo.Route {
	return t.add(http.MethodDelete, p, h)
}

func (t *table) PATCH(p string, h echo.HandlerFunc, _ ...echo.MiddlewareFunc) *echo.Route {
	return t.add(http.MethodPatch, p, h)
}

func (t *table) HEAD(p string, h echo.HandlerFunc, _ ...echo.MiddlewareFunc) *echo.Route {
	return t.add(http.MethodHead, p, h)
}

func (t *table) OPTIONS(p string, h echo.HandlerFunc, _ ...echo.MiddlewareFunc) *echo.Route {
	return t.add(http.MethodOptions, p, h)
}

func (t *table) TRACE(p string, h echo.HandlerFunc, _ ...echo.MiddlewareFunc) *echo.Route {
	return t.add(http.MethodTrace, p, h)
}

func (t *table) CONNECT(p string, h echo.HandlerFunc, _ ...echo.MiddlewareFunc) *echo.Route {
	return t.add(http.MethodConnect, p, h)
}
