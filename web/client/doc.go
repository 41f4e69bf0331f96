// Package client speaks Samara's own HTTP API, /samara/v1, to a daemon.
//
// The calls and the shapes (api.gen.go) are generated from web/openapi.yaml;
// beside them stand the table of errors (errors.go), two ways to reach a daemon
// (Unix and Remote), and readers for the answers that stream:
//
//	c, err := client.Unix("/var/lib/samara/samara.sock")
//	list, err := client.Decode[client.VersionList](c.ListVersions(ctx, nil))
//
//	events, err := client.Stream[client.VerifyEvent](c.VerifyVersion(ctx, client.VerifyRequest{Ref: "gpt2"}))
//	for e, err := range events { … }
//
// Every error that these return for an answer of the daemon is an *Error.
package client

//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config oapi-codegen.yaml ../openapi.yaml
