package arch

import (
	"fmt"

	"samara/loader/kernels"
	"samara/loader/weights"
)

// qwen3moe is Qwen3 whose feed-forward is a mixture of experts
// (arXiv:2505.09388).
var qwen3moeFamily = family{
	name:   "qwen3moe",
	models: "Qwen3 with experts",
	hub:    []string{"Qwen3MoeForCausalLM", "qwen3_moe"},
	gguf:   []string{"qwen3moe"},
	fromHub: func(k *keys, c *Config) {
		c.Head = k.integer("head_dim", c.Head)
		c.QKVBias = k.flag("attention_bias", false)
		c.OutBias = c.QKVBias
		c.Experts = k.integer("num_experts", k.integer("num_local_experts", 128))
		c.ActiveExperts = k.integer("num_experts_per_tok", 8)
		c.ExpertFFN = k.integer("moe_intermediate_size", 768)
		c.NormExperts = k.flag("norm_topk_prob", false)
		k.want("decoder_sparse_step", 1)
		if dense := k.list("mlp_only_layers"); len(dense) > 0 {
			k.fail("mlp_only_layers", fmt.Sprint(dense), "no layer without experts")
		}
		qwenWindows(k, c)
	},
	fromGGUF: func(k *keys, c *Config) {
		c.Experts = k.integer("expert_count", -1)
		c.ActiveExperts = k.integer("expert_used_count", -1)
		c.ExpertFFN = k.integer("expert_feed_forward_length", -1)
		c.NormExperts = true
	},
	load: loadQwen3MoE,
}

type qwen3moe struct {
	decoder
	Layers []qwen3moeLayer `gguf:"blk" hub:"model.layers"`
}

type qwen3moeLayer struct {
	AttnNorm []float32 `gguf:"attn_norm" hub:"input_layernorm" shape:"dim"`
	Attn     normedAttention
	FFNNorm  []float32 `gguf:"ffn_norm" hub:"post_attention_layernorm" shape:"dim"`
	Router   linear    `gguf:"ffn_gate_inp" hub:"mlp.gate" shape:"experts,dim"`
	Gate     experts   `gguf:"ffn_gate_exps" hub:"mlp.experts.*.gate_proj" shape:"expertffn,dim"`
	Up       experts   `gguf:"ffn_up_exps" hub:"mlp.experts.*.up_proj" shape:"expertffn,dim"`
	Down     experts   `gguf:"ffn_down_exps" hub:"mlp.experts.*.down_proj" shape:"dim,expertffn"`
}

func loadQwen3MoE(c Config, d *weights.Directory, p *kernels.Pool) (Model, error) {
	m := &qwen3moe{Layers: make([]qwen3moeLayer, c.Layers)}
	return m.load(m, c, d, p, m.forward)
}

// forward adds layer i to the residual stream.
func (m *qwen3moe) forward(p *pass, i int) {
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
