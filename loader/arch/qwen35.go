package arch

import (
	"math"

	"samara/loader/kernels"
	"samara/loader/weights"
)

// qwen35 has layers of the gated delta rule (arXiv:2412.06464), and every
// fourth one of attention whose result is gated. Its text model is what is
// computed: with text alone, its three positions are one.
var qwen35Family = family{
	name:    "qwen3.5",
	models:  "Qwen3.5, dense",
	hub:     []string{"Qwen3_5ForCausalLM", "qwen3_5_text"},
	fromHub: qwen35FromHub,
	load:    loadQwen35,
}

func qwen35FromHub(k *keys, c *Config) {
	c.Head = k.integer("head_dim", 256)
	if c.Rope.Dims == 0 && k.md["partial_rotary_factor"] == nil {
		if p := k.object("rope_parameters"); p == nil || p.md["partial_rotary_factor"] == nil {
			c.Rope.Dims = c.Head / 4
		}
	}
	c.QKVBias = k.flag("attention_bias", false)
	c.OutBias = c.QKVBias
	c.Conv = k.integer("linear_conv_kernel_dim", 4)
	c.Delta = &DeltaConfig{
		KeyHeads: k.integer("linear_num_key_heads", 16), ValueHeads: k.integer("linear_num_value_heads", 32),
		Key: k.integer("linear_key_head_dim", 128), Value: k.integer("linear_value_head_dim", 128),
	}
	kinds, interval := k.list("layer_types"), max(k.integer("full_attention_interval", 4), 1)
	for i := range c.Layers {
		linear := (i+1)%interval != 0
		if i < len(kinds) {
			linear = kinds[i] == "linear_attention"
			if !linear && kinds[i] != "full_attention" {
				k.fail("layer_types", kinds[i], "linear_attention or full_attention")
			}
		}
		c.Convs = append(c.Convs, linear)
	}
}

type qwen35 struct {
	decoder
	Layers []qwen35Layer `hub:"model.layers"`
}

type qwen35Layer struct {
	AttnNorm []float32   `hub:"input_layernorm" shape:"dim"`
	Attn     gatedAttn   `if:"attends"`
	Delta    deltaLinear `if:"convolves"`
	FFNNorm  []float32   `hub:"post_attention_layernorm" shape:"dim"`
	FFN      swiglu
}

// gatedAttn is attention whose heads have a gate each; the rows of Q are those
// of a head's query and gate in turn.
type gatedAttn struct {
	Q     linear    `hub:"self_attn.q_proj" shape:"2q,dim" bias:"qkvbias"`
	K     linear    `hub:"self_attn.k_proj" shape:"kv,dim" bias:"qkvbias"`
	V     linear    `hub:"self_attn.v_proj" shape:"kv,dim" bias:"qkvbias"`
	O     linear    `hub:"self_attn.o_proj" shape:"dim,q" bias:"outbias"`
	QNorm []float32 `hub:"self_attn.q_norm" shape:"head"`
	KNorm []float32 `hub:"self_attn.k_norm" shape:"head"`
}

// deltaLinear is a layer of the gated delta rule behind a short convolution.
type deltaLinear struct {
	QKV    linear    `hub:"linear_attn.in_proj_qkv" shape:"delta.qkv,dim"`
	Z      linear    `hub:"linear_attn.in_proj_z" shape:"delta.values,dim"`
	A      linear    `hub:"linear_attn.in_proj_a" shape:"delta.heads,dim"`
	B      linear    `hub:"linear_attn.in_proj_b" shape:"delta.heads,dim"`
	Kernel []float32 `hub:"linear_attn.conv1d" shape:"delta.qkv,conv"`
	Rate   []float32 `hub:"linear_attn.A_log,bare" shape:"delta.heads"`
	Step   []float32 `hub:"linear_attn.dt_bias,bare" shape:"delta.heads"`
	Norm   []float32 `hub:"linear_attn.norm" shape:"delta.value"`
	Out    linear    `hub:"linear_attn.out_proj" shape:"dim,delta.values"`
}

func loadQwen35(c Config, d *weights.Directory, p *kernels.Pool) (Model, error) {
	m := &qwen35{Layers: make([]qwen35Layer, c.Layers)}
	model, err := m.load(m, c, d, p, m.forward)
	if err != nil {
		return nil, err
	}
	plusOne(m.Norm)
	for _, l := range m.Layers {
		plusOne(l.AttnNorm, l.Attn.QNorm, l.Attn.KNorm, l.FFNNorm)
	}
	return model, nil
}

// forward adds layer i to the residual stream.
func (m *qwen35) forward(p *pass, i int) {
	l := &m.Layers[i]
	// x += attention(norm(x)), or delta(norm(x))
	p.norm(p.h, p.x, l.AttnNorm)
	if m.cfg.convolves(i) {
		l.Delta.run(p, i)
	} else {
		l.Attn.run(p, i)
	}
	p.add()
	// x += down(silu(gate(norm(x))) · up(norm(x)))
	p.norm(p.h, p.x, l.FFNNorm)
	l.FFN.run(p, p.h)
	p.add()
}

// run computes h = O·(attention(h) · σ(gate)) of layer i.
func (a *gatedAttn) run(p *pass, i int) {
	n := p.cfg.Head
	p.multiply(p.h, product{&a.Q, p.wide}, product{&a.K, p.k}, product{&a.V, p.v})
	for at := 0; at < len(p.q); at += n {
		copy(p.q[at:at+n], p.wide[2*at:])
	}
	p.norm(p.q, p.q, a.QNorm)
	p.norm(p.k, p.k, a.KNorm)
	p.rotate(i)
	p.look(i, nil)
	for at := 0; at < len(p.att); at += n {
		gate := p.wide[2*at+n : 2*at+2*n]
		for j, g := range gate {
			p.att[at+j] *= sigmoid(g)
		}
	}
	p.multiply(p.att, product{&a.O, p.h})
}

// run computes h = out(norm(delta(conv(qkv(h)))) · silu(z(h))) of layer i.
func (l *deltaLinear) run(p *pass, i int) {
	d, b := p.cfg.Delta, &p.delta
	p.multiply(p.h, product{&l.QKV, p.wide}, product{&l.Z, b.z})
	p.multiply(p.h, product{&l.A, b.decay}, product{&l.B, b.beta})
	for at := range b.decay {
		h := at % d.ValueHeads
		b.beta[at] = sigmoid(b.beta[at])
		b.decay[at] = float32(math.Exp(-math.Exp(float64(l.Rate[h])) * softplus(float64(b.decay[at]+l.Step[h]))))
	}
	width := d.qkv()
	for t := range p.t {
		row, _ := p.kv.Row(i, p.kv.Len()+t)
		copy(row, p.wide[t*width:(t+1)*width])
		p.convolve(b.qkv[t*width:(t+1)*width], l.Kernel, i, t)
	}
	kernels.SiLU.Apply(b.qkv)
	size := d.size()
	b.task = kernels.GatedDelta{
		QKV: b.qkv, Decay: b.decay, Beta: b.beta, Out: b.out, T: p.t,
		Now: p.now[i*size : (i+1)*size], Next: p.next[i*size : (i+1)*size],
		KeyHeads: d.KeyHeads, ValueHeads: d.ValueHeads, Key: d.Key, Value: d.Value,
	}
	b.task.Run(p.pool)
	p.norm(b.out, b.out, l.Norm)
	kernels.SiLU.Apply(b.z)
	for at, z := range b.z {
		b.out[at] *= z
	}
	p.multiply(b.out, product{&l.Out, p.h})
}

// deltaBuffers is the memory of the gated delta rule.
type deltaBuffers struct {
	qkv         []float32 // [T][qkv]
	z, out      []float32 // [T][values]
	decay, beta []float32 // [T][value heads]
	task        kernels.GatedDelta
}

func (b *deltaBuffers) fit(d *DeltaConfig, t int) {
	b.qkv = resize(b.qkv, t*d.qkv())
	b.z, b.out = resize(b.z, t*d.values()), resize(b.out, t*d.values())
	b.decay, b.beta = resize(b.decay, t*d.ValueHeads), resize(b.beta, t*d.ValueHeads)
}

func sigmoid(x float32) float32 { return 1 / (1 + float32(math.Exp(float64(-x)))) }

// softplus is ln(1 + eˣ), which is x where that is large.
func softplus(x float64) float64 {
	if x > 20 {
		return x
	}
	return math.Log1p(math.Exp(x))
}
