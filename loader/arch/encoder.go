package arch

import (
	"context"
	"fmt"

	"samara/loader/kernels"
	"samara/loader/weights"
)

// An Encoder turns tokens into one vector each. It is safe for use by several
// goroutines, each with its own Buffers.
type Encoder interface {
	// NewBuffers returns the memory of one forward pass.
	NewBuffers() Buffers
	// Encode returns the last layer's vectors of ids, a whole text of at most
	// Context tokens, each below VocabSize: [ids][dim], valid until buf's next
	// use. The caller holds the weights.
	Encode(ctx context.Context, buf Buffers, ids []int32) ([]float32, error)
}

// IsEncoder tells whether a config's architecture predicts no tokens: it has an
// Encoder and no Model.
func IsEncoder(c Config) bool {
	f, err := find(c.Architecture, familyName)
	return err == nil && f.encoder != nil
}

// LoadEncoder makes the encoder of a config's architecture over d; a Model is
// one too. It fails where Load does. The caller holds d during the call.
func LoadEncoder(c Config, d *weights.Directory, p *kernels.Pool) (Encoder, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	f, err := find(c.Architecture, familyName)
	if err != nil {
		return nil, err
	}
	if f.encoder == nil {
		return nil, fmt.Errorf("got architecture %s, want one that encodes", f.name)
	}
	return f.encoder(c, plainNames(d), p)
}

// Encode implements Encoder: the vectors before the output matrix.
func (d *decoder) Encode(ctx context.Context, buf Buffers, ids []int32) ([]float32, error) {
	return encode(ctx, d, buf.(*pass), ids)
}

// Encode implements Encoder.
func (m *longDecoder) Encode(ctx context.Context, buf Buffers, ids []int32) ([]float32, error) {
	return encode(ctx, m, buf.(*pass), ids)
}

// encode collects the vectors of a whole text from a model that reads it in
// batches.
func encode(ctx context.Context, m Model, p *pass, ids []int32) ([]float32, error) {
	s := m.NewState(len(ids))
	defer s.Close()
	p.vectors = p.vectors[:0]
	for len(ids) > 0 {
		n := min(MaxBatch, len(ids))
		p.keep = true
		_, err := m.Forward(ctx, s, p, ids[:n], false)
		p.keep = false
		if err != nil {
			return nil, err
		}
		ids = ids[n:]
	}
	return p.vectors, nil
}
