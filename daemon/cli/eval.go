package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"samara/loader"
	"samara/loader/chat"
	"samara/web/client"
)

// evalCmd holds the verbs that look at what a model computes.
type evalCmd struct {
	Logits     evalLogitsCmd     `cmd:"" help:"Write the logits after every token as little-endian float32."`
	Perplexity evalPerplexityCmd `cmd:"" help:"Measure how well a model predicts a text."`
	Render     evalRenderCmd     `cmd:"" help:"Render a chat template over a JSON context."`
}

// Help is the page of the verb itself.
func (*evalCmd) Help() string {
	return helpText("Looks at what a model computes. Everything runs in this process.",
		"samara eval logits ./smollm2.gguf --ids 1,2,3 --out logits.f32\nsamara eval perplexity me/tiny --text story.txt", 3)
}

// evalLogitsCmd writes what a model computes for given ids.
type evalLogitsCmd struct {
	Model string  `arg:"" help:"Reference or path."`
	IDs   []int32 `name:"ids" required:"" help:"Token ids; nothing is added." placeholder:"ID,…"`
	Out   string  `required:"" help:"File to write." placeholder:"FILE"`
	Fast  bool    `help:"Compute in the form that serving uses. That is float32 too, so the numbers are the same."`
}

// Help is the verb's page.
func (*evalLogitsCmd) Help() string {
	return helpText(`
Writes the logits after every given token, row by row: little-endian float32, [ids][vocabulary].`,
		`samara eval logits ./smollm2.gguf --ids 1,2,3 --out logits.f32`, 3)
}

// Run writes the file and then makes it visible.
func (c *evalLogitsCmd) Run(a *app) (err error) {
	out, err := renameio.NewPendingFile(c.Out, renameio.WithPermissions(0o644))
	if err != nil {
		return writeFailed(c.Out, err)
	}
	// After CloseAtomicallyReplace this does nothing.
	defer func() { _ = out.Cleanup() }()
	m, err := a.openModel(c.Model, loader.Options{Context: len(c.IDs)})
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, m.Close()) }()
	w := bufio.NewWriterSize(out, 1<<20)
	if err := loader.Logits(a.ctx, m, c.IDs, w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return writeFailed(c.Out, err)
	}
	if err := out.CloseAtomicallyReplace(); err != nil {
		return writeFailed(c.Out, err)
	}
	vocab := m.Info().VocabSize
	if a.opts.JSON {
		return a.json(map[string]any{"out": c.Out, "ids": len(c.IDs), "vocab": vocab})
	}
	a.note("wrote %s: %d x %d float32", c.Out, len(c.IDs), vocab)
	return nil
}

// evalPerplexityCmd measures a text.
type evalPerplexityCmd struct {
	Model string `arg:"" help:"Reference or path."`
	Text  string `required:"" help:"Text file." placeholder:"FILE"`
	Chunk int    `help:"Tokens that are read together; the context's length without it." placeholder:"N"`
}

// Help is the verb's page.
func (*evalPerplexityCmd) Help() string {
	return helpText(`
Prints the perplexity of a text under a model, read in chunks of the context's length. With --json: {"tokens", "nll", "perplexity"}, where nll is the mean over the scored tokens, in nats.`,
		`samara eval perplexity me/tiny --text story.txt --json`, 3)
}

// Run scores the text.
func (c *evalPerplexityCmd) Run(a *app) (err error) {
	text, err := readBounded(c.Text, maxText)
	if err != nil {
		return err
	}
	m, err := a.openModel(c.Model, loader.Options{})
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, m.Close()) }()
	bar := a.progress()
	defer bar.clear()
	r, err := loader.Perplexity(a.ctx, m, string(text), c.Chunk, func(done, total int) {
		bar.count("measuring", int64(done), int64(total))
	})
	if err != nil {
		return err
	}
	bar.clear()
	if a.opts.JSON {
		return a.json(r)
	}
	a.say("perplexity %.4f over %d tokens", r.Perplexity, r.Tokens)
	return nil
}

// evalRenderCmd renders a chat template as a model's loader would.
type evalRenderCmd struct {
	Template string `arg:"" help:"Jinja template file."`
	Context  string `arg:"" help:"JSON object of the template's variables."`
}

// Help is the verb's page.
func (*evalRenderCmd) Help() string {
	return helpText(`
Writes the rendered text to stdout and adds nothing to it. The template runs as a model's own does: no file access, bounded fuel, depth and output. strftime_now gives local time.`,
		`samara eval render chat_template.jinja context.json`)
}

// maxTemplate bounds both files; the interpreter has bounds of its own.
const maxTemplate = 16 << 20

// Run renders.
func (c *evalRenderCmd) Run(a *app) error {
	src, err := readBounded(c.Template, maxTemplate)
	if err != nil {
		return err
	}
	vars, err := readBounded(c.Context, maxTemplate)
	if err != nil {
		return err
	}
	t, err := chat.Compile(string(src))
	if err != nil {
		return fmt.Errorf("render %s: %w", filepath.Base(c.Template), err)
	}
	if !json.Valid(vars) {
		var v any
		return usage(fmt.Sprintf("read %s: %v", c.Context, json.Unmarshal(vars, &v)), "want a JSON object of the template's variables")
	}
	text, err := t.RenderJSON(vars, time.Now())
	var raised *chat.RaiseError
	var failed *chat.EvalError
	if errors.As(err, &raised) || errors.As(err, &failed) {
		// The command line was right, so the exit status is 1.
		return client.Errorf("eval", client.CodeUnsupportedModel, "render %s: %w", filepath.Base(c.Template), err)
	}
	if err != nil {
		return fmt.Errorf("render %s: %w", filepath.Base(c.Template), err)
	}
	if a.opts.JSON {
		return a.json(map[string]string{"text": text})
	}
	_, err = io.WriteString(a.out, text)
	return err
}

// firstError keeps the first of two errors.
func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
