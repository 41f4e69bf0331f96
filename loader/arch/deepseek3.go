package arch

import (
	"math"

	"samara/loader/kernels"
	"samara/loader/weights"
)

// deepseek3 has multi-head latent attention, and experts as GLM-4.5 has them
// (arXiv:2412.19437).
var deepseek3Family = family{
	name:    "deepseek3",
	models:  "DeepSeek-V3, -R1",
	hub:     []string{"DeepseekV3ForCausalLM", "deepseek_v3"},
	fromHub: deepseek3FromHub,
	load:    loadDeepseek3,
}

func deepseek3FromHub(k *keys, c *Config) {
	l := &LatentConfig{
		KV: k.integer("kv_lora_rank", 512), Query: k.integer("q_lora_rank", 0),
		Rope: k.integer("qk_rope_head_dim", 64), Plain: k.integer("qk_nope_head_dim", 128),
		Value: k.integer("v_head_dim", 128), Interleaved: k.flag("rope_interleave", true),
	}
	c.Latent = l
	// What is remembered is one head's key for all.
	c.KVHeads, c.Head, c.Rope.Dims = 1, l.Rope+l.KV, l.Rope
	c.AttentionScale = float32(1 / math.Sqrt(float64(l.Plain+l.Rope)))
	scaling := k.object("rope_parameters")
	if scaling == nil {
		scaling = k.object("rope_scaling")
	}
	if scaling != nil && c.Rope.Yarn.Factor != 0 {
		m := float32(yarnMagnitude(c.Rope.Yarn.Factor, scaling.number("mscale_all_dim", 0)))
		c.AttentionScale *= m * m
	}
	c.QKVBias = k.flag("attention_bias", false)
	c.OutBias = c.QKVBias
	c.Experts = k.integer("n_routed_experts", 256)
	c.ActiveExperts = k.integer("num_experts_per_tok", 8)
	c.ExpertFFN = k.integer("moe_intermediate_size", 2048)
	c.NormExperts = k.flag("norm_topk_prob", true)
	c.DenseLayers = k.integer("first_k_dense_replace", 3)
	c.Guessing = k.integer("num_nextn_predict_layers", 1)
	k.want("moe_layer_freq", 1)
	for key, value := range map[string]string{"scoring_func": "sigmoid", "topk_method": "noaux_tc"} {
		if got := k.text(key, value); got != value {
			k.fail(key, got, value)
		}
	}
	c.Sigmoid = &SigmoidRouter{
		Groups: k.integer("n_group", 8), ActiveGroups: k.integer("topk_group", 4),
		Scale: float32(k.number("routed_scaling_factor", 2.5)), Shared: k.integer("n_shared_experts", 1),
	}
}

type deepseek3 struct {
	decoder
	Layers []deepseek3Layer `hub:"model.layers"`
}

type deepseek3Layer struct {
	AttnNorm []float32 `hub:"input_layernorm" shape:"dim"`
	Attn     latentAttention
	FFNNorm  []float32 `hub:"post_attention_layernorm" shape:"dim"`
	FFN      swiglu    `if:"dense"`
	MoE      sharedMoE `if:"sparse"`
}

func loadDeepseek3(c Config, d *weights.Directory, p *kernels.Pool) (Model, error) {
	m := &deepseek3{Layers: make([]deepseek3Layer, c.Layers)}
	model, err := m.load(m, c, d, p, m.forward)
	if err == nil {
		m.ropes[0].Interleaved = c.Latent.Interleaved
	}
	return model, err
}

// forward adds layer i to the residual stream.
func (m *deepseek3) forward(p *pass, i int) {
	l := &m.Layers[i]
	// x += attention(norm(x))
	p.norm(p.h, p.x, l.AttnNorm)
	l.Attn.run(p, i)
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
