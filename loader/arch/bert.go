package arch

import (
	"context"
	"strings"

	"samara/loader/kernels"
	"samara/loader/weights"
)

// bert is a bidirectional encoder (arXiv:1810.04805): every token sees the
// whole text. BERT, and RoBERTa and XLM-R, which count positions from another
// number.
var bertFamily = family{
	name:   "bert",
	models: "BERT, RoBERTa, XLM-R: embeddings",
	hub: []string{
		"BertModel", "RobertaModel", "XLMRobertaModel", "BertForMaskedLM", "RobertaForMaskedLM", "XLMRobertaForMaskedLM",
		"bert", "roberta", "xlm-roberta",
	},
	fromHub: bertFromHub,
	encoder: loadBert,
}

func bertFromHub(k *keys, c *Config) {
	c.Epsilon = float32(k.number("layer_norm_eps", 1e-12))
	c.KVHeads = c.Heads
	c.TokenTypes = k.integer("type_vocab_size", 2)
	c.Positions = c.Context
	if k.text("model_type", "bert") != "bert" {
		c.FirstPosition = k.integer("pad_token_id", 1) + 1
		c.Context -= c.FirstPosition
	}
	if kind := k.text("position_embedding_type", "absolute"); kind != "absolute" {
		k.fail("position_embedding_type", kind, "absolute")
	}
	if k.flag("is_decoder", false) {
		k.fail("is_decoder", true, "false")
	}
	switch act := k.text("hidden_act", "gelu"); act {
	case "gelu":
		c.Act = kernels.GELU
	case "gelu_new", "gelu_pytorch_tanh":
		c.Act = kernels.GELUTanh
	default:
		k.fail("hidden_act", act, "gelu or gelu_new")
	}
}

type bert struct {
	cfg  Config
	pool *kernels.Pool

	Words     kernels.Matrix `hub:"embeddings.word_embeddings" shape:"vocab,dim"`
	Positions kernels.Matrix `hub:"embeddings.position_embeddings" shape:"positions,dim"`
	Types     kernels.Matrix `hub:"embeddings.token_type_embeddings" shape:"types,dim"`
	Norm      layerNorm      `hub:"embeddings.LayerNorm" shape:"dim"`
	Layers    []bertLayer    `hub:"encoder.layer"`
}

type bertLayer struct {
	Q        linear    `hub:"attention.self.query" shape:"q,dim" bias:"q"`
	K        linear    `hub:"attention.self.key" shape:"kv,dim" bias:"kv"`
	V        linear    `hub:"attention.self.value" shape:"kv,dim" bias:"kv"`
	O        linear    `hub:"attention.output.dense" shape:"dim,q" bias:"dim"`
	AttnNorm layerNorm `hub:"attention.output.LayerNorm" shape:"dim"`
	Up       linear    `hub:"intermediate.dense" shape:"ffn,dim" bias:"ffn"`
	Down     linear    `hub:"output.dense" shape:"dim,ffn" bias:"dim"`
	FFNNorm  layerNorm `hub:"output.LayerNorm" shape:"dim"`
}

func loadBert(c Config, d *weights.Directory, p *kernels.Pool) (Encoder, error) {
	m := &bert{cfg: c, pool: p, Layers: make([]bertLayer, c.Layers)}
	return m, bind(m, d, &c, func(name string) bool {
		// A table of 0, 1, 2, …, and what turns the first vector into the answer
		// of a task that the model was trained on.
		return name == "embeddings.position_ids" || strings.HasPrefix(name, "pooler.")
	})
}

// NewBuffers implements Encoder.
func (m *bert) NewBuffers() Buffers {
	return &pass{decoder: &decoder{cfg: m.cfg, pool: m.pool}}
}

// Encode implements Encoder.
func (m *bert) Encode(ctx context.Context, buf Buffers, ids []int32) ([]float32, error) {
	p := buf.(*pass)
	p.fit(len(ids))
	m.embed(p, ids)
	for i := range m.Layers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		l := &m.Layers[i]
		// x = norm(x + attention(x))
		p.multiply(p.x, product{&l.Q, p.q}, product{&l.K, p.k}, product{&l.V, p.v})
		p.lookBoth(i)
		p.multiply(p.att, product{&l.O, p.h})
		p.add()
		l.AttnNorm.run(p, p.x, p.x)
		// x = norm(x + down(gelu(up(x))))
		p.multiply(p.x, product{&l.Up, p.up})
		m.cfg.Act.Apply(p.up)
		p.multiply(p.up, product{&l.Down, p.h})
		p.add()
		l.FFNNorm.run(p, p.x, p.x)
	}
	return p.x, nil
}

// embed computes x = norm(word + position + type 0) of each token.
func (m *bert) embed(p *pass, ids []int32) {
	n := m.cfg.Dim
	for i, id := range ids {
		x := p.x[i*n : (i+1)*n]
		m.Words.Row(x, int(id))
		m.Positions.Row(p.h, m.cfg.FirstPosition+i)
		kernels.Add(x, p.h[:n])
		m.Types.Row(p.h, 0)
		kernels.Add(x, p.h[:n])
	}
	m.Norm.run(p, p.x, p.x)
}

// A layerNorm is a norm with mean and bias.
type layerNorm struct {
	W, B []float32 // [dim]
}

// run computes dst = LayerNorm(x) · w + b of each token. dst may be x.
func (l *layerNorm) run(p *pass, dst, x []float32) {
	for i := 0; i < len(x); i += len(l.W) {
		kernels.LayerNorm(dst[i:], x[i:], l.W, l.B, p.cfg.Epsilon)
	}
}

// lookBoth computes what the queries of a whole text see of all of it, or of as
// much as layer i's window spans on both sides: att.
func (p *pass) lookBoth(i int) {
	c := &p.cfg
	p.text = flat{p.k, p.v}
	p.attend = kernels.Attention{
		Q: p.q, Out: p.att, Memory: &p.text, T: p.t, Both: true, Window: c.window(i),
		Heads: c.Heads, KVHeads: c.KVHeads, Head: c.Head, Scale: c.scale(),
	}
	p.attend.Run(p.pool)
}

// flat is the keys and values of one text in one page.
type flat struct{ k, v []float32 }

// Page implements kernels.Memory.
func (f *flat) Page(int, int) (k, v []float32) { return f.k, f.v }

// PageTokens implements kernels.Memory.
func (f *flat) PageTokens() int { return MaxContext }
