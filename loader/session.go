package loader

import (
	"context"
	"fmt"

	"samara/loader/arch"
	"samara/loader/state"
	"samara/loader/weights"
)

// session implements Session on the CPU.
type session struct {
	m       *model
	state   state.State
	buf     arch.Buffers
	all     []float32 // [ids][vocab] of an Eval that wanted All
	release func()    // gives the weights back; nil once closed
}

// NewSession implements Model.
func (m *model) NewSession(o SessionOptions) (Session, error) {
	if err := m.predicts(); err != nil {
		return nil, err
	}
	release, err := m.dir.Acquire()
	if err != nil {
		return nil, err
	}
	limit := m.limit
	if o.Context > 0 {
		limit = min(limit, o.Context)
	}
	return &session{m: m, state: m.net.NewState(limit), buf: m.net.NewBuffers(), release: release}, nil
}

// Eval implements Session.
func (s *session) Eval(ctx context.Context, ids []int32, want Want) (logits []float32, err error) {
	if s.release == nil {
		return nil, ErrClosed
	}
	if err := s.check(ids); err != nil {
		return nil, err
	}
	before := s.state.Len()
	var fork state.State
	if len(ids) > arch.MaxBatch {
		fork = s.state.Fork(before)
	}
	defer func() { s.settle(before, fork, err != nil) }()
	defer s.m.dir.CatchFault(weights.PanicOnFault(), &err)

	s.all = s.all[:0]
	for first := 0; first < len(ids); first += arch.MaxBatch {
		batch := ids[first:min(first+arch.MaxBatch, len(ids))]
		logits, err = s.m.net.Forward(ctx, s.state, s.buf, batch, want == All)
		if err != nil {
			return nil, err
		}
		if want == All && len(ids) > arch.MaxBatch {
			s.all = append(s.all, logits...)
			logits = s.all
		}
	}
	return logits, nil
}

// settle ends an Eval: where it failed, the sequence becomes what it was
// before. A long Eval may have moved windows along, so that only the fork still
// has what they saw.
func (s *session) settle(before int, fork state.State, failed bool) {
	switch {
	case fork == nil && failed:
		s.state.Truncate(before)
	case fork != nil && failed:
		s.state.Close()
		s.state = fork
	case fork != nil:
		fork.Close()
	}
}

// check refuses ids that cannot be evaluated.
func (s *session) check(ids []int32) error {
	if len(ids) == 0 {
		return &RequestError{Reason: "got no tokens to evaluate, want at least one"}
	}
	if n := s.state.Len() + len(ids); n > s.state.Limit() {
		return &ContextError{Tokens: n, Limit: s.state.Limit()}
	}
	for _, id := range ids {
		if id < 0 || int(id) >= s.m.info.VocabSize {
			return &RequestError{Reason: fmt.Sprintf("got token %d, want 0 to %d", id, s.m.info.VocabSize-1)}
		}
	}
	return nil
}

// Len implements Session.
func (s *session) Len() int { return s.state.Len() }

// Limit implements Session.
func (s *session) Limit() int { return s.state.Limit() }

// Close implements Session.
func (s *session) Close() error {
	if s.release != nil {
		s.state.Close()
		s.release()
		s.release = nil
	}
	return nil
}
