package tokenizer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A charsMap is SentencePiece's compiled normalisation table: a double-array
// trie from byte strings to offsets in a pool of zero-terminated strings.
type charsMap struct {
	units []uint32
	pool  string
	plain [utf8.RuneSelf]bool // ASCII characters that no entry starts with
}

// newCharsMap reads a precompiled_charsmap: the trie's length in bytes, the
// trie, the pool. An empty table is nil.
func newCharsMap(b []byte) (*charsMap, error) {
	if len(b) == 0 {
		return nil, nil //nolint:nilnil // no table: every character stays
	}
	if len(b) > MaxCharsMapBytes {
		return nil, fmt.Errorf("normalisation table: got %d bytes, want at most %d", len(b), MaxCharsMapBytes)
	}
	if len(b) < 4 {
		return nil, errors.New("normalisation table is cut short")
	}
	size := binary.LittleEndian.Uint32(b)
	b = b[4:]
	if uint64(size) > uint64(len(b)) || size%4 != 0 {
		return nil, fmt.Errorf("normalisation table: got a trie of %d bytes in %d", size, len(b))
	}
	m := &charsMap{units: make([]uint32, size/4), pool: string(b[size:])}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	for c := range m.plain {
		_, n := m.lookup(string(rune(c)), true)
		m.plain[c] = n == 0
	}
	return m, nil
}

// maxCharsMapKey bounds how far longest looks, in bytes; real keys have a few
// characters.
const maxCharsMapKey = 128

// shortest returns what the shortest entry that text starts with becomes; ok is
// false where there is none.
func (m *charsMap) shortest(text string) (with string, ok bool) {
	with, n := m.lookup(text, true)
	return with, n > 0
}

// longest returns what the longest entry that text starts with becomes, and
// the entry's length, 0 where there is none.
func (m *charsMap) longest(text string) (with string, n int) { return m.lookup(text, false) }

func (m *charsMap) lookup(text string, first bool) (with string, n int) {
	value := uint32(0)
	pos, ok := m.step(0, 0)
	for i := 0; ok && i < min(len(text), maxCharsMapKey); i++ {
		pos ^= uint32(text[i])
		if int(pos) >= len(m.units) || m.units[pos]&0x800000FF != uint32(text[i]) {
			break
		}
		leaf := m.units[pos]>>8&1 == 1
		if pos, ok = m.step(pos, pos); ok && leaf {
			value, n = m.units[pos]&0x7FFFFFFF, i+1
			if first {
				break
			}
		}
	}
	if n == 0 || int(value) > len(m.pool) {
		return "", 0
	}
	with, _, _ = strings.Cut(m.pool[value:], "\x00")
	return with, n
}

// step follows the offset of the unit at node.
func (m *charsMap) step(node, pos uint32) (uint32, bool) {
	if int(node) >= len(m.units) {
		return 0, false
	}
	unit := m.units[node]
	pos ^= unit >> 10 << (unit & (1 << 9) >> 6)
	return pos, int(pos) < len(m.units)
}
