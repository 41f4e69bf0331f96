package arch

import (
	"samara/loader/kernels"
	"samara/loader/weights"
)

// glm4moe is a mixture of experts (arXiv:2508.06471) with some that every token
// goes to, chosen by sigmoids with a correction that counts for the choice
// alone; its first layers have no experts, and half of a head rotates.
var glm4moeFamily = family{
	name:   "glm4moe",
	models: "GLM-4.5, GLM-4.6",
	hub:    []string{"Glm4MoeForCausalLM", "glm4_moe"},
	fromHub: func(k *keys, c *Config) {
		c.Epsilon = float32(k.number("rms_norm_eps", 1e-5))
		if k.object("rope_parameters") == nil && k.md["partial_rotary_factor"] == nil {
			c.Rope.Dims = c.Head / 2
		}
		c.QKVBias = k.flag("attention_bias", false)
		c.QKNorm = k.flag("use_qk_norm", false)
		c.Experts = k.integer("n_routed_experts", 128)
		c.ActiveExperts = k.integer("num_experts_per_tok", 8)
		c.ExpertFFN = k.integer("moe_intermediate_size", 1408)
		c.NormExperts = k.flag("norm_topk_prob", true)
		c.DenseLayers = k.integer("first_k_dense_replace", 1)
		c.Guessing = k.integer("num_nextn_predict_layers", 1)
		c.Sigmoid = &SigmoidRouter{
			Groups: k.integer("n_group", 1), ActiveGroups: k.integer("topk_group", 1),
			Scale: float32(k.number("routed_scaling_factor", 1)), Shared: k.integer("n_shared_experts", 1),
		}
	},
	load: loadGlm4moe,
}

type glm4moe struct {
	decoder
	Layers []glm4moeLayer `hub:"model.layers"`
}

type glm4moeLayer struct {
	AttnNorm []float32 `hub:"input_layernorm" shape:"dim"`
	Attn     attention
	QNorm    []float32 `hub:"self_attn.q_norm" shape:"head" if:"qknorm"`
	KNorm    []float32 `hub:"self_attn.k_norm" shape:"head" if:"qknorm"`
	FFNNorm  []float32 `hub:"post_attention_layernorm" shape:"dim"`
	FFN      swiglu    `if:"dense"`
	MoE      sharedMoE `if:"sparse"`
}

// sharedMoE is experts that tokens are routed to, and one that all go to.
type sharedMoE struct {
	Router     linear    `hub:"mlp.gate" shape:"experts,dim"`
	Correction []float32 `hub:"mlp.gate.e_score_correction_bias,bare" shape:"experts"`
	Gate       experts   `hub:"mlp.experts.*.gate_proj" shape:"expertffn,dim"`
	Up         experts   `hub:"mlp.experts.*.up_proj" shape:"expertffn,dim"`
	Down       experts   `hub:"mlp.experts.*.down_proj" shape:"dim,expertffn"`
	SharedGate linear    `hub:"mlp.shared_experts.gate_proj" shape:"sharedffn,dim"`
	SharedUp   linear    `hub:"mlp.shared_experts.up_proj" shape:"sharedffn,dim"`
	SharedDown linear    `hub:"mlp.shared_experts.down_proj" shape:"dim,sharedffn"`
}

func loadGlm4moe(c Config, d *weights.Directory, p *kernels.Pool) (Model, error) {
	m := &glm4moe{Layers: make([]glm4moeLayer, c.Layers)}
	return m.load(m, c, d, p, m.forward)
}

// forward adds layer i to the residual stream.
func (m *glm4moe) forward(p *pass, i int) {
	l := &m.Layers[i]
	// x += attention(norm(x))
	p.norm(p.h, p.x, l.AttnNorm)
	l.Attn.project(p, p.h)
	if m.cfg.QKNorm {
		p.norm(p.q, p.q, l.QNorm)
		p.norm(p.k, p.k, l.KNorm)
	}
	p.rotate(i)
	p.look(i, nil)
	l.Attn.out(p)
	p.add()
	// x += down(silu(gate(norm(x))) · up(norm(x))), or experts(norm(x))
	p.norm(p.h, p.x, l.FFNNorm)
	if i < m.cfg.DenseLayers {
		l.FFN.run(p, p.h)
	} else {
		l.MoE.run(p)
	}
	p.add()
}

// run computes h = Σ weight · expert(h) + shared(h).
func (l *sharedMoE) run(p *pass) {
	// The shared expert first: it adds to the stream, and h is needed again.
	p.shared = append(p.shared[:0], p.h...)
	p.multiply(p.h, product{&l.SharedGate, p.gate}, product{&l.SharedUp, p.up})
	n := p.t * l.SharedGate.Rows
	p.gated = kernels.Gated{Gate: p.gate[:n], Up: p.up[:n]}
	p.gated.Run(p.pool)
	p.multiply(p.gate, product{&l.SharedDown, p.h})
	p.add()
	p.routeSigmoid(&l.Router, l.Correction, p.shared)
	p.mix(p.shared, l.Gate, l.Up, l.Down)
}
