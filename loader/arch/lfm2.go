package arch

import (
	"samara/loader/kernels"
	"samara/loader/weights"
)

// lfm2 has short convolutions in most layers, and in the others attention with
// a norm on each head's query and key (arXiv:2511.23404). A convolution
// remembers its last few positions, as a very short window does.
var lfm2Family = family{
	name:    "lfm2",
	models:  "LFM2",
	hub:     []string{"Lfm2ForCausalLM", "lfm2"},
	gguf:    []string{"lfm2"},
	fromHub: lfm2FromHub,
	fromGGUF: func(k *keys, c *Config) {
		c.Conv = k.integer("shortconv.l_cache", -1)
	},
	load: loadLfm2,
}

func lfm2FromHub(k *keys, c *Config) {
	c.Epsilon = float32(k.number("norm_eps", 1e-5))
	c.Tied = k.flag("tie_embedding", k.flag("tie_word_embeddings", true))
	c.FFN = k.integer("block_ff_dim", c.FFN)
	if k.flag("block_auto_adjust_ff_dim", true) {
		c.FFN = 2 * c.FFN / 3
		if k.md["block_ffn_dim_multiplier"] != nil {
			multiple := max(k.integer("block_multiple_of", 256), 1)
			c.FFN = int(k.number("block_ffn_dim_multiplier", 1) * float64(c.FFN))
			c.FFN = (c.FFN + multiple - 1) / multiple * multiple
		}
	}
	if k.flag("conv_bias", false) {
		k.fail("conv_bias", true, "false")
	}
	c.Conv = k.integer("conv_L_cache", 3)
	attends := map[int]bool{}
	for _, v := range k.list("full_attn_idxs") {
		n, _ := wholeNumber(v)
		attends[n] = true
	}
	for i, kind := range k.list("layer_types") {
		if kind != "conv" && kind != "full_attention" {
			k.fail("layer_types", kind, "conv or full_attention")
		}
		attends[i] = kind == "full_attention"
	}
	for i := range c.Layers {
		c.Convs = append(c.Convs, !attends[i])
	}
}

type lfm2 struct {
	decoder
	Layers []lfm2Layer `gguf:"blk" hub:"model.layers"`
}

type lfm2Layer struct {
	Norm    []float32     `gguf:"attn_norm" hub:"operator_norm" shape:"dim"`
	Attn    lfm2Attention `if:"attends"`
	Conv    lfm2Conv      `if:"convolves"`
	FFNNorm []float32     `gguf:"ffn_norm" hub:"ffn_norm" shape:"dim"`
	Gate    linear        `gguf:"ffn_gate" hub:"feed_forward.w1" shape:"ffn,dim"`
	Up      linear        `gguf:"ffn_up" hub:"feed_forward.w3" shape:"ffn,dim"`
	Down    linear        `gguf:"ffn_down" hub:"feed_forward.w2" shape:"dim,ffn"`

	attn normedAttention
	ffn  swiglu
}

type lfm2Attention struct {
	Q     linear    `gguf:"attn_q" hub:"self_attn.q_proj" shape:"q,dim"`
	K     linear    `gguf:"attn_k" hub:"self_attn.k_proj" shape:"kv,dim"`
	V     linear    `gguf:"attn_v" hub:"self_attn.v_proj" shape:"kv,dim"`
	O     linear    `gguf:"attn_output" hub:"self_attn.out_proj" shape:"dim,q"`
	QNorm []float32 `gguf:"attn_q_norm" hub:"self_attn.q_layernorm" shape:"head"`
	KNorm []float32 `gguf:"attn_k_norm" hub:"self_attn.k_layernorm" shape:"head"`
}

type lfm2Conv struct {
	In     linear    `gguf:"shortconv.in_proj" hub:"conv.in_proj" shape:"3dim,dim"`
	Kernel []float32 `gguf:"shortconv.conv" hub:"conv.conv" shape:"dim,conv"`
	Out    linear    `gguf:"shortconv.out_proj" hub:"conv.out_proj" shape:"dim,dim"`
}

func loadLfm2(c Config, d *weights.Directory, p *kernels.Pool) (Model, error) {
	m := &lfm2{Layers: make([]lfm2Layer, c.Layers)}
	model, err := m.load(m, c, d, p, m.forward)
	for i := range m.Layers {
		l := &m.Layers[i]
		l.attn = normedAttention{attention{l.Attn.Q, l.Attn.K, l.Attn.V, l.Attn.O}, l.Attn.QNorm, l.Attn.KNorm}
		l.ffn = swiglu{l.Gate, l.Up, l.Down}
	}
	return model, err
}

// forward adds layer i to the residual stream.
func (m *lfm2) forward(p *pass, i int) {
	l := &m.Layers[i]
	// x += attention(norm(x)), or convolution(norm(x))
	p.norm(p.h, p.x, l.Norm)
	if m.cfg.convolves(i) {
		l.Conv.run(p, i)
	} else {
		l.attn.run(p, i, p.h)
	}
	p.add()
	// x += down(silu(gate(norm(x))) · up(norm(x)))
	p.norm(p.h, p.x, l.FFNNorm)
	l.ffn.run(p, p.h)
	p.add()
}

// run computes h = out(c · Σ kernel · (b · y)) for b, c, y = in(h), where the
// sum is over the last positions, the newest with the last value of the kernel.
func (l *lfm2Conv) run(p *pass, i int) {
	n := p.cfg.Dim
	p.multiply(p.h, product{&l.In, p.wide})
	for t := range p.t {
		b, c, y := p.wide[3*t*n:][:n], p.wide[(3*t+1)*n:][:n], p.wide[(3*t+2)*n:][:n]
		out := p.h[t*n:][:n]
		row, _ := p.kv.Row(i, p.kv.Len()+t)
		for d := range row {
			row[d] = b[d] * y[d]
		}
		p.convolve(out, l.Kernel, i, t)
		for d, v := range c {
			out[d] *= v
		}
	}
	copy(p.wide, p.h)
	p.multiply(p.wide, product{&l.Out, p.h})
}
