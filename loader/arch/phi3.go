package arch

import (
	"slices"

	"samara/loader/kernels"
	"samara/loader/weights"
)

// phi3 is Llama with its matrices fused: queries, keys and values in one, gate
// and up in another (arXiv:2404.14219). Phi-3, Phi-3.5 and Phi-4; those with
// 128k of context have LongRoPE.
var phi3Family = family{
	name:   "phi3",
	models: "Phi-3, Phi-3.5, Phi-4",
	hub:    []string{"Phi3ForCausalLM", "phi3"},
	gguf:   []string{"phi3"},
	fromHub: func(k *keys, c *Config) {
		c.Epsilon = float32(k.number("rms_norm_eps", 1e-5))
		hubWindows(k, c, k.integer("sliding_window", 0), always)
	},
	fromGGUF: func(k *keys, c *Config) {
		if window := k.integer("attention.sliding_window", 0); window > 0 {
			c.Windows = slices.Repeat([]int{window}, c.Layers)
		}
		if magnitude := k.number("rope.scaling.attn_factor", 0); magnitude != 0 {
			c.Rope.Long = &LongScaling{
				InTensors: true, Magnitude: magnitude,
				OriginalContext: k.integer("rope.scaling.original_context_length", -1),
			}
		}
	},
	load: loadPhi3,
}

type phi3 struct {
	decoder
	Layers []phi3Layer `gguf:"blk" hub:"model.layers"`
}

type phi3Layer struct {
	AttnNorm []float32 `gguf:"attn_norm" hub:"input_layernorm" shape:"dim"`
	QKV      linear    `gguf:"attn_qkv" hub:"self_attn.qkv_proj" shape:"qkv,dim"`
	O        linear    `gguf:"attn_output" hub:"self_attn.o_proj" shape:"dim,q"`
	FFNNorm  []float32 `gguf:"ffn_norm" hub:"post_attention_layernorm" shape:"dim"`
	GateUp   linear    `gguf:"ffn_up" hub:"mlp.gate_up_proj" shape:"2ffn,dim"`
	Down     linear    `gguf:"ffn_down" hub:"mlp.down_proj" shape:"dim,ffn"`

	attn attention
	ffn  swiglu
}

func loadPhi3(c Config, d *weights.Directory, p *kernels.Pool) (Model, error) {
	m := &phi3{Layers: make([]phi3Layer, c.Layers)}
	model, err := m.load(m, c, d, p, m.forward)
	if err != nil {
		return nil, err
	}
	q, kv := c.Heads*c.Head, c.KVHeads*c.Head
	for i := range m.Layers {
		l := &m.Layers[i]
		l.attn.O, l.ffn.Down = l.O, l.Down
		if err := split(&l.QKV, part{&l.attn.Q, q}, part{&l.attn.K, kv}, part{&l.attn.V, kv}); err != nil {
			return nil, err
		}
		if err := split(&l.GateUp, part{&l.ffn.Gate, c.FFN}, part{&l.ffn.Up, c.FFN}); err != nil {
			return nil, err
		}
	}
	return model, nil
}

// A part is some rows of a fused matrix.
type part struct {
	to   *linear
	rows int
}

// split views the rows of a fused matrix as matrices of their own.
func split(fused *linear, parts ...part) error {
	first := 0
	for _, p := range parts {
		var err error
		if p.to.Matrix, err = fused.Slice(first, p.rows); err != nil {
			return err
		}
		if fused.Bias != nil {
			p.to.Bias = fused.Bias[first : first+p.rows]
		}
		first += p.rows
	}
	return nil
}

// forward adds layer i to the residual stream.
func (m *phi3) forward(p *pass, i int) {
	l := &m.Layers[i]
	// x += attention(norm(x))
	p.norm(p.h, p.x, l.AttnNorm)
	l.attn.run(p, i, p.h)
	p.add()
	// x += down(silu(gate(norm(x))) · up(norm(x)))
	p.norm(p.h, p.x, l.FFNNorm)
	l.ffn.run(p, p.h)
	p.add()
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
