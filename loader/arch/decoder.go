package arch

import (
	"context"
	"fmt"
	"strings"

	"samara/loader/kernels"
	"samara/loader/state"
	"samara/loader/weights"
)

// A decoder is what models that predict the next token have in common: an
// embedding, layers that add to a residual stream, and an output matrix. An
// architecture embeds it and gives it its layer.
type decoder struct {
	cfg   Config
	pool  *kernels.Pool
	pages *state.Pages
	// ropes is the ways in which the layers rotate; layers name one by its index.
	ropes []kernels.Rope
	// layer adds layer i to the residual stream p.x.
	layer func(p *pass, i int)

	Embed  kernels.Matrix `gguf:"token_embd" hub:"model.embed_tokens" shape:"vocab,dim"`
	Norm   []float32      `gguf:"output_norm|token_embd_norm" hub:"model.norm|model.embedding_norm" shape:"dim"`
	Output kernels.Matrix `gguf:"output,optional" hub:"lm_head,optional" shape:"vocab,dim"`
	// Stretch divides the rotary frequencies. GGUF files carry a model's llama3
	// scaling in this form.
	Stretch []float32 `gguf:"rope_freqs,optional" shape:"rope"`
	// Short and Long are the divisors of LongRoPE, where the config has them not.
	Short []float32 `gguf:"rope_factors_short" shape:"rope" if:"longrope"`
	Long  []float32 `gguf:"rope_factors_long" shape:"rope" if:"longrope"`
}

// load binds the tensors of m, whose decoder d is, and returns a Model that
// computes with layer.
func (d *decoder) load(m any, c Config, dir *weights.Directory, p *kernels.Pool, layer func(p *pass, i int)) (Model, error) {
	d.cfg, d.pool, d.pages, d.layer = c, p, c.pages(), layer
	err := bind(m, dir, &c, func(name string) bool {
		// Old checkpoints store the rotary frequencies beside the weights.
		// Some have layers beside them that guess several tokens ahead.
		return strings.HasSuffix(name, ".rotary_emb.inv_freq") || strings.HasPrefix(name, "mtp.") || c.guesses(name)
	})
	if err != nil {
		return nil, err
	}
	if c.Tied {
		d.Output = d.Embed
	} else if d.Output.Rows == 0 {
		return nil, errNoOutput
	}
	d.ropes = []kernels.Rope{d.rope(c.Rope, d.Stretch, dir.Interleaved)}
	if c.LocalRope != nil {
		d.ropes = append(d.ropes, d.rope(*c.LocalRope, nil, dir.Interleaved))
	}
	if l := c.Rope.Long; l != nil && l.InTensors {
		d.cfg.Rope.Long = &LongScaling{Short: d.Short, Long: d.Long, OriginalContext: l.OriginalContext, Magnitude: l.Magnitude}
		if err := d.cfg.Rope.check(c.Head); err != nil {
			return nil, err
		}
	}
	if c.Delta != nil {
		return recurrentDecoder{d}, nil
	}
	if c.Rope.Long != nil {
		return newLongDecoder(d, dir.Interleaved), nil
	}
	return d, nil
}

// guesses tells whether a tensor is of a layer behind the last that guesses
// several tokens ahead.
func (c *Config) guesses(name string) bool {
	for i := range c.Guessing {
		if strings.HasPrefix(name, fmt.Sprintf("model.layers.%d.", c.Layers+i)) {
			return true
		}
	}
	return false
}

// rope makes one way to rotate.
func (d *decoder) rope(r RopeConfig, stretch []float32, interleaved bool) kernels.Rope {
	return kernels.Rope{
		Freq: r.frequencies(d.cfg.Head, stretch), Head: d.cfg.Head,
		Magnitude: r.magnitude(), Interleaved: interleaved,
	}
}

// NewState implements Model.
func (d *decoder) NewState(limit int) state.State { return state.NewKV(d.pages, limit) }

// NewBuffers implements Model. Memory for T tokens is taken when T come.
func (d *decoder) NewBuffers() Buffers { return &pass{decoder: d} }

// Forward implements Model.
func (d *decoder) Forward(ctx context.Context, s state.State, buf Buffers, ids []int32, all bool) ([]float32, error) {
	p := buf.(*pass)
	p.ropes = d.ropes
	kv := s.(*state.KV)
	return p.run(ctx, kv, kv.Advance, ids, all)
}

// run is Forward with the ropes that p has. advance counts what was remembered.
func (p *pass) run(ctx context.Context, kv *state.KV, advance func(n int), ids []int32, all bool) ([]float32, error) {
	d, c := p.decoder, &p.cfg
	p.begin(kv, len(ids))
	for i, id := range ids {
		d.Embed.Row(p.x[i*c.Dim:], int(id))
	}
	if c.EmbedScale != 0 {
		kernels.Scale(p.x, c.EmbedScale)
	}
	for i := range c.Layers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		d.layer(p, i)
	}
	advance(p.t)
	if p.keep {
		p.norm(p.h, p.x, d.Norm)
		p.vectors = append(p.vectors, p.h...)
	}
	if !all {
		copy(p.x, p.x[(p.t-1)*c.Dim:p.t*c.Dim])
		p.t = 1
	}
	p.norm(p.h, p.x[:p.t*c.Dim], d.Norm)
	p.logits = resize(p.logits, p.t*c.Vocab)
	p.matmul = kernels.MatMul{X: p.h, T: p.t, Out: append(p.products[:0], kernels.Product{W: &d.Output, Y: p.logits})}
	p.matmul.Run(d.pool)
	if c.LogitScale != 0 {
		kernels.Scale(p.logits, c.LogitScale)
	}
	if c.LogitSoftcap != 0 {
		kernels.Softcap(p.logits, c.LogitSoftcap)
	}
	return p.logits, nil
}
