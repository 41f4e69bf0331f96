package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"samara/web/client"
)

// healthz serves GET /healthz: the process answers.
func (s *Server) healthz(c echo.Context) error {
	return c.String(http.StatusOK, "ok\n")
}

// readyz serves GET /readyz. A caller without a role sees which check fails,
// not the paths and addresses in its detail.
func (s *Server) readyz(c echo.Context) error {
	answer := client.Readiness{Ready: true, Checks: []client.Check{}}
	for _, check := range s.system.Ready(c.Request().Context()) {
		if check.Status == "fail" {
			answer.Ready = false
		}
		if !grantOf(c).Role.Allows(RoleRead) {
			check.Detail, check.Hint = "", ""
		}
		answer.Checks = append(answer.Checks, check)
	}
	status := http.StatusOK
	if !answer.Ready {
		status = http.StatusServiceUnavailable
	}
	return c.JSON(status, answer)
}

// openapi serves GET /openapi.json.
func (s *Server) openapi(c echo.Context) error {
	return c.JSONBlob(http.StatusOK, s.spec.json)
}
