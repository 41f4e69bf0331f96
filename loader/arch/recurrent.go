package arch

import (
	"context"

	"samara/loader/state"
)

// A recurrentDecoder is a decoder some of whose layers fold all positions into
// numbers of a fixed size: p.now and p.next.
type recurrentDecoder struct{ *decoder }

// NewState implements Model.
func (m recurrentDecoder) NewState(limit int) state.State {
	return state.NewRecurrent(m.pages, limit, m.cfg.Layers*m.cfg.Delta.size())
}

// Forward implements Model.
func (m recurrentDecoder) Forward(ctx context.Context, s state.State, buf Buffers, ids []int32, all bool) ([]float32, error) {
	p, r := buf.(*pass), s.(*state.Recurrent)
	p.ropes = m.ropes
	p.now, p.next = r.Memory()
	return p.run(ctx, r.KV, r.Advance, ids, all)
}

// Encode implements Encoder.
func (m recurrentDecoder) Encode(ctx context.Context, buf Buffers, ids []int32) ([]float32, error) {
	return encode(ctx, m, buf.(*pass), ids)
}

// A DeltaConfig is the shape of gated delta rule layers.
type DeltaConfig struct {
	KeyHeads, ValueHeads int // ValueHeads is a multiple of KeyHeads
	Key, Value           int // widths of a head
}

// size is the number of values that a layer remembers, 0 where there is none.
func (d *DeltaConfig) size() int {
	if d == nil {
		return 0
	}
	return d.ValueHeads * d.Key * d.Value
}

// qkv is the width of a position's queries, keys and values together.
func (d *DeltaConfig) qkv() int { return 2*d.KeyHeads*d.Key + d.values() }

// values is the width of a position's values.
func (d *DeltaConfig) values() int { return d.ValueHeads * d.Value }
