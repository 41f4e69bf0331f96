package arch

import (
	"context"

	"samara/loader/kernels"
	"samara/loader/weights"
)

// modernbert is an encoder with rotary positions, gated feed-forwards and two
// layers with a window, which rotate by their own base, to one without
// (arXiv:2412.13663).
var modernbertFamily = family{
	name:    "modernbert",
	models:  "ModernBERT: embeddings",
	hub:     []string{"ModernBertModel", "ModernBertForMaskedLM", "modernbert"},
	fromHub: modernbertFromHub,
	encoder: loadModernbert,
}

func modernbertFromHub(k *keys, c *Config) {
	c.KVHeads = c.Heads
	c.Epsilon = float32(k.number("norm_eps", 1e-5))
	c.NormBias = k.flag("norm_bias", false)
	c.QKVBias = k.flag("attention_bias", false)
	c.FFNBias = k.flag("mlp_bias", false)
	if act := k.text("hidden_activation", "gelu"); act != "gelu" {
		k.fail("hidden_activation", act, "gelu")
	}
	c.Act = kernels.GELU
	every := max(k.integer("global_attn_every_n_layers", 3), 1)
	// So many positions in both directions, and its own.
	hubWindows(k, c, k.integer("local_attention", 128)/2+1, func(i int) bool { return i%every != 0 })
	local := RopeConfig{Base: k.number("local_rope_theta", 10000), Linear: 1}
	if r := k.object("rope_parameters"); r != nil {
		local = r.object("sliding_attention").rope(local.Base, c.Head, k)
	} else {
		c.Rope.Base = k.number("global_rope_theta", 160000)
	}
	c.LocalRope = &local
}

type modernbert struct {
	cfg   Config
	pool  *kernels.Pool
	ropes []kernels.Rope

	Words  kernels.Matrix    `hub:"embeddings.tok_embeddings" shape:"vocab,dim"`
	First  layerNorm         `hub:"embeddings.norm" shape:"dim" bias:"normbias"`
	Layers []modernbertLayer `hub:"layers"`
	Last   layerNorm         `hub:"final_norm" shape:"dim" bias:"normbias"`
}

type modernbertLayer struct {
	AttnNorm layerNorm `hub:"attn_norm" shape:"dim" bias:"normbias" if:"later"`
	QKV      linear    `hub:"attn.Wqkv" shape:"qkv,dim" bias:"qkvbias"`
	O        linear    `hub:"attn.Wo" shape:"dim,q" bias:"qkvbias"`
	FFNNorm  layerNorm `hub:"mlp_norm" shape:"dim" bias:"normbias"`
	GateUp   linear    `hub:"mlp.Wi" shape:"2ffn,dim" bias:"ffnbias"`
	Down     linear    `hub:"mlp.Wo" shape:"dim,ffn" bias:"ffnbias"`

	attn attention
	ffn  swiglu
}

func loadModernbert(c Config, d *weights.Directory, p *kernels.Pool) (Encoder, error) {
	m := &modernbert{cfg: c, pool: p, Layers: make([]modernbertLayer, c.Layers)}
	if err := bind(m, d, &c, func(string) bool { return false }); err != nil {
		return nil, err
	}
	for _, r := range []RopeConfig{c.Rope, *c.LocalRope} {
		m.ropes = append(m.ropes, kernels.Rope{Freq: r.frequencies(c.Head, nil), Head: c.Head, Magnitude: r.magnitude()})
	}
	q := c.Heads * c.Head
	for i := range m.Layers {
		l := &m.Layers[i]
		l.attn.O, l.ffn.Down = l.O, l.Down
		err := firstError(
			split(&l.QKV, part{&l.attn.Q, q}, part{&l.attn.K, q}, part{&l.attn.V, q}),
			split(&l.GateUp, part{&l.ffn.Gate, c.FFN}, part{&l.ffn.Up, c.FFN}))
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}

// NewBuffers implements Encoder.
func (m *modernbert) NewBuffers() Buffers {
	return &pass{decoder: &decoder{cfg: m.cfg, pool: m.pool}, ropes: m.ropes}
}

// Encode implements Encoder.
func (m *modernbert) Encode(ctx context.Context, buf Buffers, ids []int32) ([]float32, error) {
	p, c := buf.(*pass), &m.cfg
	p.fit(len(ids))
	p.turn(0)
	for i, id := range ids {
		m.Words.Row(p.x[i*c.Dim:(i+1)*c.Dim], int(id))
	}
	m.First.run(p, p.x, p.x)
	for i := range m.Layers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l := &m.Layers[i]
		// x += attention(norm(x)); the first norm is that of the embeddings
		if copy(p.h, p.x); i > 0 {
			l.AttnNorm.run(p, p.h, p.x)
		}
		l.attn.project(p, p.h)
		p.rotate(i)
		p.lookBoth(i)
		l.attn.out(p)
		p.add()
		// x += down(gelu(gate(norm(x))) · up(norm(x)))
		l.FFNNorm.run(p, p.h, p.x)
		l.ffn.run(p, p.h)
		p.add()
	}
	m.Last.run(p, p.x, p.x)
	return p.x, nil
}
