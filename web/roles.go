package web

import "fmt"

// A Role is what a caller may do. Each route demands one.
type Role string

// The roles, from nothing to everything. RoleInfer includes RoleRead; RoleAdmin
// includes all; RoleMetrics stands by itself, for a Prometheus that need not
// know anything else.
const (
	RolePublic  Role = "public"
	RoleRead    Role = "read"
	RoleInfer   Role = "infer"
	RoleAdmin   Role = "admin"
	RoleMetrics Role = "metrics"
)

// ParseRole reads a role's name.
func ParseRole(s string) (Role, error) {
	switch r := Role(s); r {
	case RolePublic, RoleRead, RoleInfer, RoleAdmin, RoleMetrics:
		return r, nil
	}
	return "", fmt.Errorf("parse role: got %q, want public, read, infer, admin or metrics", s)
}

// Allows reports whether a caller with role r may use a route that demands
// need. An unknown role allows nothing and is allowed by RoleAdmin only.
func (r Role) Allows(need Role) bool {
	switch {
	case need == RolePublic, r == RoleAdmin:
		return true
	case need == RoleRead:
		return r == RoleRead || r == RoleInfer
	case need == RoleInfer:
		return r == RoleInfer
	case need == RoleMetrics:
		return r == RoleMetrics
	}
	return false
}
