package arch

import (
	"samara/loader/kernels"
	"samara/loader/weights"
)

// qwen3 is Llama with a norm on each head's query and key (arXiv:2505.09388).
var qwen3Family = family{
	name:   "qwen3",
	models: "Qwen3, Qwen3-Embedding",
	hub:    []string{"Qwen3ForCausalLM", "qwen3"},
	gguf:   []string{"qwen3"},
	fromHub: func(k *keys, c *Config) {
		c.Head = k.integer("head_dim", 128)
		c.QKVBias = k.flag("attention_bias", false)
		c.OutBias = c.QKVBias
		qwenWindows(k, c)
	},
	fromGGUF: func(*keys, *Config) {},
	load:     loadQwen3,
}

type qwen3 struct {
	decoder
	Layers []qwen3Layer `gguf:"blk" hub:"model.layers"`
}

type qwen3Layer struct {
	AttnNorm []float32 `gguf:"attn_norm" hub:"input_layernorm" shape:"dim"`
	Attn     normedAttention
	FFNNorm  []float32 `gguf:"ffn_norm" hub:"post_attention_layernorm" shape:"dim"`
	FFN      swiglu
}

// normedAttention is attention with a norm on each head's query and key.
type normedAttention struct {
	attention
	QNorm []float32 `gguf:"attn_q_norm" hub:"self_attn.q_norm" shape:"head"`
	KNorm []float32 `gguf:"attn_k_norm" hub:"self_attn.k_norm" shape:"head"`
}

// run computes h = O·attention(from) of layer i.
func (a *normedAttention) run(p *pass, i int, from []float32) {
	a.project(p, from)
	p.norm(p.q, p.q, a.QNorm)
	p.norm(p.k, p.k, a.KNorm)
	p.rotate(i)
	p.look(i, nil)
	a.out(p)
}

func loadQwen3(c Config, d *weights.Directory, p *kernels.Pool) (Model, error) {
	m := &qwen3{Layers: make([]qwen3Layer, c.Layers)}
	return m.load(m, c, d, p, m.forward)
}

// forward adds layer i to the residual stream.
func (m *qwen3) forward(p *pass, i int) {
	l := &m.Layers[i]
	// x += attention(norm(x))
	p.norm(p.h, p.x, l.AttnNorm)
	l.Attn.run(p, i, p.h)
	p.add()
	// x += down(silu(gate(norm(x))) · up(norm(x)))
	p.norm(p.h, p.x, l.FFNNorm)
	l.FFN.run(p, p.h)
	p.add()
}
