package tokenizer

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"
)

// A wordCache remembers the ids of pieces that a model has seen lately: texts
// repeat their words. It is safe for concurrent use, and bounded: one piece to
// a slot, the later one wins.
type wordCache struct {
	seed  maphash.Seed
	slots [wordSlots]atomic.Pointer[cachedWord]
}

const (
	wordSlots    = 1 << 16
	maxCachedLen = 128 // bytes; longer pieces are rarely met again
)

// A cachedWord never changes once it is in its slot.
type cachedWord struct {
	text string
	ids  []int32
}

func newWordCache() *wordCache { return &wordCache{seed: maphash.MakeSeed()} }

// encode appends the ids of piece, which compute appends where they are not
// known.
func (c *wordCache) encode(out []int32, piece string, compute func(out []int32, piece string) []int32) []int32 {
	if len(piece) > maxCachedLen {
		return compute(out, piece)
	}
	slot := &c.slots[maphash.String(c.seed, piece)%wordSlots]
	if w := slot.Load(); w != nil && w.text == piece {
		return append(out, w.ids...)
	}
	known := len(out)
	out = compute(out, piece)
	slot.Store(&cachedWord{strings.Clone(piece), slices.Clone(out[known:])})
	return out
}
