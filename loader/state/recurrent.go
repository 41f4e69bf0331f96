package state

// A Recurrent is the State of a model some of whose layers fold all positions
// into numbers of a fixed size; the others remember theirs in KV. It can go back
// to the beginning only, and be forked where it is: such a fork is a checkpoint.
type Recurrent struct {
	*KV
	// now is what the layers remember of the first Len tokens, next where a
	// pass writes what comes after.
	now, next []float32
}

// NewRecurrent returns an empty Recurrent for up to limit tokens, with size
// float32 beside the KV.
func NewRecurrent(p *Pages, limit, size int) *Recurrent {
	return &Recurrent{KV: NewKV(p, limit), now: make([]float32, size), next: make([]float32, size)}
}

// Memory is what the layers remember, to be read, and where what they will
// remember is to be written. Advance makes one the other.
func (s *Recurrent) Memory() (now, next []float32) { return s.now, s.next }

// Advance implements State.
func (s *Recurrent) Advance(n int) {
	s.KV.Advance(n)
	s.now, s.next = s.next, s.now
}

// Holds implements State.
func (s *Recurrent) Holds(n int) bool { return n == 0 || n == s.Len() }

// Truncate implements State.
func (s *Recurrent) Truncate(n int) {
	s.KV.Truncate(n)
	if n == 0 {
		clear(s.now)
	}
}

// Fork implements State.
func (s *Recurrent) Fork(n int) State {
	f := &Recurrent{KV: s.KV.Fork(n).(*KV), now: make([]float32, len(s.now)), next: make([]float32, len(s.now))}
	if n > 0 {
		copy(f.now, s.now)
	}
	return f
}

// Close implements State.
func (s *Recurrent) Close() { s.Truncate(0) }
