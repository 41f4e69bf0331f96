package verify

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"
)

// GroupSize is the size in bytes of the groups that a Tree is made of: 16 BLAKE3
// chunks.
const GroupSize = 16 << 10

// treeMagic starts a marshalled Tree; the file's size and the nodes follow.
const treeMagic = "smrtree1"

const treeHeaderSize = len(treeMagic) + 8

// A Tree holds what BLAKE3 makes of every 16 KiB group of one file, in file
// order. It takes 2 MiB for a file of 1 GiB.
//
// SetGroup, Has, Complete and VerifyGroup may be called from several goroutines
// at once, as long as no two set the same group at the same time.
type Tree struct {
	size    int64
	nodes   []node          // [Groups()]
	set     []atomic.Uint32 // [Groups()/32], one bit a group
	missing atomic.Int64    // groups not set yet
}

// NewTree returns the tree of a file of size bytes with no group set. Check size
// against the disk first: the memory is taken here.
// It panics unless 0 <= size <= MaxFileSize.
func NewTree(size int64) *Tree {
	if size < 0 || size > MaxFileSize {
		panic(fmt.Sprintf("verify: tree of a file of %d bytes", size))
	}
	n := groupsOf(size)
	t := &Tree{size: size, nodes: make([]node, n), set: make([]atomic.Uint32, (n+31)/32)}
	t.missing.Store(int64(n))
	return t
}

// groupsOf returns the number of groups of a file; an empty file has one.
func groupsOf(size int64) int {
	return int(max(1, (size+GroupSize-1)/GroupSize))
}

// Size returns the size of the file in bytes.
func (t *Tree) Size() int64 { return t.size }

// Groups returns the number of groups: one for an empty file.
func (t *Tree) Groups() int { return len(t.nodes) }

// GroupLen returns the length in bytes of group i: GroupSize for all but the
// last.
func (t *Tree) GroupLen(i int) int {
	return int(min(GroupSize, t.size-int64(i)*GroupSize))
}

// SetGroup records the bytes of group i, which starts at byte i*GroupSize.
// It panics unless len(data) is GroupLen(i). The data is read only during the
// call.
func (t *Tree) SetGroup(i int, data []byte) {
	t.nodes[i] = t.hashGroup(i, data)
	t.mark(i)
}

func (t *Tree) mark(i int) {
	bit := uint32(1) << (i % 32)
	if t.set[i/32].Or(bit)&bit == 0 {
		t.missing.Add(-1)
	}
}

func (t *Tree) hashGroup(i int, data []byte) node {
	if len(data) != t.GroupLen(i) {
		panic(fmt.Sprintf("verify: group %d with %d bytes, want %d", i, len(data), t.GroupLen(i)))
	}
	return hashGroup(data, i, len(t.nodes) == 1)
}

// Has reports whether group i is set.
func (t *Tree) Has(i int) bool {
	return t.set[i/32].Load()&(1<<(i%32)) != 0
}

// Complete reports whether every group is set.
func (t *Tree) Complete() bool { return t.missing.Load() == 0 }

// Root returns the digest of the file, computed anew from its groups.
// It returns a *TreeError unless the tree is complete.
func (t *Tree) Root() (Digest, error) {
	if n := t.missing.Load(); n != 0 {
		return Digest{}, &TreeError{fmt.Sprintf("%d of %d groups missing", n, len(t.nodes))}
	}
	return rootOf(t.nodes), nil
}

// VerifyGroup reports whether data is what group i was set to. It is false for
// a group that is not set or data of another length.
func (t *Tree) VerifyGroup(i int, data []byte) bool {
	return len(data) == t.GroupLen(i) && t.Has(i) && t.hashGroup(i, data) == t.nodes[i]
}

// MarshalBinary returns the bytes that ParseTree reads: eight bytes "smrtree1",
// the file's size as a little-endian uint64, then the 32 bytes of every group in
// file order.
// It returns a *TreeError unless the tree is complete.
func (t *Tree) MarshalBinary() ([]byte, error) {
	if n := t.missing.Load(); n != 0 {
		return nil, &TreeError{fmt.Sprintf("%d of %d groups missing", n, len(t.nodes))}
	}
	b := make([]byte, 0, treeHeaderSize+len(t.nodes)*DigestSize)
	b = append(b, treeMagic...)
	b = binary.LittleEndian.AppendUint64(b, uint64(t.size))
	for _, n := range t.nodes {
		for _, w := range n {
			b = binary.LittleEndian.AppendUint32(b, w)
		}
	}
	return b, nil
}

// ParseTree reads what MarshalBinary returns. It takes no more memory than b is
// long. Nothing is proven by it: compare Root with the digest of the file.
// It returns a *TreeError.
func ParseTree(b []byte) (*Tree, error) {
	if len(b) < treeHeaderSize || string(b[:len(treeMagic)]) != treeMagic {
		return nil, &TreeError{fmt.Sprintf("%d bytes without the header %q", len(b), treeMagic)}
	}
	size := binary.LittleEndian.Uint64(b[len(treeMagic):])
	if size > MaxFileSize {
		return nil, &TreeError{fmt.Sprintf("file of %d bytes, want at most %d", size, int64(MaxFileSize))}
	}
	b = b[treeHeaderSize:]
	if want := groupsOf(int64(size)) * DigestSize; len(b) != want {
		return nil, &TreeError{fmt.Sprintf("%d bytes of groups, want %d for a file of %d bytes", len(b), want, size)}
	}
	t := NewTree(int64(size))
	for i := range t.nodes {
		for w := range t.nodes[i] {
			t.nodes[i][w] = binary.LittleEndian.Uint32(b[i*DigestSize+4*w:])
		}
		t.mark(i)
	}
	return t, nil
}
