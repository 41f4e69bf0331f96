package verify

import (
	"encoding/binary"

	"lukechampine.com/blake3/guts"
)

// node is the chaining value of one subtree; for a file of a single group, which
// is the root itself, it is the digest.
type node [8]uint32

const chunksPerGroup = GroupSize / guts.ChunkSize

// hashGroup hashes the bytes of group i. A root group is the only one of its
// file.
func hashGroup(data []byte, i int, root bool) node {
	var buf *[GroupSize]byte
	if len(data) == GroupSize {
		buf = (*[GroupSize]byte)(data)
	} else {
		buf = new([GroupSize]byte)
		copy(buf[:], data)
	}
	n := guts.CompressBuffer(buf, len(data), &guts.IV, uint64(i)*chunksPerGroup, 0)
	if root {
		return rootNode(n)
	}
	return guts.ChainingValue(n)
}

func rootNode(n guts.Node) node {
	n.Flags |= guts.FlagRoot
	words := guts.CompressNode(n)
	return node(words[:8])
}

// rootOf joins the groups of a whole file.
func rootOf(nodes []node) Digest {
	root := nodes[0]
	if len(nodes) > 1 {
		root = rootNode(parent(nodes))
	}
	var d Digest
	for i, w := range root {
		binary.LittleEndian.PutUint32(d[4*i:], w)
	}
	return d
}

// parent joins two nodes or more: the left side is the largest power of two that
// leaves something for the right.
func parent(nodes []node) guts.Node {
	left := 1
	for left*2 < len(nodes) {
		left *= 2
	}
	return guts.ParentNode(subtree(nodes[:left]), subtree(nodes[left:]), &guts.IV, 0)
}

func subtree(nodes []node) node {
	if len(nodes) == 1 {
		return nodes[0]
	}
	return guts.ChainingValue(parent(nodes))
}
