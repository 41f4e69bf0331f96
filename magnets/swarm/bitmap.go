package swarm

import "math/bits"

// A bitmap has one bit for each piece, piece 0 in the highest bit of the
// first byte, as on the wire.
type bitmap []byte

func newBitmap(n int) bitmap { return make(bitmap, (n+7)/8) }

func (b bitmap) has(i int) bool { return b[i/8]&(0x80>>(i%8)) != 0 }
func (b bitmap) set(i int)      { b[i/8] |= 0x80 >> (i % 8) }
func (b bitmap) clear(i int)    { b[i/8] &^= 0x80 >> (i % 8) }

// count returns how many bits are set.
func (b bitmap) count() int {
	n := 0
	for _, v := range b {
		n += bits.OnesCount8(v)
	}
	return n
}
