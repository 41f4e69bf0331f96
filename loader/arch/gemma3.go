package arch

import (
	"samara/loader/kernels"
	"samara/loader/weights"
)

// gemma3 is Gemma 2 without caps, with a norm on each head's query and key, and
// five layers with a window, which rotate by their own base, to one without
// (arXiv:2503.19786).
var gemma3Family = family{
	name:   "gemma3",
	models: "Gemma 3",
	hub:    []string{"Gemma3ForCausalLM", "gemma3_text"},
	gguf:   []string{"gemma3"},
	defaults: map[string]any{
		"hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26, "num_attention_heads": 8,
		"num_key_value_heads": 4, "head_dim": 256, "vocab_size": 262208, "max_position_embeddings": 131072,
	},
	fromHub: func(k *keys, c *Config) {
		gemmaFromHub(k, c)
		c.LogitSoftcap = float32(k.number("final_logit_softcapping", 0))
		c.AttentionSoftcap = float32(k.number("attn_logit_softcapping", 0))
		period := k.integer("sliding_window_pattern", k.integer("_sliding_window_pattern", 6))
		hubWindows(k, c, k.integer("sliding_window", 4096), func(i int) bool { return period > 0 && (i+1)%period != 0 })
		local := RopeConfig{Base: k.number("rope_local_base_freq", 10000), Linear: 1}
		if r := k.object("rope_parameters").object("sliding_attention"); r != nil {
			local = r.rope(local.Base, c.Head, k)
		} else if k.get("rope_theta") == nil {
			c.Rope.Base = 1e6
		}
		c.LocalRope = &local
	},
	fromGGUF: func(k *keys, c *Config) {
		gemmaFromGGUF(k, c, 62)
		c.Rope.Base = k.number("rope.freq_base", 1e6)
		c.LocalRope = &RopeConfig{Base: k.number("rope.freq_base_swa", 10000), Linear: 1}
		ggufWindows(k, c, k.integer("attention.sliding_window_pattern", 6))
	},
	load: loadGemma3,
}

type gemma3 struct {
	decoder
	Layers []gemma3Layer `gguf:"blk" hub:"model.layers"`
}

type gemma3Layer struct {
	AttnNorm     []float32 `gguf:"attn_norm" hub:"input_layernorm" shape:"dim"`
	Attn         normedAttention
	PostAttnNorm []float32 `gguf:"post_attention_norm" hub:"post_attention_layernorm" shape:"dim"`
	FFNNorm      []float32 `gguf:"ffn_norm" hub:"pre_feedforward_layernorm" shape:"dim"`
	FFN          swiglu
	PostFFNNorm  []float32 `gguf:"post_ffw_norm" hub:"post_feedforward_layernorm" shape:"dim"`
}

func loadGemma3(c Config, d *weights.Directory, p *kernels.Pool) (Model, error) {
	m := &gemma3{Layers: make([]gemma3Layer, c.Layers)}
	model, err := m.load(m, c, d, p, m.forward)
	if err == nil && d.Format != "gguf" {
		plusOne(m.Norm)
		for _, l := range m.Layers {
			plusOne(l.AttnNorm, l.Attn.QNorm, l.Attn.KNorm, l.PostAttnNorm, l.FFNNorm, l.PostFFNNorm)
		}
	}
	return model, err
}

// forward adds layer i to the residual stream.
func (m *gemma3) forward(p *pass, i int) {
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
