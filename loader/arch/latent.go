package arch

import "samara/loader/kernels"

// LatentConfig is the shape of multi-head latent attention (arXiv:2405.04434):
// all heads' keys and values come from one short vector per position, and that
// is what is remembered.
type LatentConfig struct {
	Query       int // width of the vector that queries come from, 0 where from the stream
	KV          int // width of the vector that keys and values come from
	Rope        int // values of a query and key that rotate; keys have them in common
	Plain       int // values of a query and key that do not
	Value       int // width of a head's value
	Interleaved bool
}

// latentEpsilon is that of the norms within the attention, whatever the
// config's.
const latentEpsilon = 1e-6

// latentAttention is the weights of multi-head latent attention.
type latentAttention struct {
	Q      linear    `hub:"self_attn.q_proj" shape:"latent.q,dim" if:"latent.direct"`
	QA     linear    `hub:"self_attn.q_a_proj" shape:"latent.query,dim" bias:"qkvbias" if:"latent.query"`
	QANorm []float32 `hub:"self_attn.q_a_layernorm" shape:"latent.query" if:"latent.query"`
	QB     linear    `hub:"self_attn.q_b_proj" shape:"latent.q,latent.query" if:"latent.query"`
	KVA    linear    `hub:"self_attn.kv_a_proj_with_mqa" shape:"head,dim" bias:"qkvbias"`
	KVNorm []float32 `hub:"self_attn.kv_a_layernorm" shape:"latent.kv"`
	KVB    linear    `hub:"self_attn.kv_b_proj" shape:"latent.heads,latent.kv"`
	O      linear    `hub:"self_attn.o_proj" shape:"dim,latent.values" bias:"outbias"`
}

// latentBuffers is the memory of one pass of it.
type latentBuffers struct {
	qa, q  []float32 // [T][query], [T][heads][plain+rope]
	values []float32 // [T][heads][value]
	task   kernels.PerHead
}

func (b *latentBuffers) fit(c *Config, t int) {
	l := c.Latent
	b.qa = resize(b.qa, t*l.Query)
	b.q = resize(b.q, t*c.Heads*(l.Plain+l.Rope))
	b.values = resize(b.values, t*c.Heads*l.Value)
}

// run computes h = O·attention(h) of layer i. A query meets what is remembered
// of a position, [rope][kv], as one head's key: its plain part is multiplied
// with the heads' key matrix first, and the result with the value matrix last.
func (a *latentAttention) run(p *pass, i int) {
	c, l, b := &p.cfg, p.cfg.Latent, &p.latent
	if l.Query > 0 {
		p.multiply(p.h, product{&a.QA, b.qa})
		for at := 0; at < len(b.qa); at += l.Query {
			kernels.RMSNorm(b.qa[at:], b.qa[at:], a.QANorm, latentEpsilon)
		}
		p.multiply(b.qa, product{&a.QB, b.q})
	} else {
		p.multiply(p.h, product{&a.Q, b.q})
	}
	p.multiply(p.h, product{&a.KVA, p.v})
	for at := 0; at < len(p.k); at += c.Head {
		copy(p.k[at:at+l.Rope], p.v[at+l.KV:])
		kernels.RMSNorm(p.k[at+l.Rope:], p.v[at:], a.KVNorm, latentEpsilon)
	}
	width := l.Plain + l.Rope
	for h := range p.t * c.Heads {
		copy(p.q[h*c.Head:h*c.Head+l.Rope], b.q[h*width+l.Plain:])
	}
	b.task = kernels.PerHead{
		W: &a.KVB.Matrix, Stride: l.Plain + l.Value, Rows: l.Plain, Transposed: true, T: p.t, Heads: c.Heads,
		X: kernels.Heads{Data: b.q, Width: width}, Y: kernels.Heads{Data: p.q, Width: c.Head, Offset: l.Rope},
	}
	b.task.Run(p.pool)
	p.rotate(i)
	copy(p.v, p.k)
	p.look(i, nil)
	b.task = kernels.PerHead{
		W: &a.KVB.Matrix, Stride: l.Plain + l.Value, First: l.Plain, Rows: l.Value, T: p.t, Heads: c.Heads,
		X: kernels.Heads{Data: p.att, Width: c.Head, Offset: l.Rope}, Y: kernels.Heads{Data: b.values, Width: l.Value},
	}
	b.task.Run(p.pool)
	p.multiply(b.values, product{&a.O, p.h})
}
