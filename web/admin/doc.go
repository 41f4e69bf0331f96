// Package admin answers /samara/v1, Samara's own HTTP API.
//
// The routes and their parameters (api.gen.go) are generated from
// web/openapi.yaml; the shapes are those of web/client. Package web registers
// the routes, so that each one demands the role its operation names.
package admin

//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config oapi-codegen.yaml ../openapi.yaml
