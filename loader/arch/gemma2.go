package arch

import (
	"math"

	"samara/loader/kernels"
	"samara/loader/weights"
)

// gemma2 has norms before and after attention and feed-forward, caps scores and
// logits, and looks back through a window in every other layer
// (arXiv:2408.00118).
var gemma2Family = family{
	name:   "gemma2",
	models: "Gemma 2",
	hub:    []string{"Gemma2ForCausalLM", "gemma2"},
	gguf:   []string{"gemma2"},
	fromHub: func(k *keys, c *Config) {
		gemmaFromHub(k, c)
		c.AttentionSoftcap = float32(k.number("attn_logit_softcapping", 0))
		c.LogitSoftcap = float32(k.number("final_logit_softcapping", 0))
		hubWindows(k, c, k.integer("sliding_window", 4096), func(i int) bool { return i%2 == 0 })
	},
	fromGGUF: func(k *keys, c *Config) {
		gemmaFromGGUF(k, c, 46)
		c.AttentionSoftcap = float32(k.number("attn_logit_softcapping", 50))
		c.LogitSoftcap = float32(k.number("final_logit_softcapping", 30))
		ggufWindows(k, c, 2)
	},
	load: loadGemma2,
}

// gemmaFromHub reads what all Gemmas have.
func gemmaFromHub(k *keys, c *Config) {
	c.Head = k.integer("head_dim", 256)
	c.Tied = k.flag("tie_word_embeddings", true)
	c.EmbedScale = float32(math.Sqrt(float64(c.Dim)))
	c.AttentionScale = float32(1 / math.Sqrt(k.number("query_pre_attn_scalar", 256)))
	c.QKVBias = k.flag("attention_bias", false)
	c.OutBias = c.QKVBias
	switch act := k.text("hidden_activation", k.text("hidden_act", "gelu_pytorch_tanh")); act {
	case "gelu_pytorch_tanh":
		c.Act = kernels.GELUTanh
	default:
		k.fail("hidden_activation", act, "gelu_pytorch_tanh")
	}
}

// gemmaFromGGUF reads what all Gemmas have. The files do not say how scores are
// scaled: by the head's width, and in the largest model, which has so many
// layers, by the width for each head.
func gemmaFromGGUF(_ *keys, c *Config, largest int) {
	c.Act = kernels.GELUTanh
	c.EmbedScale = float32(math.Sqrt(float64(c.Dim)))
	if c.Layers == largest && c.Heads > 0 {
		c.AttentionScale = float32(1 / math.Sqrt(float64(c.Dim/c.Heads)))
	}
}

// ggufWindows reads how far the layers look back, every period-th of which sees
// all.
func ggufWindows(k *keys, c *Config, period int) {
	window := k.integer("attention.sliding_window", -1)
	if period < 1 {
		k.fail("attention.sliding_window_pattern", period, "at least 1")
		return
	}
	c.Windows = make([]int, c.Layers)
	for i := range c.Windows {
		if (i+1)%period != 0 {
			c.Windows[i] = window
		}
	}
}

type gemma2 struct {
	decoder
	Layers []gemma2Layer `gguf:"blk" hub:"model.layers"`
}

type gemma2Layer struct {
	AttnNorm     []float32 `gguf:"attn_norm" hub:"input_layernorm" shape:"dim"`
	Attn         attention
	PostAttnNorm []float32 `gguf:"post_attention_norm" hub:"post_attention_layernorm" shape:"dim"`
	FFNNorm      []float32 `gguf:"ffn_norm" hub:"pre_feedforward_layernorm" shape:"dim"`
	FFN          swiglu
	PostFFNNorm  []float32 `gguf:"post_ffw_norm" hub:"post_feedforward_layernorm" shape:"dim"`
}

func loadGemma2(c Config, d *weights.Directory, p *kernels.Pool) (Model, error) {
	m := &gemma2{Layers: make([]gemma2Layer, c.Layers)}
	model, err := m.load(m, c, d, p, m.forward)
	if err == nil && d.Format != "gguf" {
		plusOne(m.Norm)
		for _, l := range m.Layers {
			plusOne(l.AttnNorm, l.PostAttnNorm, l.FFNNorm, l.PostFFNNorm)
		}
	}
	return model, err
}

// plusOne adds 1: Gemma's norms multiply by 1 + w, and only GGUF files have the
// 1 in them.
func plusOne(vectors ...[]float32) {
	for _, v := range vectors {
		for i := range v {
			v[i]++
		}
	}
}

// forward adds layer i to the residual stream.
func (m *gemma2) forward(p *pass, i int) {
	l := &m.Layers[i]
	// x += norm(attention(norm(x)))
	p.norm(p.h, p.x, l.AttnNorm)
	l.Attn.run(p, i, p.h)
	p.norm(p.h, p.h, l.PostAttnNorm)
	p.add()
	// x += norm(down(gelu(gate(norm(x))) · up(norm(x))))
	p.norm(p.h, p.x, l.FFNNorm)
	l.FFN.run(p, p.h)
	p.norm(p.h, p.h, l.PostFFNNorm)
	p.add()
}
