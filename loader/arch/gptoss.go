package arch

import (
	"samara/loader/kernels"
	"samara/loader/weights"
)

// gptoss is a mixture of experts (arXiv:2508.10925) whose every other layer has
// a window, whose heads have a score that sees nothing, and whose gates are
// clamped. Hub releases have gate and up in one matrix, in turn.
var gptossFamily = family{
	name:   "gpt-oss",
	models: "gpt-oss 20B, 120B",
	hub:    []string{"GptOssForCausalLM", "gpt_oss"},
	gguf:   []string{"gpt-oss"},
	fromHub: func(k *keys, c *Config) {
		c.Head = k.integer("head_dim", 64)
		c.Epsilon = float32(k.number("rms_norm_eps", 1e-5))
		c.QKVBias = k.flag("attention_bias", true)
		c.ActiveExperts = k.integer("num_experts_per_tok", k.integer("experts_per_token", 4))
		c.clampedExperts(k.integer("num_local_experts", 128), float32(k.number("swiglu_limit", 7)))
		if alpha := k.number("swiglu_alpha", kernels.ClampedAlpha); alpha != kernels.ClampedAlpha {
			k.fail("swiglu_alpha", alpha, "1.702")
		}
		hubWindows(k, c, k.integer("sliding_window", 128), func(i int) bool { return i%2 == 0 })
	},
	fromGGUF: func(k *keys, c *Config) {
		c.QKVBias = true
		c.FFN = k.integer("expert_feed_forward_length", c.FFN)
		c.ActiveExperts = k.integer("expert_used_count", -1)
		c.clampedExperts(k.integer("expert_count", -1), 7)
		c.Rope.Yarn.Exact = true
		ggufWindows(k, c, 2)
	},
	load: loadGptoss,
}

// clampedExperts says how n experts compute.
func (c *Config) clampedExperts(n int, limit float32) {
	c.OutBias = c.QKVBias
	c.Experts, c.ExpertFFN, c.NormExperts = n, c.FFN, true
	c.Act, c.ActLimit = kernels.Clamped, limit
}

type gptoss struct {
	decoder
	Layers []gptossLayer `gguf:"blk" hub:"model.layers"`
}

type gptossLayer struct {
	AttnNorm []float32 `gguf:"attn_norm" hub:"input_layernorm" shape:"dim"`
	Attn     attention
	Sinks    []float32 `gguf:"attn_sinks" hub:"self_attn.sinks,bare" shape:"heads"`
	FFNNorm  []float32 `gguf:"post_attention_norm" hub:"post_attention_layernorm" shape:"dim"`
	Router   linear    `gguf:"ffn_gate_inp" hub:"mlp.router" shape:"experts,dim" bias:"experts"`
	GateUp   experts   `hub:"mlp.experts.gate_up_proj,transposed" shape:"2expertffn,dim"`
	Gate     experts   `gguf:"ffn_gate_exps" shape:"expertffn,dim" bias:"experts"`
	Up       experts   `gguf:"ffn_up_exps" shape:"expertffn,dim" bias:"experts"`
	Down     experts   `gguf:"ffn_down_exps" hub:"mlp.experts.down_proj,transposed" shape:"dim,expertffn" bias:"experts"`
}

func loadGptoss(c Config, d *weights.Directory, p *kernels.Pool) (Model, error) {
	m := &gptoss{Layers: make([]gptossLayer, c.Layers)}
	return m.load(m, c, d, p, m.forward)
}

// forward adds layer i to the residual stream.
func (m *gptoss) forward(p *pass, i int) {
	l := &m.Layers[i]
	// x += attention(norm(x))
	p.norm(p.h, p.x, l.AttnNorm)
	l.Attn.project(p, p.h)
	p.rotate(i)
	p.look(i, l.Sinks)
	l.Attn.out(p)
	p.add()
	// x += Σ weight · expert(norm(x))
	p.norm(p.h, p.x, l.FFNNorm)
	p.route(&l.Router, p.h)
	if l.GateUp != nil {
		p.mix(p.h, l.GateUp, nil, l.Down)
	} else {
		p.mix(p.h, l.Gate, l.Up, l.Down)
	}
	p.add()
}
