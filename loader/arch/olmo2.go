package arch

import (
	"samara/loader/kernels"
	"samara/loader/weights"
)

// olmo2 normalises what attention and feed-forward give, not what they get, and
// queries and keys over all heads together (arXiv:2501.00656).
var olmo2Family = family{
	name:   "olmo2",
	models: "OLMo 2",
	hub:    []string{"Olmo2ForCausalLM", "olmo2"},
	gguf:   []string{"olmo2"},
	fromHub: func(k *keys, c *Config) {
		c.Epsilon = float32(k.number("rms_norm_eps", 1e-5))
		c.QKVBias = k.flag("attention_bias", false)
		c.OutBias = c.QKVBias
	},
	fromGGUF: func(*keys, *Config) {},
	load:     loadOlmo2,
}

type olmo2 struct {
	decoder
	Layers []olmo2Layer `gguf:"blk" hub:"model.layers"`
}

type olmo2Layer struct {
	Attn     attention
	QNorm    []float32 `gguf:"attn_q_norm" hub:"self_attn.q_norm" shape:"q"`
	KNorm    []float32 `gguf:"attn_k_norm" hub:"self_attn.k_norm" shape:"kv"`
	AttnNorm []float32 `gguf:"post_attention_norm" hub:"post_attention_layernorm" shape:"dim"`
	FFN      swiglu
	FFNNorm  []float32 `gguf:"post_ffw_norm" hub:"post_feedforward_layernorm" shape:"dim"`
}

func loadOlmo2(c Config, d *weights.Directory, p *kernels.Pool) (Model, error) {
	m := &olmo2{Layers: make([]olmo2Layer, c.Layers)}
	return m.load(m, c, d, p, m.forward)
}

// forward adds layer i to the residual stream.
func (m *olmo2) forward(p *pass, i int) {
	l := &m.Layers[i]
	// x += norm(attention(x))
	l.Attn.project(p, p.x)
	p.norm(p.q, p.q, l.QNorm)
	p.norm(p.k, p.k, l.KNorm)
	p.rotate(i)
	p.look(i, nil)
	l.Attn.out(p)
	p.norm(p.h, p.h, l.AttnNorm)
	p.add()
	// x += norm(down(silu(gate(x)) · up(x)))
	l.FFN.run(p, p.x)
	p.norm(p.h, p.h, l.FFNNorm)
	p.add()
}
