package web

import (
	"errors"
	"fmt"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/labstack/echo/v4"

	"samara/web/client"
)

// validated checks a request against its operation before the handler sees it:
// parameters that the spec does not name, values out of bounds, bodies of
// another shape.
func validated(op operation, next echo.HandlerFunc) echo.HandlerFunc {
	options := &openapi3filter.Options{
		AuthenticationFunc:  openapi3filter.NoopAuthenticationFunc, // roles are checked before
		SkipSettingDefaults: true,
	}
	return func(c echo.Context) error {
		for name := range c.QueryParams() {
			if !op.query[name] {
				return invalid(op, "parameter "+printable(name)+": not known here")
			}
		}
		err := openapi3filter.ValidateRequest(c.Request().Context(), &openapi3filter.RequestValidationInput{
			Request:     c.Request(),
			PathParams:  pathParams(c),
			QueryParams: c.QueryParams(),
			Route:       op.route,
			Options:     options,
		})
		if err != nil {
			return invalid(op, explain(err))
		}
		return next(c)
	}
}

func pathParams(c echo.Context) map[string]string {
	params := map[string]string{}
	for i, name := range c.ParamNames() {
		params[name] = c.ParamValues()[i]
	}
	return params
}

func invalid(op operation, problem string) error {
	return client.NewError(op.id, client.CodeInvalidRequest,
		fmt.Sprintf("%s %s: %s", op.route.Method, op.route.Path, problem))
}

// explain says in one line where a request leaves the spec.
func explain(err error) string {
	var where string
	var request *openapi3filter.RequestError
	if errors.As(err, &request) {
		where = "body"
		if request.Parameter != nil {
			where = "parameter " + request.Parameter.Name
		}
		if request.Err == nil {
			return where + ": " + request.Reason
		}
		err = request.Err
	}
	var schema *openapi3.SchemaError
	if errors.As(err, &schema) {
		if at := schema.JSONPointer(); len(at) > 0 {
			where += " /" + printable(strings.Join(at, "/"))
		}
		return strings.TrimSpace(where) + ": " + schema.Reason
	}
	if where == "" {
		return err.Error()
	}
	return where + ": " + err.Error()
}
