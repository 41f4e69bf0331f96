package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"samara/loader"
	"samara/web/client"
)

// runCmd talks to a model.
type runCmd struct {
	Model  string `arg:"" help:"Reference, path, or a link, which is fetched first."`
	Prompt string `arg:"" optional:"" help:"Question; without one a chat, or what stdin holds."`

	Raw    bool     `help:"Continue the text as it is: no chat template, BOS as the model asks."`
	System string   `help:"Instructions before the conversation." placeholder:"TEXT"`
	Name   string   `help:"With a link: what the version will be called." placeholder:"NAME"`
	Peer   []string `help:"With a link: peer to ask first." placeholder:"HOST:PORT" sep:"none"`

	Sampling sampling `embed:""`
}

// Help is the verb's page.
func (*runCmd) Help() string {
	return helpText(`
Answers one prompt, or chats: end with Ctrl-D or /bye, begin anew with /clear, stop an answer with Ctrl-C. MODEL is a reference, a file or folder (it starts with / . or ~, or ends in .gguf or .safetensors), or a link. With --json: {"text", "ids", "prompt_ids", "finish_reason", "usage"}.`,
		`
samara run me/tiny
samara run me/tiny "Tell me a story." --temperature 0
samara run ./smollm2.gguf "What is the capital of Japan?" --json
samara run "magnet:?xt=urn:btih:…" --peer 192.168.1.7:7378`, 3, 4)
}

// Run finds the model and talks to it.
func (c *runCmd) Run(a *app) error {
	switch kindOf(c.Model) {
	case modelPath:
		m, err := a.openModel(c.Model, loader.Options{})
		if err != nil {
			return err
		}
		return firstError(c.talk(a, localModel{m}), m.Close())
	case modelLink:
		return a.with(withSwarm, func(s *session) error {
			t, err := c.fetch(a, s)
			if err != nil {
				return err
			}
			return c.talk(a, remoteModel{a, s, t.Reference})
		})
	}
	return a.with(noSwarm, func(s *session) error { return c.talk(a, remoteModel{a, s, c.Model}) })
}

// fetch adds the link and waits; its lines go to stderr, since stdout is for
// the answer.
func (c *runCmd) fetch(a *app, s *session) (client.Transfer, error) {
	req := client.AddRequest{Name: c.Name, Peers: c.Peer}
	var err error
	if req.Link, req.Torrent, err = readLink(c.Model); err != nil {
		return client.Transfer{}, err
	}
	t, err := a.add(s, c.Model, req)
	if err != nil {
		return t, err
	}
	quiet := *a
	opts := *a.opts
	opts.JSON = false
	quiet.opts, quiet.out = &opts, a.err
	t, err = quiet.wait(s, t, false)
	return t, err
}

// talk answers one prompt, or chats.
func (c *runCmd) talk(a *app, m answerer) error {
	if c.Prompt == "" && a.inTTY {
		if a.opts.JSON {
			return usage("run: --json answers one prompt, got none", `samara run MODEL "a question" --json`)
		}
		return c.chat(a, m)
	}
	prompt := c.Prompt
	if prompt == "" {
		text, err := readAllBounded(a.in, "stdin", maxText)
		if err != nil {
			return err
		}
		prompt = string(text)
		if !c.Raw {
			prompt = strings.TrimSpace(prompt)
		}
	}
	if prompt == "" {
		return usage("run: got no prompt", `samara run MODEL "a question"`)
	}
	q := c.question(c.system(), prompt)
	if a.opts.JSON {
		got, err := m.ask(a.ctx, q, nil)
		if err != nil {
			return err
		}
		return a.json(got)
	}
	got, err := m.ask(a.ctx, q, a.emit)
	if err == nil && !strings.HasSuffix(got.Text, "\n") {
		fmt.Fprintln(a.out)
	}
	return err
}

// emit writes a piece of an answer; on a terminal nothing in it may steer.
func (a *app) emit(text string) error {
	if a.outTTY {
		lines := strings.Split(text, "\n")
		for i, line := range lines {
			lines[i] = printable(line)
		}
		text = strings.Join(lines, "\n")
	}
	_, err := io.WriteString(a.out, text)
	return err
}

// system begins a conversation.
func (c *runCmd) system() []message {
	if c.System == "" {
		return nil
	}
	return []message{{Role: "system", Content: c.System}}
}

// question asks prompt at the end of a conversation, or raw.
func (c *runCmd) question(before []message, prompt string) question {
	q := question{sampling: c.Sampling}
	if c.Raw {
		q.raw = prompt
		return q
	}
	q.messages = append(before, message{Role: "user", Content: prompt})
	return q
}

// chat reads lines until the end of the input and answers each.
func (c *runCmd) chat(a *app, m answerer) error {
	a.note("chat with %s: /clear begins anew, /bye or Ctrl-D ends, Ctrl-C stops an answer", c.Model)
	history := c.system()
	lines := bufio.NewScanner(a.in)
	lines.Buffer(nil, maxLine)
	for {
		fmt.Fprint(a.err, ">>> ")
		line, ok, err := a.readLine(lines)
		if err != nil || !ok {
			fmt.Fprintln(a.err)
			return err
		}
		switch line {
		case "":
			continue
		case "/bye":
			return nil
		case "/clear":
			history = c.system()
			continue
		}
		q := c.question(history, line)
		got, err := c.turn(a, m, q)
		if codeOf(err) == client.CodeContextLength {
			a.report(err)
			a.note("the question is left out; /clear begins anew")
			continue
		}
		if err != nil {
			return err
		}
		if !c.Raw {
			history = append(q.messages, message{Role: "assistant", Content: got.Text})
		}
	}
}

// maxLine bounds a line of a chat.
const maxLine = 1 << 20

// readLine reads one line; an interrupt ends the waiting.
func (a *app) readLine(lines *bufio.Scanner) (line string, ok bool, err error) {
	type read struct {
		line string
		ok   bool
		err  error
	}
	got := make(chan read, 1)
	// Reading a terminal cannot be called off: after an interrupt this
	// goroutine ends with the process.
	go func() {
		ok := lines.Scan()
		got <- read{strings.TrimSpace(lines.Text()), ok, lines.Err()}
	}()
	select {
	case r := <-got:
		return r.line, r.ok, r.err
	case <-a.ctx.Done():
		return "", false, a.ctx.Err()
	}
}

// turn answers one line; Ctrl-C stops the answer only.
func (c *runCmd) turn(a *app, m answerer, q question) (answer, error) {
	ctx, cancel := context.WithCancel(a.ctx)
	defer cancel()
	defer a.interrupts.catch(cancel)()
	said := &strings.Builder{}
	got, err := m.ask(ctx, q, func(text string) error {
		said.WriteString(text)
		return a.emit(text)
	})
	fmt.Fprintln(a.out)
	got.Text = said.String()
	switch {
	case err == nil:
		return got, nil
	case a.ctx.Err() != nil:
		return got, a.ctx.Err()
	case ctx.Err() != nil:
		return got, nil
	}
	return got, err
}
