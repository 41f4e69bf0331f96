package tokenizer

import "fmt"

// A trie holds byte strings and finds those that a text starts with. Its edges
// lie in one open-addressed table: a step costs one look at memory, and building
// is linear in the bytes of the strings.
type trie struct {
	value []int32    // node → what the string that ends there is worth, none
	root  [256]int32 // byte → node, 0 where no string starts with it
	edges []uint64   // node<<8|byte in the upper bits, the child below; 0 is free
	shift uint       // of the hash, so that it indexes edges
	used  int
}

// childBits is how much of an edge is its child; MaxTrieNodes fits.
const childBits = 28

func newTrie() *trie {
	t := &trie{value: []int32{none}}
	t.grow(10)
	return t
}

// grow makes a table of 2^bits edges.
func (t *trie) grow(bits uint) {
	old := t.edges
	t.edges, t.shift = make([]uint64, 1<<bits), 64-bits
	for _, e := range old {
		if e != 0 {
			t.edges[t.slot(e>>childBits)] = e
		}
	}
}

// slot returns where the edge with key is, or would be.
func (t *trie) slot(key uint64) uint64 {
	mask := uint64(len(t.edges) - 1)
	i := key * 0x9E3779B97F4A7C15 >> t.shift
	for e := t.edges[i]; e != 0 && e>>childBits != key; e = t.edges[i] {
		i = (i + 1) & mask
	}
	return i
}

// child returns the node one byte further, 0 where there is none.
func (t *trie) child(node int32, b byte) int32 {
	if node == 0 {
		return t.root[b]
	}
	return int32(t.edges[t.slot(uint64(node)<<8|uint64(b))] & (1<<childBits - 1))
}

// add gives text a value of at least 0; the later of two wins.
func (t *trie) add(text string, value int32) error {
	node := int32(0)
	for i := range len(text) {
		next := t.child(node, text[i])
		if next == 0 {
			next = int32(len(t.value))
			if next >= MaxTrieNodes {
				return fmt.Errorf("the tokens together are too long: want at most %d bytes that they do not share", MaxTrieNodes)
			}
			t.value = append(t.value, none)
			t.link(node, text[i], next)
		}
		node = next
	}
	t.value[node] = value
	return nil
}

func (t *trie) link(node int32, b byte, next int32) {
	if node == 0 {
		t.root[b] = next
		return
	}
	key := uint64(node)<<8 | uint64(b)
	t.edges[t.slot(key)] = key<<childBits | uint64(next)
	if t.used++; t.used > len(t.edges)/2 {
		t.grow(64 - t.shift + 1)
	}
}

// walk returns the node that text leads to from the root, ok false where no
// string goes that way.
func (t *trie) walk(text string) (node int32, ok bool) {
	for i := range len(text) {
		if node = t.child(node, text[i]); node == 0 {
			return 0, false
		}
	}
	return node, true
}

// longest returns the value of the longest string, going on from node, that
// text starts with, and its length in bytes, 0 for none.
func (t *trie) longest(node int32, text string) (value int32, n int) {
	value = none
	for i := range len(text) {
		if node = t.child(node, text[i]); node == 0 {
			break
		}
		if v := t.value[node]; v != none {
			value, n = v, i+1
		}
	}
	return value, n
}
