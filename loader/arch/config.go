package arch

import (
	"fmt"
	"math"

	"samara/loader/kernels"
	"samara/loader/state"
)

// A Config is the shape of a model in plain numbers.
type Config struct {
	Architecture string // name of the family: "llama"
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

	// Windows is how many positions a token sees in each layer, its own
	// included, 0 for all: [layers], or nil where every layer sees all.
	Windows []int

	// Convs says which layers convolve over Conv positions instead of attending:
	// [layers], or nil where none does.
	Convs []bool
	Conv  int
	// Delta is the gated delta rule behind those convolutions, nil for none.
	Delta *DeltaConfig
	// Latent is multi-head latent attention, nil for none.
	Latent *LatentConfig
	// NoRope says which layers do not rotate: [layers], or nil where all do.
	NoRope []bool
	// LocalRope is how layers with a window rotate, nil where as the others.
	LocalRope *RopeConfig

	Act      kernels.Activation // of the feed-forward
	ActLimit float32            // of kernels.Clamped
	// Scales of what their names say; 0 is the usual one: 1, and for attention
	// 1/√head.
	EmbedScale, ResidualScale, AttentionScale, LogitScale float32
	// Softcaps of attention scores and logits; 0 is none.
	AttentionSoftcap, LogitSoftcap float32

	QKVBias, OutBias, FFNBias bool // whether these products have a bias
	NormBias                  bool // of norms with mean

	// Of encoders: rows of the tables of positions and of token types, and the
	// position of the first token.
	Positions, TokenTypes, FirstPosition int

	Experts       int  // in a layer, 0 where the feed-forward is one
	ActiveExperts int  // of a token
	ExpertFFN     int  // width inside an expert
	NormExperts   bool // the weights of a token's experts add up to 1
	DenseLayers   int  // of the first layers, which have no experts
	// Sigmoid is how tokens choose experts, nil for softmax.
	Sigmoid *SigmoidRouter

	QKNorm   bool // each head's query and key are normalised, where models differ in that
	Guessing int  // layers behind the last that guess several tokens ahead: not computed
}

// Bounds on a config: what a stranger's numbers may make us allocate, and well
// above what any model has.
const (
	MaxLayers  = 1 << 10
	MaxWidth   = 1 << 18 // of any vector
	MaxHeads   = 1 << 12
	MaxVocab   = 1 << 22
	MaxContext = 1 << 24
	MaxExperts = 1 << 12

	maxDeltaSize = 1 << 24 // values that a layer of the delta rule remembers
)

// countable refuses a number of layers that lists cannot be made for, and what
// was found wrong before.
func (c *Config) countable(err error) error {
	if err == nil && (c.Layers < 1 || c.Layers > MaxLayers) {
		err = fmt.Errorf("config: got %d for layers, want 1 to %d", c.Layers, MaxLayers)
	}
	return err
}

// check refuses numbers that are out of bounds or do not fit together.
func (c *Config) check() error {
	for _, b := range []struct {
		name            string
		value, min, max int
	}{
		{"layers", c.Layers, 1, MaxLayers},
		{"width", c.Dim, 1, MaxWidth},
		{"feed-forward width", c.FFN, 1, MaxWidth},
		{"heads", c.Heads, 1, MaxHeads},
		{"key-value heads", c.KVHeads, 1, MaxHeads},
		{"head width", c.Head, 1, MaxWidth},
		{"heads × head width", c.Heads * c.Head, 1, MaxWidth},
		{"vocabulary", c.Vocab, 1, MaxVocab},
		{"context", c.Context, 0, MaxContext},
		{"experts", c.Experts, 0, MaxExperts},
		{"active experts", c.ActiveExperts, min(c.Experts, 1), c.Experts},
		{"layers without experts", c.DenseLayers, 0, c.Layers},
		{"layers that guess", c.Guessing, 0, MaxLayers},
		{"positions", c.Positions, 0, MaxContext},
		{"token types", c.TokenTypes, 0, MaxWidth},
		{"first position", c.FirstPosition, 0, MaxWidth},
		{"expert width", c.ExpertFFN, min(c.Experts, 1), MaxWidth},
	} {
		if b.value < b.min || b.value > b.max {
			return fmt.Errorf("config: got %d for %s, want %d to %d", b.value, b.name, b.min, b.max)
		}
	}
	switch {
	case c.Heads%c.KVHeads != 0:
		return fmt.Errorf("config: got %d heads over %d key-value heads, want a multiple", c.Heads, c.KVHeads)
	case c.Head%2 != 0:
		return fmt.Errorf("config: got a head width of %d, want an even number", c.Head)
	case !c.Sigmoid.check(c.Experts):
		return fmt.Errorf("config: got %+v for %d experts, want groups that divide them", *c.Sigmoid, c.Experts)
	case !(c.Epsilon >= 0 && c.Epsilon < 1):
		return fmt.Errorf("config: got a norm epsilon of %v, want 0 to 1", c.Epsilon)
	}
	for _, v := range []float32{c.EmbedScale, c.ResidualScale, c.AttentionScale, c.LogitScale, c.AttentionSoftcap, c.LogitSoftcap, c.ActLimit} {
		if !(v >= 0 && v < math.MaxFloat32) {
			return fmt.Errorf("config: got a scale or softcap of %v, want a number from 0 on", v)
		}
	}
	if err := c.checkLayers(); err != nil {
		return err
	}
	if c.LocalRope != nil {
		if err := c.LocalRope.check(c.Head); err != nil {
			return err
		}
	}
	return c.Rope.check(c.Head)
}

// checkLayers refuses lists that are not one value per layer.
func (c *Config) checkLayers() error {
	if c.Convs != nil && (len(c.Convs) != c.Layers || c.Conv < 1 || c.Conv > state.PageTokens) {
		return fmt.Errorf("config: got convolutions of %d for %d layers, want 1 to %d for %d", c.Conv, len(c.Convs), state.PageTokens, c.Layers)
	}
	if l := c.Latent; l != nil {
		for _, n := range []int{l.KV, l.Rope, l.Plain, l.Value, l.Query + 1} {
			if n < 1 || n > MaxWidth || n*c.Heads > MaxWidth {
				return fmt.Errorf("config: got %+v for latent attention, want widths that %d heads can have", *l, c.Heads)
			}
		}
	}
	if d := c.Delta; d != nil {
		for _, n := range []int{d.KeyHeads, d.ValueHeads, d.Key, d.Value} {
			if n < 1 || n > MaxHeads {
				return fmt.Errorf("config: got %+v for the delta rule, want 1 to %d", *d, MaxHeads)
			}
		}
		if d.ValueHeads%d.KeyHeads != 0 || d.qkv() > MaxWidth || d.size() > maxDeltaSize || c.Convs == nil {
			return fmt.Errorf("config: got %+v for the delta rule, want heads that divide and at most %d values", *d, maxDeltaSize)
		}
	}
	if c.NoRope != nil && len(c.NoRope) != c.Layers {
		return fmt.Errorf("config: got rope for %d layers, want %d", len(c.NoRope), c.Layers)
	}
	if c.Windows != nil && len(c.Windows) != c.Layers {
		return fmt.Errorf("config: got windows for %d layers, want %d", len(c.Windows), c.Layers)
	}
	for i, w := range c.Windows {
		if w < 0 || w > MaxContext {
			return fmt.Errorf("config: got a window of %d in layer %d, want 0 to %d", w, i, MaxContext)
		}
	}
	return nil
}

// pages makes the pages of the model's sequences.
func (c *Config) pages() *state.Pages {
	widths, windows := make([]int, c.Layers), make([]int, c.Layers)
	copy(windows, c.Windows)
	for i := range widths {
		widths[i] = c.KVHeads * c.Head
		if c.convolves(i) {
			widths[i], windows[i] = c.convWidth(), c.Conv
		}
	}
	return state.NewPages(widths, windows)
}

// convWidth is the number of values per position that convolutions see.
func (c *Config) convWidth() int {
	if c.Delta != nil {
		return c.Delta.qkv()
	}
	return c.Dim
}

// wide is the widest that layers which convolve, or those beside them, make of
// a position.
func (c *Config) wide() int {
	return max(3*c.Dim, c.convWidth(), 2*c.Heads*c.Head)
}

// convolves tells whether layer i has a convolution in the place of attention.
func (c *Config) convolves(i int) bool { return c.Convs != nil && c.Convs[i] }

// CacheBytesPerToken is what a State remembers per token, in bytes, beside
// WindowBytes.
func (c *Config) CacheBytesPerToken() int64 { return c.pages().BytesPerToken() }

// WindowBytes is the most that the layers with a window remember, in bytes.
func (c *Config) WindowBytes() int64 {
	limit := c.Context
	if limit == 0 {
		limit = MaxContext
	}
	const float, copies = 4, 2 // what is remembered and what is being computed
	return c.pages().WindowBytes(limit) + int64(c.Layers)*int64(c.Delta.size())*float*copies
}

// window is how far layer i looks back, 0 for all.
func (c *Config) window(i int) int {
	if c.Windows == nil {
		return 0
	}
	return c.Windows[i]
}

// layerSizes are those of sizes that differ by layer.
func (c *Config) layerSizes(i int) map[string]int {
	return map[string]int{"convolves": one(c.convolves(i)), "attends": one(!c.convolves(i)), "later": one(i > 0), "dense": one(i < c.DenseLayers), "sparse": one(i >= c.DenseLayers)}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// sizes are the numbers and conditions that tags of tensors name.
func (c *Config) sizes() map[string]int {
	q, kv := c.Heads*c.Head, c.KVHeads*c.Head
	delta := DeltaConfig{}
	if c.Delta != nil {
		delta = *c.Delta
	}
	latent := LatentConfig{}
	if c.Latent != nil {
		latent = *c.Latent
	}
	return map[string]int{
		"latent.query": latent.Query, "latent.direct": one(latent.Query == 0), "latent.kv": latent.KV,
		"latent.q": c.Heads * (latent.Plain + latent.Rope), "latent.heads": c.Heads * (latent.Plain + latent.Value),
		"latent.values": c.Heads * latent.Value,
		"qknorm":        one(c.QKNorm), "sharedffn": c.sharedFFN(),
		"delta.qkv": delta.qkv(), "delta.values": delta.values(), "delta.heads": delta.ValueHeads, "delta.value": delta.Value,
		"2q":  2 * q,
		"dim": c.Dim, "ffn": c.FFN, "vocab": c.Vocab, "head": c.Head, "q": q, "kv": kv,
		"qkv": q + 2*kv, "2ffn": 2 * c.FFN, "rope": c.Rope.dims(c.Head) / 2,
		"3dim": 3 * c.Dim, "conv": c.Conv, "heads": c.Heads, "2expertffn": 2 * c.ExpertFFN,
		"experts": c.Experts, "expertffn": c.ExpertFFN,
		"qkvbias": one(c.QKVBias), "outbias": one(c.OutBias), "ffnbias": one(c.FFNBias), "normbias": one(c.NormBias),
		"positions": c.Positions, "types": c.TokenTypes,
		"longrope": one(c.Rope.Long != nil && c.Rope.Long.InTensors),
	}
}

// sharedFFN is the width inside the expert that every token goes to.
func (c *Config) sharedFFN() int {
	if c.Sigmoid == nil {
		return 0
	}
	return c.Sigmoid.Shared * c.ExpertFFN
}

// scale is the factor of a product of query and key.
func (c *Config) scale() float32 {
	if c.AttentionScale != 0 {
		return c.AttentionScale
	}
	return float32(1 / math.Sqrt(float64(c.Head)))
}
