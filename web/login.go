package web

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"samara/web/client"
)

// A browser logs in by a link that works once. The link's code becomes a random
// cookie that only this process knows; both die with it.
const (
	sessionCookie = "samara_session"
	// codeLife is how long a link may wait to be opened.
	codeLife = 5 * time.Minute
	// sessionLife is how long a browser stays logged in.
	sessionLife = 7 * 24 * time.Hour
	// maxCodes and maxSessions bound memory; the one that ends first gives way.
	maxCodes    = 64
	maxSessions = 256
)

// logins holds the hashes of the codes and cookies that are good, each with the
// time at which it ends.
type logins struct {
	mu       sync.Mutex
	now      func() time.Time
	codes    map[[sha256.Size]byte]time.Time
	sessions map[[sha256.Size]byte]time.Time
}

func newLogins(now func() time.Time) *logins {
	return &logins{
		now:      now,
		codes:    map[[sha256.Size]byte]time.Time{},
		sessions: map[[sha256.Size]byte]time.Time{},
	}
}

// newCode returns a code that redeem takes once, and when it ends.
func (l *logins) newCode() (code string, expires time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.issue(l.codes, maxCodes, codeLife)
}

// redeem turns a code into a cookie's value; false if it was used, has ended or
// never was.
func (l *logins) redeem(code string) (session string, expires time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := sha256.Sum256([]byte(code))
	end, found := l.codes[sum]
	delete(l.codes, sum)
	if !found || !l.now().Before(end) {
		return "", time.Time{}, false
	}
	session, expires = l.issue(l.sessions, maxSessions, sessionLife)
	return session, expires, true
}

// valid reports whether a cookie's value is good.
func (l *logins) valid(session string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	end, found := l.sessions[sha256.Sum256([]byte(session))]
	return found && l.now().Before(end)
}

// issue puts a fresh secret into set. The caller holds the lock.
func (l *logins) issue(set map[[sha256.Size]byte]time.Time, most int, life time.Duration) (string, time.Time) {
	now := l.now()
	var oldest [sha256.Size]byte
	var oldestEnd time.Time
	for sum, end := range set {
		if !now.Before(end) {
			delete(set, sum)
			continue
		}
		if oldestEnd.IsZero() || end.Before(oldestEnd) {
			oldest, oldestEnd = sum, end
		}
	}
	if len(set) >= most {
		delete(set, oldest)
	}
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails: it ends the process instead
	text := base64.RawURLEncoding.EncodeToString(secret[:])
	end := now.Add(life)
	set[sha256.Sum256([]byte(text))] = end
	return text, end
}

// LoginLink returns an address that logs one browser in, once, and the time at
// which it ends. Package daemon prints one when it starts.
func (s *Server) LoginLink() (client.LoginLink, error) {
	base := s.baseURL()
	if base == "" {
		return client.LoginLink{}, client.NewError("login-link", client.CodeUnavailable,
			"make login link: the daemon listens on its socket only").
			WithHint(`start it with "samara serve --listen 127.0.0.1:7377"`)
	}
	code, expires := s.logins.newCode()
	return client.LoginLink{
		Url:     base + "/login?code=" + url.QueryEscape(code),
		Expires: expires.UTC().Truncate(time.Second),
	}, nil
}

// login serves GET /login?code=…, where a one-time link leads.
func (s *Server) login(c echo.Context) error {
	session, expires, ok := s.logins.redeem(c.QueryParam("code"))
	if !ok {
		return client.NewError("login", client.CodeUnauthorized, "log in: the link was used already or is too old").
			WithHint(`"samara login" prints a fresh one`)
	}
	c.SetCookie(&http.Cookie{ //nolint:gosec // Secure wherever there is TLS; loopback may have none
		Name:     sessionCookie,
		Value:    session,
		Path:     "/",
		Expires:  expires,
		Secure:   c.IsTLS(),
		HttpOnly: true,
		SameSite: http.SameSiteStrictMode,
	})
	c.Response().Header().Set("Referrer-Policy", "no-referrer")
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.Redirect(http.StatusSeeOther, "/")
}
