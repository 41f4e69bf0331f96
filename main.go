// Samara carries model weights by magnet link, verifies them and runs them: one
// binary, from a link to tokens over HTTP. The verbs are in daemon/cli.
package main

import (
	"embed"
	"io/fs"
	"os"

	"samara/daemon/cli"
)

// The model that "samara demo" publishes; testdata/tiny says how it was made.
//
//go:embed testdata/tiny/model
var tiny embed.FS

func main() {
	model, err := fs.Sub(tiny, "testdata/tiny/model")
	if err != nil {
		panic(err) // the path is not one
	}
	os.Exit(cli.Main(model))
}
