package arch

import (
	"context"
	"fmt"
	"math"
	"strings"

	"samara/loader/kernels"
	"samara/loader/state"
	"samara/loader/weights"
)

// llama is the Llama architecture (arXiv:2302.13971) with grouped-query
// attention (arXiv:2305.13245): Llama 2 and 3, SmolLM, Mistral without window.
type llama struct {
	cfg   Config
	pool  *kernels.Pool
	pages *state.Pages
	rope  kernels.Rope

	Embed  kernels.Matrix `gguf:"token_embd" hub:"model.embed_tokens"` // [vocab][dim]
	Layers []llamaLayer   `gguf:"blk" hub:"model.layers"`
	Norm   []float32      `gguf:"output_norm" hub:"model.norm"` // [dim]
	Output kernels.Matrix `gguf:"output,optional" hub:"lm_head,optional"`
	// Stretch divides the rotary frequencies: [head/2]. GGUF files carry a
	// model's rope scaling in this form.
	Stretch []float32 `gguf:"rope_freqs,optional"`
}

type llamaLayer struct {
	AttnNorm []float32      `gguf:"attn_norm" hub:"input_layernorm"`         // [dim]
	Q        kernels.Matrix `gguf:"attn_q" hub:"self_attn.q_proj"`           // [heads·head][dim]
	K        kernels.Matrix `gguf:"attn_k" hub:"self_attn.k_proj"`           // [kvHeads·head][dim]
	V        kernels.Matrix `gguf:"attn_v" hub:"self_attn.v_proj"`           // [kvHeads·head][dim]
	O        kernels.Matrix `gguf:"attn_output" hub:"self_attn.o_proj"`      // [dim][heads·head]
	FFNNorm  []float32      `gguf:"ffn_norm" hub:"post_attention_layernorm"` // [dim]
	Gate     kernels.Matrix `gguf:"ffn_gate" hub:"mlp.gate_proj"`            // [ffn][dim]
	Up       kernels.Matrix `gguf:"ffn_up" hub:"mlp.up_proj"`                // [ffn][dim]
	Down     kernels.Matrix `gguf:"ffn_down" hub:"mlp.down_proj"`            // [dim][ffn]
}

func loadLlama(c Config, d *weights.Directory, p *kernels.Pool) (Model, error) {
	m := &llama{cfg: c, pool: p, Layers: make([]llamaLayer, c.Layers)}
	m.pages = state.NewPages(c.Layers, c.KVHeads*c.Head)
	err := bind(m, d, func(name string) bool {
		// Old checkpoints store the rotary frequencies beside the weights.
		return strings.HasSuffix(name, ".rotary_emb.inv_freq")
	})
	if err != nil {
		return nil, err
	}
	if m.Output.Rows == 0 || c.Tied {
		m.Output = m.Embed
	}
	if err := m.checkShapes(); err != nil {
		return nil, err
	}
	m.rope = kernels.Rope{Freq: c.Rope.frequencies(c.Head, m.Stretch), Interleaved: d.Interleaved}
	return m, nil
}

func (m *llama) checkShapes() error {
	c := m.cfg
	if m.Stretch != nil {
		if err := wantVector("rope_freqs", m.Stretch, c.Head/2); err != nil {
			return err
		}
	}
	err := firstError(
		wantMatrix("embedding", &m.Embed, c.Vocab, c.Dim),
		wantMatrix("output", &m.Output, c.Vocab, c.Dim),
		wantVector("output norm", m.Norm, c.Dim))
	for i := range m.Layers {
		if err != nil {
			return err
		}
		l := &m.Layers[i]
		at := func(name string) string { return fmt.Sprintf("%s of layer %d", name, i) }
		q, kv := c.Heads*c.Head, c.KVHeads*c.Head
		err = firstError(
			wantVector(at("attention norm"), l.AttnNorm, c.Dim),
			wantMatrix(at("query"), &l.Q, q, c.Dim),
			wantMatrix(at("key"), &l.K, kv, c.Dim),
			wantMatrix(at("value"), &l.V, kv, c.Dim),
			wantMatrix(at("attention output"), &l.O, c.Dim, q),
			wantVector(at("feed-forward norm"), l.FFNNorm, c.Dim),
			wantMatrix(at("gate"), &l.Gate, c.FFN, c.Dim),
			wantMatrix(at("up"), &l.Up, c.FFN, c.Dim),
			wantMatrix(at("down"), &l.Down, c.Dim, c.FFN))
	}
	return err
}

// llamaBuffers is the memory of one forward pass of up to MaxBatch tokens.
type llamaBuffers struct {
	x, h     []float32 // [T][dim] residual stream, and what is read from or added to it
	q, att   []float32 // [T][heads·head]
	k, v     []float32 // [T][kvHeads·head]
	gate, up []float32 // [T][ffn]
	logits   []float32 // [T][vocab], as large as was asked for
	cos, sin []float32 // [T][head/2]

	products [3]kernels.Product
	matmul   kernels.MatMul
	attend   kernels.Attention
	silu     kernels.SiluMul
}

// NewBuffers implements Model. Memory for T tokens is taken when T come.
func (m *llama) NewBuffers() Buffers { return &llamaBuffers{} }

// fit makes room for t tokens.
func (b *llamaBuffers) fit(c *Config, t int) {
	for _, f := range []struct {
		buf   *[]float32
		width int
	}{
		{&b.x, c.Dim},
		{&b.h, c.Dim},
		{&b.q, c.Heads * c.Head},
		{&b.att, c.Heads * c.Head},
		{&b.k, c.KVHeads * c.Head},
		{&b.v, c.KVHeads * c.Head},
		{&b.gate, c.FFN},
		{&b.up, c.FFN},
		{&b.cos, c.Head / 2},
		{&b.sin, c.Head / 2},
	} {
		*f.buf = resize(*f.buf, t*f.width)
	}
}

// resize returns a slice of n values, of b's memory where it is large enough.
func resize(b []float32, n int) []float32 {
	if cap(b) < n {
		return make([]float32, n)
	}
	return b[:n]
}

// NewState implements Model.
func (m *llama) NewState(limit int) state.State { return state.NewKV(m.pages, limit) }

// Forward implements Model.
func (m *llama) Forward(ctx context.Context, s state.State, buf Buffers, ids []int32, all bool) ([]float32, error) {
	b, kv := buf.(*llamaBuffers), s.(*state.KV)
	c, t := &m.cfg, len(ids)
	b.fit(c, t)
	kv.Reserve(t)
	for i, id := range ids {
		m.Embed.Row(b.x[i*c.Dim:], int(id))
		m.rope.Angles(b.cos[i*c.Head/2:], b.sin[i*c.Head/2:], kv.Len()+i)
	}
	for i := range m.Layers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l := &m.Layers[i]
		// x += attention(norm(x))
		m.norm(b, l.AttnNorm, t)
		m.multiply(b, b.h, t, kernels.Product{W: &l.Q, Y: b.q}, kernels.Product{W: &l.K, Y: b.k}, kernels.Product{W: &l.V, Y: b.v})
		m.remember(b, kv, i, t)
		b.attend = kernels.Attention{
			Q: b.q, Out: b.att, Memory: kv, Layer: i, Start: kv.Len(), T: t,
			Heads: c.Heads, KVHeads: c.KVHeads, Head: c.Head, Scale: float32(1 / math.Sqrt(float64(c.Head))),
		}
		b.attend.Run(m.pool)
		m.multiply(b, b.att, t, kernels.Product{W: &l.O, Y: b.h})
		kernels.Add(b.x, b.h)

		// x += down(silu(gate(norm(x))) · up(norm(x)))
		m.norm(b, l.FFNNorm, t)
		m.multiply(b, b.h, t, kernels.Product{W: &l.Gate, Y: b.gate}, kernels.Product{W: &l.Up, Y: b.up})
		b.silu = kernels.SiluMul{Gate: b.gate, Up: b.up}
		b.silu.Run(m.pool)
		m.multiply(b, b.gate, t, kernels.Product{W: &l.Down, Y: b.h})
		kernels.Add(b.x, b.h)
	}
	kv.Advance(t)
	if !all {
		copy(b.x, b.x[(t-1)*c.Dim:])
		t = 1
	}
	m.norm(b, m.Norm, t)
	b.logits = resize(b.logits, t*c.Vocab)
	m.multiply(b, b.h, t, kernels.Product{W: &m.Output, Y: b.logits})
	return b.logits, nil
}

// norm computes h = RMSNorm(x) for t tokens.
func (m *llama) norm(b *llamaBuffers, w []float32, t int) {
	for i := range t {
		d := m.cfg.Dim
		kernels.RMSNorm(b.h[i*d:], b.x[i*d:], w, m.cfg.Epsilon)
	}
}

// multiply computes every product with the same t vectors x.
func (m *llama) multiply(b *llamaBuffers, x []float32, t int, products ...kernels.Product) {
	n := copy(b.products[:], products)
	b.matmul = kernels.MatMul{X: x, T: t, Out: b.products[:n]}
	b.matmul.Run(m.pool)
}

// remember rotates the new queries and keys and stores keys and values.
func (m *llama) remember(b *llamaBuffers, kv *state.KV, layer, t int) {
	q, w := m.cfg.Heads*m.cfg.Head, m.cfg.KVHeads*m.cfg.Head
	for i := range t {
		cos, sin := b.cos[i*m.cfg.Head/2:], b.sin[i*m.cfg.Head/2:]
		m.rope.Rotate(b.q[i*q:(i+1)*q], cos, sin)
		m.rope.Rotate(b.k[i*w:(i+1)*w], cos, sin)
		k, v := kv.Row(layer, kv.Len()+i)
		copy(k, b.k[i*w:(i+1)*w])
		copy(v, b.v[i*w:(i+1)*w])
	}
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
