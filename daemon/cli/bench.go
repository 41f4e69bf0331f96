package cli

import (
	"fmt"

	"samara/loader"
)

// benchCmd measures a model's speed on this machine.
type benchCmd struct {
	Model  string `arg:"" help:"Reference or path."`
	Prompt int    `short:"p" default:"512" help:"Tokens of the prompt; 0 leaves the part out."`
	Gen    int    `short:"n" default:"64" help:"Tokens to generate; 0 leaves the part out."`
	Runs   int    `short:"r" default:"3" help:"Repetitions; medians are reported."`
}

// Help is the verb's page.
func (*benchCmd) Help() string {
	return helpText(`
Measures how fast a model loads, reads a prompt and writes, in this process, with -t threads. With --json: {"model", "threads", "kernels", "huge_pages", "load_seconds", "first_token_seconds", "prompt_tokens", "prompt_tps", "gen_tokens", "gen_tps", "rss_bytes", "runs"}.`,
		`
samara bench me/tiny
samara bench ./smollm2.gguf -p 512 -n 64 -t 2 --json`, 3)
}

// Run measures.
func (c *benchCmd) Run(a *app) error {
	if c.Prompt < 0 || c.Gen < 0 || c.Runs < 1 || c.Prompt+c.Gen == 0 {
		return usage(fmt.Sprintf("bench: got -p %d -n %d -r %d, want a prompt or an answer, and one run or more", c.Prompt, c.Gen, c.Runs), "")
	}
	open, err := a.opener(c.Model)
	if err != nil {
		return err
	}
	r, err := loader.Bench(a.ctx, open, loader.BenchOptions{
		PromptTokens: c.Prompt, GenTokens: c.Gen, Runs: c.Runs,
		Options: loader.Options{Threads: a.opts.Threads, Context: a.opts.Context},
	})
	if err != nil {
		return err
	}
	r.Model = c.Model
	if a.opts.JSON {
		return a.json(r)
	}
	pages := "4 KiB pages"
	if r.HugePages {
		pages = "2 MiB pages"
	}
	return a.pairs(
		[2]string{"model", r.Model},
		[2]string{"engine", fmt.Sprintf("%d threads, %s kernels, %s", r.Threads, r.Kernels, pages)},
		[2]string{"load", fmt.Sprintf("%.3f s", r.LoadSeconds)},
		[2]string{"first token", fmt.Sprintf("%.3f s", r.FirstTokenSeconds)},
		[2]string{"prompt", rate(r.PromptTokens, r.PromptTPS)},
		[2]string{"generation", rate(r.GenTokens, r.GenTPS)},
		[2]string{"resident", size(r.RSSBytes)},
		[2]string{"runs", fmt.Sprintf("%d, medians", r.Runs)})
}

// rate is a line of bench; empty for a part that was left out.
func rate(tokens int, tps float64) string {
	if tokens == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f tokens/s (%d tokens)", tps, tokens)
}
