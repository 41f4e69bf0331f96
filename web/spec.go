package web

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

//go:embed openapi.yaml
var specYAML []byte

// A spec is openapi.yaml, read once: what a route demands, what a request must
// look like, and the document that clients get.
type spec struct {
	json       []byte
	operations map[string]operation // by method and echo path
}

// An operation is one method of one path.
type operation struct {
	id    string
	role  Role
	tags  []string
	route *routers.Route
	query map[string]bool // the names of its query parameters
}

func loadSpec() (*spec, error) {
	doc, err := openapi3.NewLoader().LoadFromData(specYAML)
	if err != nil {
		return nil, fmt.Errorf("read openapi.yaml: %w", err)
	}
	s := &spec{operations: map[string]operation{}}
	if s.json, err = json.Marshal(doc); err != nil {
		return nil, fmt.Errorf("encode openapi.yaml: %w", err)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			o, err := newOperation(doc, path, item, method, op)
			if err != nil {
				return nil, fmt.Errorf("read openapi.yaml: %s %s: %w", method, path, err)
			}
			s.operations[method+" "+echoPath(path)] = o
		}
	}
	return s, nil
}

func newOperation(doc *openapi3.T, path string, item *openapi3.PathItem, method string, op *openapi3.Operation) (operation, error) {
	text, _ := op.Extensions["x-role"].(string)
	role, err := ParseRole(text)
	if err != nil {
		return operation{}, err
	}
	query := map[string]bool{}
	for _, params := range []openapi3.Parameters{item.Parameters, op.Parameters} {
		for _, p := range params {
			if p.Value.In == openapi3.ParameterInQuery {
				query[p.Value.Name] = true
			}
		}
	}
	return operation{
		id: op.OperationID, role: role, tags: op.Tags, query: query,
		route: &routers.Route{Spec: doc, Path: path, PathItem: item, Method: method, Operation: op},
	}, nil
}

// echoPath writes a path's {parameter} as Echo's :parameter.
func echoPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}
