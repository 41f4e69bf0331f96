package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// exits says in every verb's help what its exit statuses mean.
var exits = map[int]string{
	0:   "done",
	1:   "failed",
	2:   "usage: the command line, a setting or a link is wrong",
	3:   "not found",
	4:   "verification failed, or trust refused",
	5:   "a daemon holds the data folder and does not answer",
	130: "interrupted",
}

// helpText composes the long help of a verb: what it does, examples, and its
// exit statuses beside those that every verb has.
func helpText(text string, examples string, codes ...int) string {
	var b strings.Builder
	b.WriteString(strings.TrimSpace(text))
	b.WriteString("\n\nExamples:\n\n")
	for line := range strings.Lines(strings.TrimSpace(examples) + "\n") {
		b.WriteString("    " + strings.TrimSpace(line) + "\n")
	}
	b.WriteString("\nExit status:\n\n")
	codes = append(codes, 0, 1, 2, 5, 130)
	slices.Sort(codes)
	for _, c := range slices.Compact(codes) {
		fmt.Fprintf(&b, "    %3d  %s\n", c, exits[c])
	}
	return b.String()
}

// startsDaemon names the verbs whose help lists the daemon's settings. Other
// verbs take them too, for the daemon inside themselves, without saying so.
var startsDaemon = []string{"serve", "add", "peek", "run"}

// printHelp prints the page of one verb, or of all.
func printHelp(options kong.HelpOptions, kctx *kong.Context) error {
	node := kctx.Selected()
	for _, flag := range kctx.Model.Flags {
		if flag.Group != nil && flag.Group.Key == "daemon" {
			flag.Hidden = node == nil || !slices.Contains(startsDaemon, node.Name)
		}
	}
	return kong.DefaultHelpPrinter(options, kctx)
}
