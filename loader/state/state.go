// Package state holds what a sequence remembers between tokens.
//
// A State is more than "a KV cache": some architectures remember a window, some
// a recurrent vector. What they share is the interface here: it grows by
// tokens, can be cut back, and forks at a token so that sequences with the same
// beginning share memory. KV is the state of attention, in pages.
package state

// A State is what one sequence remembers. It is not safe for use by several
// goroutines at once; forks of it are independent of it.
type State interface {
	// Len is the number of tokens remembered.
	Len() int
	// Limit is the largest Len.
	Limit() int
	// Reserve makes room for n tokens after Len; the caller has checked the
	// limit. Pages that a fork shares are copied before they are written.
	Reserve(n int)
	// Advance counts n tokens, whose memory was written, as remembered.
	Advance(n int)
	// Holds tells whether Truncate and Fork can go back to n tokens: what
	// looks back through a window remembers no more than that. 0 is always
	// held, and so is Len.
	Holds(n int) bool
	// Truncate forgets all but the first n tokens, which Holds.
	Truncate(n int)
	// Fork returns a State that remembers the first n tokens, which Holds.
	// Both may go on by themselves; both need Close.
	Fork(n int) State
	// Close gives the memory back. A second Close does nothing.
	Close()
}
