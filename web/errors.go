package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/labstack/echo/v4"

	"samara/web/client"
	"samara/web/openai"
)

// handleError answers with what went wrong, in the dialect of the route. It is
// silent once an answer is on its way: whoever streams reports inside the
// stream.
func (s *Server) handleError(err error, c echo.Context) {
	e := s.report(c, err)
	if c.Response().Committed {
		return
	}
	status := e.HTTPStatus()
	var h *echo.HTTPError
	if errors.As(err, &h) && h.Code == http.StatusMethodNotAllowed {
		status = h.Code
	}
	if status == http.StatusUnauthorized {
		c.Response().Header().Set("WWW-Authenticate", `Bearer realm="samara"`)
	}
	var body any = client.ErrorResponse{Error: *e}
	if strings.HasPrefix(c.Request().URL.Path, "/v1/") {
		body = openai.ErrorBody(e)
	}
	if c.Request().Method == http.MethodHead {
		err = c.NoContent(status)
	} else {
		err = c.JSON(status, body)
	}
	if err != nil {
		s.log.Debug("answer not sent", slog.Any("error", err))
	}
}

// report gives err its row of the table and logs it where it is the daemon's
// own fault. A caller who is not admin does not read an internal error's
// message; the request's id finds it in the log.
func (s *Server) report(c echo.Context, err error) *client.Error {
	e := client.FromError(s.operationID(c), fromEcho(err))
	if e.Code == client.CodeInternal && errors.Is(c.Request().Context().Err(), context.Canceled) {
		e.Code = client.CodeCanceled
	}
	if e.HTTPStatus() < http.StatusInternalServerError {
		return e
	}
	id := c.Response().Header().Get(echo.HeaderXRequestID)
	s.log.Error("request failed", slog.String("request", id), slog.String("route", c.Path()),
		slog.String("code", e.Code), slog.Any("error", err))
	if e.Code == client.CodeInternal && grantOf(c).Role != RoleAdmin {
		return client.NewError(e.Op, client.CodeInternal,
			fmt.Sprintf("%s: internal error; the daemon's log tells more under request %s", e.Op, id))
	}
	return e
}

// operationID names what the route of c does.
func (s *Server) operationID(c echo.Context) string {
	if op, ok := s.spec.operations[c.Request().Method+" "+c.Path()]; ok {
		return op.id
	}
	return "request"
}

// fromEcho turns the errors that Echo and the generated code make into ours.
func fromEcho(err error) error {
	var h *echo.HTTPError
	if !errors.As(err, &h) {
		return err
	}
	message := fmt.Sprint(h.Message)
	switch h.Code {
	case http.StatusNotFound:
		return client.NewError("", client.CodeNotFound, "find route: there is none at this address")
	case http.StatusMethodNotAllowed:
		return client.NewError("", client.CodeInvalidRequest, "find route: this address does not take the method")
	case http.StatusBadRequest:
		return client.NewError("", client.CodeInvalidRequest, "read request: "+lowerFirst(message))
	}
	return client.Errorf("", client.CodeInternal, "answer request: %w", h)
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// recovered turns a panic of a handler into an error, with its stack in the
// log.
func (s *Server) recovered(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p == http.ErrAbortHandler { //nolint:errorlint // compared as net/http does
				panic(p)
			}
			s.log.Error("handler panicked", slog.Any("panic", p), slog.String("route", c.Path()),
				slog.String("stack", string(debug.Stack())))
			err = client.NewError("", client.CodeInternal, fmt.Sprintf("answer request: panic: %v", p))
		}()
		return next(c)
	}
}
