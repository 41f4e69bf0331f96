package arch

import (
	"errors"

	"samara/loader/kernels"
	"samara/loader/state"
)

var errNoOutput = errors.New("tensor lm_head.weight: it is missing, and the embeddings are not tied")

// A pass is the memory of one forward pass of up to MaxBatch tokens, and the
// steps that layers are made of. T is p.t in the shapes below; all vectors of a
// step lie one after the other.
type pass struct {
	*decoder
	kv *state.KV
	t  int // tokens of this pass
	// start is the position of the first of them.
	start int
	// ropes is the decoder's, or others where they change with the length.
	ropes []kernels.Rope

	x, h     []float32 // [T][dim] residual stream, and what is read from or added to it
	q, att   []float32 // [T][heads·head]
	k, v     []float32 // [T][kvHeads·head]
	gate, up []float32 // [T][the widest feed-forward]
	wide     []float32 // [T][Config.wide()], where layers convolve
	logits   []float32 // [T][vocab], as large as was asked for
	cos, sin []float32 // [ropes][T][pairs]
	routes   routes    // where there are experts
	shared   []float32 // [T][dim] what a shared expert and the others read
	latent   latentBuffers
	delta    deltaBuffers
	// now and next are what layers remember in numbers of a fixed size.
	now, next []float32

	// keep says that vectors is to grow by those of every token, as they are
	// before the output matrix.
	keep    bool
	vectors []float32

	products [3]kernels.Product
	matmul   kernels.MatMul
	attend   kernels.Attention
	text     flat // what attends in both directions
	gated    kernels.Gated
}

// begin makes room for t more tokens of a sequence, and computes their angles.
func (p *pass) begin(kv *state.KV, t int) {
	p.kv = kv
	p.fit(t)
	kv.Reserve(t)
	p.turn(kv.Len())
}

// turn computes the angles of the tokens, the first of which is at start.
func (p *pass) turn(start int) {
	p.start = start
	pairs := p.cfg.Rope.dims(p.cfg.Head) / 2
	for r := range p.ropes {
		for i := range p.t {
			at := (r*p.t + i) * pairs
			p.ropes[r].Angles(p.cos[at:at+pairs], p.sin[at:at+pairs], start+i)
		}
	}
}

// fit makes room for t tokens.
func (p *pass) fit(t int) {
	c := &p.cfg
	p.t = t
	pairs := c.Rope.dims(c.Head) / 2
	for _, f := range []struct {
		buf   *[]float32
		width int
	}{
		{&p.x, c.Dim},
		{&p.h, c.Dim},
		{&p.q, c.Heads * c.Head},
		{&p.att, c.Heads * c.Head},
		{&p.k, c.KVHeads * c.Head},
		{&p.v, c.KVHeads * c.Head},
		{&p.gate, max(c.FFN, c.ExpertFFN, c.sharedFFN())},
		{&p.up, max(c.FFN, c.ExpertFFN, c.sharedFFN())},
		{&p.cos, pairs * len(p.ropes)},
		{&p.sin, pairs * len(p.ropes)},
	} {
		*f.buf = resize(*f.buf, t*f.width)
	}
	if c.Experts > 0 {
		p.routes.fit(c, t)
	}
	if c.Convs != nil {
		p.wide = resize(p.wide, t*c.wide())
	}
	if c.Latent != nil {
		p.latent.fit(c, t)
	}
	if c.Delta != nil {
		p.delta.fit(c.Delta, t)
	}
}

// resize returns a slice of n values, of b's memory where it is large enough.
func resize(b []float32, n int) []float32 {
	if cap(b) < n {
		return make([]float32, n)
	}
	return b[:n]
}

// norm computes dst = RMSNorm(x) · w of every run of len(w) values of x, which
// dst may be.
func (p *pass) norm(dst, x, w []float32) {
	for i := 0; i < len(x); i += len(w) {
		kernels.RMSNorm(dst[i:], x[i:], w, p.cfg.Epsilon)
	}
}

// multiply computes y = W·x + b of up to three matrices for the same vectors.
func (p *pass) multiply(x []float32, products ...product) {
	for i, o := range products {
		p.products[i] = kernels.Product{W: &o.w.Matrix, Y: o.y}
	}
	p.matmul = kernels.MatMul{X: x, T: p.t, Out: p.products[:len(products)]}
	p.matmul.Run(p.pool)
	for _, o := range products {
		if o.w.Bias == nil {
			continue
		}
		for i := range p.t {
			kernels.Add(o.y[i*o.w.Rows:], o.w.Bias)
		}
	}
}

// A product is a matrix with a bias and where its result goes.
type product struct {
	w *linear
	y []float32 // [T][rows]
}

// add adds h to the residual stream.
func (p *pass) add() {
	if a := p.cfg.ResidualScale; a != 0 {
		kernels.Scale(p.h, a)
	}
	kernels.Add(p.x, p.h)
}

// rotate turns the new queries and keys as layer i does.
func (p *pass) rotate(i int) {
	c, r := &p.cfg, 0
	switch {
	case c.NoRope != nil && c.NoRope[i]:
		return
	case c.LocalRope != nil && c.window(i) > 0:
		r = 1
	}
	q, w, pairs := c.Heads*c.Head, c.KVHeads*c.Head, len(p.ropes[r].Freq)
	for i := range p.t {
		at := (r*p.t + i) * pairs
		cos, sin := p.cos[at:at+pairs], p.sin[at:at+pairs]
		p.ropes[r].Rotate(p.q[i*q:(i+1)*q], cos, sin)
		p.ropes[r].Rotate(p.k[i*w:(i+1)*w], cos, sin)
		if a := c.Rope.queryScale(p.start + i); a != 1 {
			kernels.Scale(p.q[i*q:(i+1)*q], a)
		}
	}
}

// look stores the new keys and values of layer i and computes what the new
// queries see: att. sinks is one score per head that sees nothing, or nil.
func (p *pass) look(i int, sinks []float32) {
	c, w := &p.cfg, p.cfg.KVHeads*p.cfg.Head
	for t := range p.t {
		k, v := p.kv.Row(i, p.kv.Len()+t)
		copy(k, p.k[t*w:(t+1)*w])
		copy(v, p.v[t*w:(t+1)*w])
	}
	p.attend = kernels.Attention{
		Q: p.q, Out: p.att, Memory: p.kv, Layer: i, Start: p.kv.Len(), T: p.t,
		Heads: c.Heads, KVHeads: c.KVHeads, Head: c.Head, Scale: c.scale(),
		Window: c.window(i), Softcap: c.AttentionSoftcap, Sinks: sinks,
	}
	p.attend.Run(p.pool)
}

// convolve computes out[d] = Σ_j kernel[d][j] · row[d] over the last rows that
// layer i remembers, up to that of new token t, which has the last j.
func (p *pass) convolve(out, kernel []float32, i, t int) {
	size, pos := p.cfg.Conv, p.kv.Len()+t
	clear(out)
	for j := max(0, size-1-pos); j < size; j++ {
		past, _ := p.kv.Row(i, pos-(size-1)+j)
		for d, v := range past {
			out[d] += kernel[d*size+j] * v
		}
	}
}

// attention is the weights of grouped-query attention (arXiv:2305.13245) under
// the names that most models use.
type attention struct {
	Q linear `gguf:"attn_q" hub:"self_attn.q_proj" shape:"q,dim" bias:"qkvbias"`
	K linear `gguf:"attn_k" hub:"self_attn.k_proj" shape:"kv,dim" bias:"qkvbias"`
	V linear `gguf:"attn_v" hub:"self_attn.v_proj" shape:"kv,dim" bias:"qkvbias"`
	O linear `gguf:"attn_output" hub:"self_attn.o_proj" shape:"dim,q" bias:"outbias"`
}

// run computes h = O·attention(from) of layer i.
func (a *attention) run(p *pass, i int, from []float32) {
	a.project(p, from)
	p.rotate(i)
	p.look(i, nil)
	a.out(p)
}

// project computes q, k and v of the vectors in from.
func (a *attention) project(p *pass, from []float32) {
	p.multiply(from, product{&a.Q, p.q}, product{&a.K, p.k}, product{&a.V, p.v})
}

// out computes h = O·att.
func (a *attention) out(p *pass) { p.multiply(p.att, product{&a.O, p.h}) }

// swiglu is the weights of a gated feed-forward (arXiv:2002.05202) under the
// names that most models use.
type swiglu struct {
	Gate linear `gguf:"ffn_gate" hub:"mlp.gate_proj" shape:"ffn,dim" bias:"ffnbias"`
	Up   linear `gguf:"ffn_up" hub:"mlp.up_proj" shape:"ffn,dim" bias:"ffnbias"`
	Down linear `gguf:"ffn_down" hub:"mlp.down_proj" shape:"dim,ffn" bias:"ffnbias"`
}

// run computes h = down(act(gate(from)) · up(from)).
func (f *swiglu) run(p *pass, from []float32) {
	p.multiply(from, product{&f.Gate, p.gate}, product{&f.Up, p.up})
	n := p.t * f.Gate.Rows
	p.gated = kernels.Gated{Act: p.cfg.Act, Gate: p.gate[:n], Up: p.up[:n]}
	p.gated.Run(p.pool)
	p.multiply(p.gate, product{&f.Down, p.h})
}
