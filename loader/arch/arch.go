// Package arch holds the forward passes, one architecture per file. A file
// reads like the paper: a struct whose tags name the tensors, and Forward.
//
// Adding an architecture is one file, one row in the table below and one test
// against an oracle.
package arch

import (
	"context"
	"fmt"
	"math"

	"samara/loader/kernels"
	"samara/loader/state"
	"samara/loader/weights"
)

// MaxBatch is the number of tokens that go through the layers together while a
// prompt is read. Each tile of weights is unpacked once for all of them.
const MaxBatch = 96

// A Model is the forward pass of one architecture over mapped weights. It is
// safe for use by several goroutines, each with its own State and Buffers.
type Model interface {
	// NewState returns an empty state for up to limit tokens.
	NewState(limit int) state.State
	// NewBuffers returns the memory of one forward pass.
	NewBuffers() Buffers
	// Forward appends up to MaxBatch ids, each below VocabSize and room for
	// them below the state's limit, and returns the logits after the last of
	// them, or after each where all is set: [1 or ids][vocab], valid until
	// buf's next use. Where it fails (ctx ended) s is as before. The caller
	// holds the weights.
	Forward(ctx context.Context, s state.State, buf Buffers, ids []int32, all bool) ([]float32, error)
}

// Buffers is the memory of one forward pass; each Model makes its own kind.
type Buffers any

// A Config is the shape of a model in plain numbers.
type Config struct {
	Architecture string // "llama"
	Layers       int
	Dim          int // width of the residual stream
	FFN          int // width inside the feed-forward
	Heads        int
	KVHeads      int // divides Heads
	Head         int // width of a head, even
	Vocab        int
	Context      int // tokens the model was made for, 0 where unknown
	Epsilon      float32
	Rope         RopeConfig
	Tied         bool // the output matrix is the embedding
}

// A RopeConfig says how angles grow with the position.
type RopeConfig struct {
	Base float64
	// Linear divides every angle; 1 changes nothing.
	Linear float64
	// Llama3 stretches the slow angles where Factor is not 0.
	Llama3 Llama3Scaling
}

// Llama3Scaling is the "llama3" kind of rope scaling.
type Llama3Scaling struct {
	Factor, LowFreq, HighFreq float64
	OriginalContext           float64
}

// Bounds on a config: what a stranger's numbers may make us allocate, and well
// above what any model has.
const (
	MaxLayers  = 1 << 10
	MaxWidth   = 1 << 18 // of any vector
	MaxHeads   = 1 << 12
	MaxVocab   = 1 << 22
	MaxContext = 1 << 24
)

// check refuses numbers that are out of bounds or do not fit together.
func (c *Config) check() error {
	for _, b := range []struct {
		name       string
		value, max int
	}{
		{"layers", c.Layers, MaxLayers},
		{"width", c.Dim, MaxWidth},
		{"feed-forward width", c.FFN, MaxWidth},
		{"heads", c.Heads, MaxHeads},
		{"key-value heads", c.KVHeads, MaxHeads},
		{"head width", c.Head, MaxWidth},
		{"heads × head width", c.Heads * c.Head, MaxWidth},
		{"vocabulary", c.Vocab, MaxVocab},
	} {
		if b.value < 1 || b.value > b.max {
			return fmt.Errorf("config: got %d for %s, want 1 to %d", b.value, b.name, b.max)
		}
	}
	switch {
	case c.Context < 0 || c.Context > MaxContext:
		return fmt.Errorf("config: got a context of %d, want 0 to %d", c.Context, MaxContext)
	case c.Heads%c.KVHeads != 0:
		return fmt.Errorf("config: got %d heads over %d key-value heads, want a multiple", c.Heads, c.KVHeads)
	case c.Head%2 != 0:
		return fmt.Errorf("config: got a head width of %d, want an even number", c.Head)
	case !(c.Epsilon >= 0 && c.Epsilon < 1):
		return fmt.Errorf("config: got a norm epsilon of %v, want 0 to 1", c.Epsilon)
	case !(c.Rope.Base > 0) || !(c.Rope.Linear > 0) || math.IsInf(c.Rope.Base+c.Rope.Linear, 0):
		return fmt.Errorf("config: got rope base %v and factor %v, want positive numbers", c.Rope.Base, c.Rope.Linear)
	}
	return nil
}

// CacheBytesPerToken is what a State remembers per token, in bytes.
func (c *Config) CacheBytesPerToken() int64 {
	return state.NewPages(c.Layers, c.KVHeads*c.Head).BytesPerToken()
}

// Load makes the forward pass of a config's architecture over d. It fails
// where a tensor is missing, has another shape than the config says or a type
// that cannot be computed with, and where d holds a tensor that the
// architecture has no use for: ignoring it would compute another model. The
// caller holds d during the call.
func Load(c Config, d *weights.Directory, p *kernels.Pool) (Model, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	switch c.Architecture {
	case "llama":
		return loadLlama(c, d, p)
	}
	return nil, fmt.Errorf("got architecture %q, want llama", c.Architecture)
}

// frequencies is the angle per position of each pair: [head/2]. stretch, where
// not nil, divides them.
func (r RopeConfig) frequencies(head int, stretch []float32) []float32 {
	out := make([]float32, head/2)
	for i := range out {
		f := 1 / math.Pow(r.Base, float64(2*i)/float64(head))
		f = r.Llama3.stretch(f) / r.Linear
		if stretch != nil {
			f /= float64(stretch[i])
		}
		out[i] = float32(f)
	}
	return out
}

// stretch divides slow frequencies by Factor, keeps fast ones and blends
// between them.
func (s Llama3Scaling) stretch(f float64) float64 {
	if s.Factor == 0 {
		return f
	}
	turns := s.OriginalContext * f / (2 * math.Pi) // within the original context
	switch {
	case turns < s.LowFreq:
		return f / s.Factor
	case turns > s.HighFreq:
		return f
	}
	smooth := (turns - s.LowFreq) / (s.HighFreq - s.LowFreq)
	return (1-smooth)*f/s.Factor + smooth*f
}
