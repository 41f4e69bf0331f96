package loader

import "context"

// BenchOptions shapes a benchmark. 0 leaves a part out.
type BenchOptions struct {
	PromptTokens int // tokens read in one batch
	GenTokens    int // tokens decoded one by one
	Runs         int // repetitions, at least 1; medians are reported
	Options      Options
}

// A BenchResult is what Bench measured.
type BenchResult struct {
	Model             string  `json:"model"`
	Threads           int     `json:"threads"`
	Kernels           string  `json:"kernels"`    // "avx2" or "generic"
	HugePages         bool    `json:"huge_pages"` // the weights lie in 2 MiB pages
	LoadSeconds       float64 `json:"load_seconds"`
	FirstTokenSeconds float64 `json:"first_token_seconds"` // load, one short prompt, one token
	PromptTokens      int     `json:"prompt_tokens"`
	PromptTPS         float64 `json:"prompt_tps"`
	GenTokens         int     `json:"gen_tokens"`
	GenTPS            float64 `json:"gen_tps"`
	RSSBytes          int64   `json:"rss_bytes"`
	Runs              int     `json:"runs"`
}

// Bench opens the model that open gives (once per run) and measures it.
func Bench(ctx context.Context, open func() (Source, error), o BenchOptions) (BenchResult, error) {
	return BenchResult{}, errNoModel
}
