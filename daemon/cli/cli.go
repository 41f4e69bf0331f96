// Package cli is the command line of Samara: one file per verb.
//
// Every verb is a client of the HTTP API. It talks to the daemon that holds the
// data folder over the folder's socket; where none runs, it runs one inside
// itself for as long as it lasts; with --server it talks to one elsewhere:
//
//	func main() { os.Exit(cli.Main(model)) }
//
// What a verb reports goes to stdout, everything else to stderr. With --json
// stdout carries one JSON value, or one object a line where the verb streams,
// and errors have the shape {"error": {op, message, type, code, hint}}.
package cli

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"golang.org/x/term"
)

// globals are the options that every verb takes.
type globals struct {
	Data    string           `help:"Data folder; $$XDG_DATA_HOME/samara without it." placeholder:"DIR" env:"SAMARA_DATA" default:"${data}" group:"global"`
	Server  string           `help:"Talk to the daemon at this address, not to the data folder's." placeholder:"URL" env:"SAMARA_SERVER" group:"global"`
	Token   string           `help:"Token for --server." placeholder:"TOKEN" env:"SAMARA_TOKEN" group:"global"`
	Config  string           `help:"Settings file; else samara.toml in the data folder, else in the user's configuration folder." placeholder:"FILE" env:"SAMARA_CONFIG" group:"global"`
	JSON    bool             `help:"Report in JSON on stdout." name:"json" group:"global"`
	Verbose bool             `help:"Log to stderr what happens inside." short:"v" group:"global"`
	Version kong.VersionFlag `help:"Print the version." group:"global"`

	settings
}

// grammar is the whole command line.
type grammar struct {
	globals

	Serve     serveCmd     `cmd:"" help:"Run the daemon."`
	Add       addCmd       `cmd:"" help:"Fetch a model by its link."`
	Peek      peekCmd      `cmd:"" help:"See what is in a link before fetching it."`
	Publish   publishCmd   `cmd:"" help:"Store a folder or file, seed it and print its magnet."`
	Transfers transfersCmd `cmd:"" help:"List what is being fetched; pause, resume, cancel."`
	Run       runCmd       `cmd:"" help:"Chat with a model in the terminal, or get one answer."`

	Ls     lsCmd     `cmd:"" help:"List the models in the registry."`
	Show   showCmd   `cmd:"" help:"Show one version: files, digests, magnet, facts."`
	Files  filesCmd  `cmd:"" help:"List the files of a version."`
	Tag    tagCmd    `cmd:"" help:"Give a version a further name."`
	Rm     rmCmd     `cmd:"" help:"Remove a tag or a version."`
	Gc     gcCmd     `cmd:"" help:"Delete bytes that no version names."`
	Log    logCmd    `cmd:"" help:"Show what happened."`
	Verify verifyCmd `cmd:"" help:"Check every byte of a version against its digests."`

	Login    loginCmd    `cmd:"" help:"Print a one-time link that logs a browser in."`
	Ps       psCmd       `cmd:"" help:"List the loaded models."`
	Tokenize tokenizeCmd `cmd:"" help:"Turn text into token ids, or ids into text."`
	Eval     evalCmd     `cmd:"" help:"Compute logits or perplexity, or render a chat template."`
	Bench    benchCmd    `cmd:"" help:"Measure how fast a model loads, reads and writes."`

	Doctor      doctorCmd  `cmd:"" help:"Say what this machine and this folder can do; rebuild the index."`
	Demo        demoCmd    `cmd:"" help:"Show the whole path, from a magnet to tokens, on an embedded model."`
	VersionVerb versionCmd `cmd:"" name:"version" help:"Print what this program is."`
}

// An app is one run of the command line: its context, options and streams.
type app struct {
	ctx   context.Context
	opts  *globals
	verb  string          // first word of the command, for errors
	set   map[string]bool // flags given on the command line, by name
	model fs.FS           // the embedded model of demo; may be empty
	in    io.Reader
	out   io.Writer
	err   io.Writer
	// inTTY, outTTY and errTTY say which streams are terminals.
	inTTY, outTTY, errTTY bool
	log                   *slog.Logger
	interrupts            *interrupter
	// startPatience bounds how long a verb waits for a daemon that is starting
	// or stopping, answerPatience how long for one that listens to say anything.
	startPatience, answerPatience time.Duration
}

// Main runs the command line of this process and returns its exit status: 0
// done, 1 failed, 2 usage, 3 not found, 4 verification failed or trust refused,
// 5 a daemon holds the folder and does not answer, 130 interrupted.
//
// model is the folder of the model that "demo" publishes; an empty one makes
// that verb fail with a clear error.
func Main(model fs.FS) int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	a := &app{
		ctx: ctx, model: model, interrupts: &interrupter{},
		in: os.Stdin, out: os.Stdout, err: os.Stderr,
		inTTY:  isTerminal(os.Stdin),
		outTTY: isTerminal(os.Stdout),
		errTTY: isTerminal(os.Stderr),

		startPatience: 5 * time.Second, answerPatience: 10 * time.Second,
	}
	defer a.catchSignals(cancel)()
	return a.main(os.Args[1:])
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// exitRequest carries the status with which kong wants to leave after it has
// printed a help page or the version.
type exitRequest int

// main parses args, runs the verb and reports its error.
func (a *app) main(args []string) (status int) {
	defer func() {
		if r := recover(); r != nil {
			code, ok := r.(exitRequest)
			if !ok {
				panic(r)
			}
			status = int(code)
		}
	}()
	g := &grammar{}
	a.opts = &g.globals
	parser, err := newParser(g, a)
	if err != nil {
		panic(err) // the grammar itself is wrong: every test would say so
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	kctx, err := parser.Parse(args)
	a.verb = verbOf(kctx, err)
	if err != nil {
		// Parsing stopped before --json was applied.
		for _, arg := range args {
			g.JSON = g.JSON || arg == "--json"
		}
		return a.report(asUsage(err))
	}
	a.set = given(kctx)
	a.log = newLogger(a.err, g.Verbose, kctx.Command() == "serve")
	return a.report(kctx.Run(a))
}

// newParser builds the grammar's parser, with its settings file.
func newParser(g *grammar, a *app) (*kong.Kong, error) {
	file := &settingsFile{}
	return kong.New(g,
		kong.Name("samara"),
		kong.Description("Carries model weights the way seeds travel: a magnet link becomes verified weights, and the weights answer over HTTP."),
		kong.Writers(a.out, a.err),
		kong.Exit(func(code int) { panic(exitRequest(code)) }),
		kong.Vars{"version": buildInfo().String(), "data": defaultData()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.Help(printHelp),
		kong.ExplicitGroups([]kong.Group{
			{Key: "global", Title: "Global options:"},
			{Key: "daemon", Title: "Settings of the daemon (also SAMARA_… in the environment, and samara.toml):"},
		}),
		kong.WithBeforeResolve(file.load),
		kong.Resolvers(file),
	)
}

// verbOf is the first word of the parsed command, as far as parsing came.
func verbOf(kctx *kong.Context, err error) string {
	var parse *kong.ParseError
	if errors.As(err, &parse) {
		kctx = parse.Context
	}
	if kctx == nil {
		return ""
	}
	verb, _, _ := strings.Cut(kctx.Command(), " ")
	return verb
}

// given names the flags that stood on the command line.
func given(kctx *kong.Context) map[string]bool {
	set := map[string]bool{}
	for _, p := range kctx.Path {
		if p.Flag != nil && !p.Resolved {
			set[p.Flag.Name] = true
		}
	}
	return set
}

// newLogger writes to stderr: everything with verbose, warnings of a daemon that
// stays, and of a daemon inside a verb only what is worse: the verb reports its
// own error.
func newLogger(w io.Writer, verbose, stays bool) *slog.Logger {
	level := slog.LevelError
	switch {
	case verbose:
		level = slog.LevelDebug
	case stays:
		level = slog.LevelWarn
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}
