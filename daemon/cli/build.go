package cli

import (
	"runtime"
	"runtime/debug"

	"samara/daemon"
)

// version is set by the release build: -ldflags "-X samara/daemon/cli.version=1.2.3".
var version = "dev"

// buildFacts say what this program is.
type buildFacts struct {
	daemon.Build
	Go   string `json:"go"`
	OS   string `json:"os"`
	Arch string `json:"arch"`
}

// String is one line for a person.
func (b buildFacts) String() string {
	line := "samara " + b.Version
	if b.Commit != "" {
		line += " " + b.Commit
	}
	return line + " " + b.Go + " " + b.OS + "/" + b.Arch
}

// buildInfo reads what the Go toolchain wrote into the binary.
func buildInfo() buildFacts {
	b := buildFacts{Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	b.Version = version
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value[:min(12, len(s.Value))]
		case "vcs.time":
			b.Date = s.Value
		}
	}
	return b
}
