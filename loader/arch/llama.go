package arch

import (
	"samara/loader/kernels"
	"samara/loader/weights"
)

// llama is the Llama architecture (arXiv:2302.13971): Llama 2 and 3, SmolLM and
// SmolLM2.
var llamaFamily = family{
	name:   "llama",
	models: "Llama 2 and 3, SmolLM, SmolLM2",
	hub:    []string{"LlamaForCausalLM", "llama"},
	gguf:   []string{"llama"},
	fromHub: func(k *keys, c *Config) {
		c.QKVBias = k.flag("attention_bias", false)
		c.OutBias = c.QKVBias
		c.FFNBias = k.flag("mlp_bias", false)
	},
	fromGGUF: func(k *keys, c *Config) {
		if k.integer("expert_count", 0) > 0 {
			mixtralFromGGUF(k, c)
		}
	},
	load: loadLlama,
}

type llama struct {
	decoder
	Layers []llamaLayer `gguf:"blk" hub:"model.layers"`
}

type llamaLayer struct {
	AttnNorm []float32 `gguf:"attn_norm" hub:"input_layernorm" shape:"dim"`
	Attn     attention
	FFNNorm  []float32 `gguf:"ffn_norm" hub:"post_attention_layernorm" shape:"dim"`
	FFN      swiglu
}

func loadLlama(c Config, d *weights.Directory, p *kernels.Pool) (Model, error) {
	m := &llama{Layers: make([]llamaLayer, c.Layers)}
	return m.load(m, c, d, p, m.forward)
}

// forward adds layer i to the residual stream.
func (m *llama) forward(p *pass, i int) {
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
