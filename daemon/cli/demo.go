package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"samara/web/client"
)

// demoCmd shows the whole path on an embedded model.
type demoCmd struct {
	Keep bool `help:"Leave the second daemon running until Ctrl-C, and print its page's address."`
}

// Help is the verb's page.
func (*demoCmd) Help() string {
	return helpText(`
Starts two daemons on loopback, each with a data folder of its own in a temporary folder. The first publishes the embedded model and prints its magnet; the second fetches it by that magnet, verifies it, loads it and answers a chat over HTTP. Each step prints what happened, how long it took and the command that does the same by hand. Everything is removed at the end. Nothing leaves this machine. With --json: {"reference", "version", "magnet", "bytes", "answer", "seconds", "steps": [{"name", "seconds", "by_hand"}]}.`,
		`
samara demo
samara demo --keep`, 4)
}

// What the demo publishes and asks.
const (
	demoName   = "demo/tiny"
	demoPrompt = "Tell me a story about a fox."
	demoTokens = 240
)

// A demo is one run of the verb.
type demo struct {
	a             *app
	dir           string // holds everything that the demo writes
	first, second *child // the daemon that publishes, the one that fetches
	began         time.Time
	step          int
	report        demoReport
}

// demoReport is what the demo reports with --json.
type demoReport struct {
	Reference string     `json:"reference"`
	Version   string     `json:"version"`
	Magnet    string     `json:"magnet"`
	Bytes     int64      `json:"bytes"`
	Answer    string     `json:"answer"`
	Seconds   float64    `json:"seconds"`
	Steps     []demoStep `json:"steps"`
	Page      string     `json:"page,omitempty"`
}

// demoStep is one step of it.
type demoStep struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	ByHand  string  `json:"by_hand"`
}

// Run shows every step and removes everything.
func (c *demoCmd) Run(a *app) (err error) {
	d := &demo{a: a, began: time.Now()}
	if d.dir, err = os.MkdirTemp("", "samara-demo-"); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { err = errors.Join(err, d.close()) }()
	for _, step := range []func() error{d.start, d.publish, d.add, d.verify, d.answer} {
		if err := step(); err != nil {
			return err
		}
	}
	d.report.Seconds = time.Since(d.began).Seconds()
	if c.Keep {
		return d.keep()
	}
	if a.opts.JSON {
		return a.json(d.report)
	}
	a.blank()
	a.say("That was the whole path, in %s. Its folders are removed again; \"samara demo --keep\" keeps them, and the page open, until Ctrl-C.", took(time.Since(d.began)))
	return nil
}

// close ends both daemons and removes the folder.
func (d *demo) close() error {
	return errors.Join(d.first.stop(), d.second.stop(), os.RemoveAll(d.dir))
}

// done tells about a step that ended: its name, the time since began, facts of
// it, and how to do it by hand.
func (d *demo) done(name string, began time.Time, byHand string, facts ...string) {
	span := time.Since(began)
	d.step++
	d.report.Steps = append(d.report.Steps, demoStep{name, span.Seconds(), byHand})
	d.a.say("%d. %s (%s)", d.step, name, took(span))
	for _, f := range facts {
		d.a.say("   %s", f)
	}
	d.a.say("   $ %s", byHand)
}

// start writes the model out and starts both daemons.
func (d *demo) start() (err error) {
	began := time.Now()
	if err := writeModel(d.a.model, filepath.Join(d.dir, "model")); err != nil {
		return err
	}
	if d.first, err = d.a.startChild(d.dir, "first"); err != nil {
		return err
	}
	if d.second, err = d.a.startChild(d.dir, "second"); err != nil {
		return err
	}
	d.done("two daemons started, each a process with a data folder of its own", began,
		"samara serve --data "+d.first.Data,
		fmt.Sprintf("first:  %s, peers reach it at %s", d.first.URL, d.first.Swarm),
		fmt.Sprintf("second: %s, peers reach it at %s", d.second.URL, d.second.Swarm))
	return nil
}

// publish makes the model a version of the first daemon.
func (d *demo) publish() error {
	began := time.Now()
	path := filepath.Join(d.dir, "model")
	r, err := d.a.publish(d.first.session, client.PublishRequest{Path: path, Name: demoName})
	if err != nil {
		return err
	}
	d.report.Reference, d.report.Version = r.Reference, r.Version
	d.report.Magnet, d.report.Bytes = r.Magnet, r.Bytes
	d.done("the first daemon published the embedded model", began,
		fmt.Sprintf("samara publish %s --name %s --data %s", path, demoName, d.first.Data),
		fmt.Sprintf("%s %s, %s, %s", r.Reference, short(r.Version), plural(r.Files, "file"), size(r.Bytes)), r.Magnet)
	return nil
}

// add fetches the magnet into the second daemon.
func (d *demo) add() error {
	began := time.Now()
	t, err := d.a.add(d.second.session, d.report.Magnet, client.AddRequest{
		Link: d.report.Magnet, Name: demoName, Peers: []string{d.first.Swarm},
	})
	if err != nil {
		return err
	}
	if t, err = d.a.follow(d.second.session, t, false, d.progress()); err != nil {
		return err
	}
	if t.State != "ready" {
		return d.a.failed(t)
	}
	if t.Version != d.report.Version {
		return client.NewError("demo", client.CodeVerification,
			fmt.Sprintf("demo: got version %s, want %s", t.Version, d.report.Version))
	}
	d.done("the second daemon fetched it by its magnet", began,
		fmt.Sprintf("samara add '%s' --name %s --peer %s --wait --data %s", d.report.Magnet, demoName, d.first.Swarm, d.second.Data),
		fmt.Sprintf("%s, every group hashed as it came: %s", size(t.BytesDone), short(t.Version)))
	return nil
}

// progress tells how a fetch goes: a bar on a terminal, lines elsewhere.
func (d *demo) progress() func(client.Transfer) {
	bar := d.a.progress()
	var last client.Transfer
	return func(t client.Transfer) {
		switch {
		case d.a.errTTY && (t.State == "ready" || t.State == "failed"):
			bar.clear()
		case d.a.errTTY:
			bar.set(stage(t), t.BytesDone, t.BytesTotal)
		case last.State != t.State || last.BytesDone != t.BytesDone:
			d.a.say("   %s: %s of %s, %s", t.State, size(t.BytesDone), size(t.BytesTotal), plural(t.Peers, "peer"))
		}
		last = t
	}
}

// verify reads the fetched bytes once more.
func (d *demo) verify() error {
	began := time.Now()
	r, err := d.a.verify(d.second.session, demoName)
	if err != nil {
		return err
	}
	if !r.Ok {
		return client.NewError("demo", client.CodeVerification, fmt.Sprintf("demo: %d ranges are bad", len(r.Bad)))
	}
	d.done("the second daemon read every byte again and compared it with its digest", began,
		fmt.Sprintf("samara verify %s --data %s", demoName, d.second.Data),
		fmt.Sprintf("%s, all as the magnet says", size(r.Bytes)))
	return nil
}

// answer asks the model over HTTP, as any OpenAI client would.
func (d *demo) answer() error {
	began := time.Now()
	zero := float32(0)
	q := question{
		messages: []message{{Role: "user", Content: demoPrompt}},
		sampling: sampling{Temperature: &zero, MaxTokens: demoTokens},
	}
	over, err := d.second.overHTTP()
	if err != nil {
		return err
	}
	got, err := remoteModel{d.a, over, demoName}.ask(d.a.ctx, q, nil)
	if err != nil {
		return err
	}
	d.report.Answer = got.Text
	curl := fmt.Sprintf(`curl %s/v1/chat/completions -H "Authorization: Bearer $(cat %s)" -H "Content-Type: application/json" `+
		`-d '{"model": "%s", "messages": [{"role": "user", "content": "%s"}], "temperature": 0, "max_tokens": %d}'`,
		d.second.URL, d.second.tokenFile(), demoName, demoPrompt, demoTokens)
	d.done("the second daemon loaded the model and answered over HTTP", began, curl,
		fmt.Sprintf("%s: %s", "user", demoPrompt),
		fmt.Sprintf("%s: %s", "model", strings.TrimSpace(got.Text)),
		fmt.Sprintf("%d tokens read, %d written", got.Usage.PromptTokens, got.Usage.CompletionTokens))
	return nil
}

// keep leaves the second daemon up until an interrupt.
func (d *demo) keep() error {
	if err := d.first.stop(); err != nil {
		return err
	}
	link, err := client.Decode[client.LoginLink](d.second.session.CreateLoginLink(d.a.ctx))
	if err != nil {
		return err
	}
	d.report.Page = link.Url
	if d.a.opts.JSON {
		if err := d.a.json(d.report); err != nil {
			return err
		}
	}
	d.a.blank()
	d.a.say("The second daemon stays up until Ctrl-C. Its page opens once with %s", link.Url)
	select {
	case <-d.a.ctx.Done():
		return nil
	case err := <-d.second.ended:
		d.second.ended <- err
		return fmt.Errorf("demo: the second daemon ended: %w", err)
	}
}

// writeModel writes the embedded model's files to dir.
func writeModel(model fs.FS, dir string) error {
	if model == nil {
		return errNoModel
	}
	entries, err := fs.ReadDir(model, ".")
	if err != nil || len(entries) == 0 {
		return errNoModel
	}
	if err := os.CopyFS(dir, model); err != nil {
		return fmt.Errorf("demo: write the embedded model: %w", err)
	}
	return nil
}

var errNoModel = client.NewError("demo", client.CodeUnsupported, "demo: this build has no embedded model").
	WithHint("build it from a full checkout: go build . in the project's folder")
