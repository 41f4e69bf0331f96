package arch

import (
	"samara/loader/kernels"
	"samara/loader/weights"
)

// mixtral is Llama whose feed-forward is a mixture of experts
// (arXiv:2401.04088). Each token goes to a few of them; in a mapped file the
// others stay on disk.
var mixtralFamily = family{
	name:   "mixtral",
	models: "Mixtral 8x7B, 8x22B",
	hub:    []string{"MixtralForCausalLM", "mixtral"},
	fromHub: func(k *keys, c *Config) {
		c.Experts = k.integer("num_local_experts", 8)
		c.ActiveExperts = k.integer("num_experts_per_tok", 2)
		c.ExpertFFN = c.FFN
		c.NormExperts = true
		hubWindows(k, c, k.integer("sliding_window", 0), always)
	},
	load: loadMixtral,
}

// mixtralFromGGUF reads a GGUF file, which calls Mixtral a llama with experts.
func mixtralFromGGUF(k *keys, c *Config) {
	c.Architecture = "mixtral"
	c.Experts = k.integer("expert_count", -1)
	c.ActiveExperts = k.integer("expert_used_count", -1)
	c.ExpertFFN = c.FFN
	c.NormExperts = true
}

type mixtral struct {
	decoder
	Layers []mixtralLayer `gguf:"blk" hub:"model.layers"`
}

type mixtralLayer struct {
	AttnNorm []float32 `gguf:"attn_norm" hub:"input_layernorm" shape:"dim"`
	Attn     attention
	FFNNorm  []float32 `gguf:"ffn_norm" hub:"post_attention_layernorm" shape:"dim"`
	Router   linear    `gguf:"ffn_gate_inp" hub:"block_sparse_moe.gate" shape:"experts,dim"`
	Gate     experts   `gguf:"ffn_gate_exps" hub:"block_sparse_moe.experts.*.w1" shape:"expertffn,dim"`
	Up       experts   `gguf:"ffn_up_exps" hub:"block_sparse_moe.experts.*.w3" shape:"expertffn,dim"`
	Down     experts   `gguf:"ffn_down_exps" hub:"block_sparse_moe.experts.*.w2" shape:"dim,expertffn"`
}

func loadMixtral(c Config, d *weights.Directory, p *kernels.Pool) (Model, error) {
	m := &mixtral{Layers: make([]mixtralLayer, c.Layers)}
	return m.load(m, c, d, p, m.forward)
}

// forward adds layer i to the residual stream.
func (m *mixtral) forward(p *pass, i int) {
	l := &m.Layers[i]
	// x += attention(norm(x))
	p.norm(p.h, p.x, l.AttnNorm)
	l.Attn.run(p, i, p.h)
	p.add()
	// x += Σ weight · expert(norm(x))
	p.norm(p.h, p.x, l.FFNNorm)
	p.route(&l.Router, p.h)
	p.mix(p.h, l.Gate, l.Up, l.Down)
	p.add()
}
