package loader

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"samara/loader/kernels"
)

// BenchOptions shapes a benchmark. 0 leaves a part out.
type BenchOptions struct {
	PromptTokens int // tokens read in one go
	GenTokens    int // tokens decoded one by one
	Runs         int // repetitions, at least 1; medians are reported
	Options      Options
}

// A BenchResult is what Bench measured.
type BenchResult struct {
	Model             string  `json:"model"` // the author's name for it; callers may set it
	Threads           int     `json:"threads"`
	Kernels           string  `json:"kernels"`             // "avx2" or "generic"
	HugePages         bool    `json:"huge_pages"`          // weights lie in 2 MiB pages
	LoadSeconds       float64 `json:"load_seconds"`        // Open
	FirstTokenSeconds float64 `json:"first_token_seconds"` // Open and one token
	PromptTokens      int     `json:"prompt_tokens"`
	PromptTPS         float64 `json:"prompt_tps"` // tokens/s
	GenTokens         int     `json:"gen_tokens"`
	GenTPS            float64 `json:"gen_tps"`   // tokens/s
	RSSBytes          int64   `json:"rss_bytes"` // resident after the last run; 0 where unknown
	Runs              int     `json:"runs"`
}

// Bench opens the model that open gives, once per run, and measures it on
// tokens drawn at random with a fixed seed. The decoded tokens follow one
// token, not the prompt.
func Bench(ctx context.Context, open func() (Source, error), o BenchOptions) (BenchResult, error) {
	o.Runs = max(o.Runs, 1)
	res := BenchResult{Kernels: kernels.Name(), Runs: o.Runs, PromptTokens: o.PromptTokens, GenTokens: o.GenTokens}
	var load, first, prompt, gen []float64
	for range o.Runs {
		r, err := benchRun(ctx, open, o, &res)
		if err != nil {
			return res, err
		}
		load, first = append(load, r.load), append(first, r.first)
		prompt, gen = append(prompt, r.prompt), append(gen, r.gen)
	}
	res.LoadSeconds, res.FirstTokenSeconds = median(load), median(first)
	if o.PromptTokens > 0 {
		res.PromptTPS = float64(o.PromptTokens) / median(prompt)
	}
	if o.GenTokens > 0 {
		res.GenTPS = float64(o.GenTokens) / median(gen)
	}
	return res, nil
}

// benchTimes is one run in seconds.
type benchTimes struct{ load, first, prompt, gen float64 }

func benchRun(ctx context.Context, open func() (Source, error), o BenchOptions, res *BenchResult) (t benchTimes, err error) {
	start := time.Now()
	since := func() float64 { return time.Since(start).Seconds() }
	src, err := open()
	if err != nil {
		return t, err
	}
	opened, err := Open(ctx, src, o.Options)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	m := opened.(*model)
	t.load = since()
	res.Model, res.Threads = m.info.Name, m.pool.Threads()

	ids := make([]int32, max(o.PromptTokens, o.GenTokens, 1))
	random := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- not a secret
	for i := range ids {
		ids[i] = random.Int32N(int32(m.info.VocabSize))
	}
	if err := evalEach(ctx, m, ids[:1], 1); err != nil {
		return t, err
	}
	t.first = since()
	if o.PromptTokens > 0 {
		start = time.Now()
		if err := evalEach(ctx, m, ids[:o.PromptTokens], o.PromptTokens); err != nil {
			return t, err
		}
		t.prompt = since()
	}
	if o.GenTokens > 0 {
		start = time.Now()
		if err := evalEach(ctx, m, ids[:o.GenTokens], 1); err != nil {
			return t, err
		}
		t.gen = since()
	}
	res.HugePages, res.RSSBytes = m.dir.HugePages(), residentBytes()
	return t, nil
}

// evalEach evaluates ids in a session of its own, n at a time.
func evalEach(ctx context.Context, m *model, ids []int32, n int) error {
	s, err := m.NewSession(SessionOptions{})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // never fails
	for i := 0; i < len(ids); i += n {
		if _, err := s.Eval(ctx, ids[i:i+n], Last); err != nil {
			return err
		}
	}
	return nil
}

func median(v []float64) float64 {
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// residentBytes is the memory of this process in use, mapped files included,
// as Linux counts it; 0 elsewhere.
func residentBytes() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	if len(f) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
