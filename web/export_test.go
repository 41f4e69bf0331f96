package web

import (
	"maps"
	"time"
)

// Roles returns what each registered route demands, by method and path.
func (s *Server) Roles() map[string]Role { return maps.Clone(s.roles) }

// Routes returns what Echo serves, by method and path.
func (s *Server) Routes() []string {
	var all []string
	for _, r := range s.echo.Routes() {
		all = append(all, r.Method+" "+r.Path)
	}
	return all
}

// SetNow sets the clock of the logins.
func (s *Server) SetNow(now func() time.Time) { s.logins.now = now }
