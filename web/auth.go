package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net/http"
	"strings"

	"samara/web/client"
)

// A Grant is what a token stands for.
type Grant struct {
	// Actor names the caller in the journal and the log: "token admin".
	Actor string
	Role  Role
}

// Tokens knows the tokens that callers may carry.
type Tokens interface {
	// Grant returns what the token stands for, and false for one that is
	// unknown. It takes the same time for any unknown token of a length.
	Grant(ctx context.Context, token string) (Grant, bool)
}

// AdminToken returns Tokens that know one token, which may do everything. An
// empty one is never accepted.
func AdminToken(token string) Tokens {
	return adminToken{sum: sha256.Sum256([]byte(token)), set: token != ""}
}

type adminToken struct {
	sum [sha256.Size]byte
	set bool
}

func (t adminToken) Grant(_ context.Context, token string) (Grant, bool) {
	sum := sha256.Sum256([]byte(token))
	same := subtle.ConstantTimeCompare(sum[:], t.sum[:]) == 1
	if !t.set || !same {
		return Grant{}, false
	}
	return Grant{Actor: "token admin", Role: RoleAdmin}, true
}

// maxToken bounds the length of a token, in bytes, so that hashing a header
// costs little.
const maxToken = 1024

var (
	anonymous = Grant{Actor: "anonymous", Role: RolePublic}
	bySocket  = Grant{Actor: "socket", Role: RoleAdmin}
	byCookie  = Grant{Actor: "browser", Role: RoleAdmin}
	withNoKey = Grant{Actor: "anonymous", Role: RoleAdmin} // Config.NoAuth
)

type grantKey struct{}

// withGrant returns r marked with a grant that needs no further proof.
func withGrant(r *http.Request, g Grant) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), grantKey{}, g))
}

// authenticate says who sent r. A token that is there must be right: falling
// back to what an anonymous caller may do would hide a typing error.
func (s *Server) authenticate(r *http.Request) (Grant, error) {
	if g, ok := r.Context().Value(grantKey{}).(Grant); ok {
		return g, nil
	}
	if header := r.Header.Get("Authorization"); header != "" {
		return s.byToken(r.Context(), header)
	}
	if cookie, err := r.Cookie(sessionCookie); err == nil && s.logins.valid(cookie.Value) {
		return byCookie, nil
	}
	if s.noAuth {
		return withNoKey, nil
	}
	return anonymous, nil
}

func (s *Server) byToken(ctx context.Context, header string) (Grant, error) {
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	switch {
	case s.noAuth:
		// Clients such as OpenAI's always send some key.
		return withNoKey, nil
	case !strings.EqualFold(scheme, "Bearer"):
		return Grant{}, unauthorized(fmt.Sprintf("authorize: got scheme %q, want Bearer", printable(scheme)))
	case len(token) > maxToken:
		return Grant{}, unauthorized(fmt.Sprintf("authorize: got a token of %d bytes, want at most %d", len(token), maxToken))
	}
	if s.tokens != nil {
		if g, ok := s.tokens.Grant(ctx, token); ok {
			return g, nil
		}
	}
	return Grant{}, unauthorized("authorize: the token is not known here")
}

// authorize refuses a caller whose role does not reach.
func authorize(g Grant, need Role) error {
	if g.Role.Allows(need) {
		return nil
	}
	if g == anonymous {
		return unauthorized(fmt.Sprintf("authorize: got no token, want one with role %s", need))
	}
	return client.NewError("authorize", client.CodeForbidden,
		fmt.Sprintf("authorize: %s has role %s, want %s", g.Actor, g.Role, need))
}

func unauthorized(message string) error {
	return client.NewError("authorize", client.CodeUnauthorized, message).
		WithHint("send \"Authorization: Bearer TOKEN\"; the data folder's tokens/admin holds one, and \"samara login\" prints a link for browsers")
}

// printable keeps a stranger's text short and free of control characters.
func printable(s string) string {
	const most = 64
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
}
