package arch

import (
	"context"

	"samara/loader/kernels"
	"samara/loader/state"
)

// A longDecoder is a decoder with LongRoPE. Its angles change for all positions
// at once when a sequence becomes longer than the original context, so that
// what it remembers must be computed anew then: a state keeps its ids for that.
type longDecoder struct {
	*decoder
	short, long []kernels.Rope
}

func newLongDecoder(d *decoder, interleaved bool) *longDecoder {
	l := d.cfg.Rope.Long
	return &longDecoder{
		decoder: d,
		short:   []kernels.Rope{d.rope(d.cfg.Rope, l.Short, interleaved)},
		long:    []kernels.Rope{d.rope(d.cfg.Rope, l.Long, interleaved)},
	}
}

// NewState implements Model.
func (m *longDecoder) NewState(limit int) state.State {
	return &longState{KV: state.NewKV(m.pages, limit), ids: make([]int32, 0, limit)}
}

// Forward implements Model.
func (m *longDecoder) Forward(ctx context.Context, s state.State, buf Buffers, ids []int32, all bool) ([]float32, error) {
	p, l := buf.(*pass), s.(*longState)
	long := len(l.ids)+len(ids) > m.cfg.Rope.Long.OriginalContext
	if l.long != long {
		l.KV.Truncate(0)
		l.long = long
	}
	p.ropes = m.short
	if long {
		p.ropes = m.long
	}
	for l.KV.Len() < len(l.ids) {
		again := l.ids[l.KV.Len():min(l.KV.Len()+MaxBatch, len(l.ids))]
		if _, err := p.run(ctx, l.KV, l.Advance, again, false); err != nil {
			return nil, err
		}
	}
	logits, err := p.run(ctx, l.KV, l.Advance, ids, all)
	if err == nil {
		l.ids = append(l.ids, ids...)
	}
	return logits, err
}

// A longState is the ids of a sequence, and as much of its keys and values as
// is computed with the angles of its length.
type longState struct {
	*state.KV
	ids  []int32 // capacity for the limit
	long bool    // which angles
}

// Len implements state.State.
func (s *longState) Len() int { return len(s.ids) }

// Holds implements state.State: what is lost is computed again.
func (s *longState) Holds(n int) bool { return n <= len(s.ids) }

// Truncate implements state.State.
func (s *longState) Truncate(n int) {
	s.ids = s.ids[:n]
	s.KV.Truncate(s.known(n))
}

// known is how many of the first n tokens the KV can go back to.
func (s *longState) known(n int) int {
	n = min(n, s.KV.Len())
	if !s.KV.Holds(n) {
		return 0
	}
	return n
}

// Fork implements state.State.
func (s *longState) Fork(n int) state.State {
	f := &longState{KV: s.KV.Fork(s.known(n)).(*state.KV), ids: make([]int32, n, s.Limit()), long: s.long}
	copy(f.ids, s.ids)
	return f
}

// Close implements state.State.
func (s *longState) Close() { s.Truncate(0) }
