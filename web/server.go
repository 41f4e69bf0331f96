// Package web answers HTTP: Samara's own API, the OpenAI dialect, metrics and
// the page, behind one table of routes of which each demands a role.
//
//	s, err := web.New(web.Config{Catalog: …, Tokens: web.AdminToken(token), …})
//	tcp := s.HTTPServer(s.Handler())        // callers bring a token or a cookie
//	local := s.HTTPServer(s.SocketHandler()) // whoever opens the socket is admin
//
// The package declares the interfaces that it calls (ports.go); package daemon
// implements them.
package web

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"samara/web/client"
	"samara/web/internal/stream"
)

// Config holds the parts of a Server. All but Tokens, NoAuth, Hosts, BaseURL
// and UI are needed.
type Config struct {
	Catalog   Catalog
	Transfers Transfers
	Generator Generator
	Events    Events
	System    System

	// Tokens knows the tokens of callers over TCP; nil accepts none.
	Tokens Tokens
	// NoAuth makes every caller admin. Only for a loopback listener.
	NoAuth bool
	// Hosts are names under which callers over TCP may address the daemon,
	// beside localhost and the addresses it listens on.
	Hosts []string
	// BaseURL returns the address of the page ("http://127.0.0.1:7377", no
	// final slash), "" while there is none. Login links start with it.
	BaseURL func() string
	// UI serves / and /assets/; nil leaves them out. It needs no role: the page
	// holds nothing until its reader logs in.
	UI http.Handler

	Log *slog.Logger
	// Metrics is where the server's own metrics go and what /metrics shows.
	Metrics *prometheus.Registry
}

// A Server answers requests. Its methods may be called from any goroutine.
type Server struct {
	echo    *echo.Echo
	spec    *spec
	roles   map[string]Role // by method and echo path: what each route demands
	system  System
	tokens  Tokens
	noAuth  bool
	hosts   hostList
	logins  *logins
	baseURL func() string
	log     *slog.Logger

	draining  chan struct{} // closed when open-ended streams must end
	drainOnce sync.Once
}

// New returns a Server. It fails where a part is missing, where a metric is
// registered already, or where the spec and the routes disagree.
func New(cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("make web server: %w", err)
	}
	spec, err := loadSpec()
	if err != nil {
		return nil, fmt.Errorf("make web server: %w", err)
	}
	s := &Server{
		spec:     spec,
		roles:    map[string]Role{},
		system:   cfg.System,
		tokens:   cfg.Tokens,
		noAuth:   cfg.NoAuth,
		hosts:    newHostList(cfg.Hosts),
		logins:   newLogins(time.Now),
		baseURL:  cfg.BaseURL,
		log:      cfg.Log,
		draining: make(chan struct{}),
	}
	if s.baseURL == nil {
		s.baseURL = func() string { return "" }
	}
	s.echo = echo.New()
	s.echo.HTTPErrorHandler = s.handleError
	s.echo.JSONSerializer = plainJSON{}
	s.echo.IPExtractor = echo.ExtractIPDirect()
	metrics, err := newMetrics(cfg.Metrics)
	if err != nil {
		return nil, fmt.Errorf("make web server: %w", err)
	}
	s.echo.Use(metrics.observe, s.prepare, s.recovered)
	if err := s.routes(cfg); err != nil {
		return nil, fmt.Errorf("make web server: %w", err)
	}
	return s, nil
}

func (cfg Config) check() error {
	parts := map[string]bool{
		"Catalog": cfg.Catalog != nil, "Transfers": cfg.Transfers != nil, "Generator": cfg.Generator != nil,
		"Events": cfg.Events != nil, "System": cfg.System != nil, "Log": cfg.Log != nil, "Metrics": cfg.Metrics != nil,
	}
	for name, there := range parts {
		if !there {
			return errors.New("config has no " + name)
		}
	}
	return nil
}

// Handler answers callers over TCP, who prove who they are by token or cookie.
func (s *Server) Handler() http.Handler {
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, client.NewError("connect", client.CodeForbidden,
			"check origin: the request comes from a page of another origin"))
	}))
	guarded := origin.Handler(s.echo)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.hosts.check(r); err != nil {
			s.refuse(w, r, err)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// SocketHandler answers callers over the data folder's socket: whoever may open
// it is admin.
func (s *Server) SocketHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.echo.ServeHTTP(w, withGrant(r, bySocket))
	})
}

// refuse answers a request that does not reach the routes.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	c := s.echo.NewContext(r, w)
	s.handleError(err, c)
}

// prepare gives each request an id and each answer its headers, and bounds how
// long net/http waits for the rest of a body that nobody reads.
func (s *Server) prepare(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if c.Request().ContentLength != 0 {
			control := http.NewResponseController(c.Response().Writer)
			// A recorder in a test has no deadline; a connection always has.
			defer func() { _ = control.SetReadDeadline(time.Now().Add(drainTimeout)) }()
		}
		var id [8]byte
		_, _ = rand.Read(id[:]) // never fails: it ends the process instead
		h := c.Response().Header()
		h.Set(echo.HeaderXRequestID, hex.EncodeToString(id[:]))
		h.Set("X-Content-Type-Options", "nosniff")
		return next(c)
	}
}

// plainJSON writes answers as streams do.
type plainJSON struct{ echo.DefaultJSONSerializer }

func (plainJSON) Serialize(c echo.Context, v any, _ string) error {
	b, err := stream.Encode(v)
	if err != nil {
		return err
	}
	_, err = c.Response().Write(b)
	return err
}

// Timeouts of an HTTPServer. Bodies and streams have bounds of their own, since
// an answer may take as long as a model needs.
const (
	headerTimeout  = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 64 << 10
)

// HTTPServer returns an http.Server for one of s's handlers. Its Shutdown ends
// event streams, which would otherwise never end by themselves.
func (s *Server) HTTPServer(h http.Handler) *http.Server {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	srv.RegisterOnShutdown(s.Drain)
	return srv
}

// Drain ends the event streams; requests that end by themselves go on.
func (s *Server) Drain() { s.drainOnce.Do(func() { close(s.draining) }) }
