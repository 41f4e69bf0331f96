package magnets

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Piece sizes of what Samara publishes.
const (
	minPublishedPiece  = 1 << 20
	maxPublishedPiece  = 16 << 20
	maxPublishedPieces = 8192
)

// PieceLength returns the piece size in bytes of a torrent that Samara
// publishes with total bytes: the smallest power of two from 1 MiB that gives
// at most 8,192 pieces, at most 16 MiB.
func PieceLength(total int64) int64 {
	n := int64(minPublishedPiece)
	for n < maxPublishedPiece && (total+n-1)/n > maxPublishedPieces {
		n *= 2
	}
	return n
}

// A BuildInfo is what Build makes an info dictionary of.
type BuildInfo struct {
	Name        string // last segment of the reference
	Files       []File // any order, each with its digest; no pads
	PieceLength int64  // bytes, PieceLength(total)
	Pieces      []byte // SHA-1 of each piece, 20 bytes each, over the files in order of path bytes
	Private     bool
}

// SortFiles orders files as Build lays them out: by path bytes.
func SortFiles(files []File) {
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
}

// Build returns the info dictionary that Samara publishes: v1, always with a
// list of files, sorted by path bytes, with nothing that differs from one
// machine or day to the next, and the key "blake3" with the files' digests in
// the same order. ParseInfo accepts the result; what it would refuse is an
// error here.
func Build(b BuildInfo) ([]byte, error) {
	files := slices.Clone(b.Files)
	SortFiles(files)
	list := make([]any, len(files))
	digests := make([]byte, 0, 32*len(files))
	for i, f := range files {
		if f.Pad || f.Blake3 == [32]byte{} {
			return nil, fmt.Errorf("build torrent %s: file %s has no digest", b.Name, f.Path)
		}
		list[i] = dict{"length": f.Size, "path": anySlice(strings.Split(f.Path, "/"))}
		digests = append(digests, f.Blake3[:]...)
	}
	d := dict{
		"blake3":       digests,
		"files":        list,
		"name":         b.Name,
		"piece length": b.PieceLength,
		"pieces":       b.Pieces,
	}
	if b.Private {
		d["private"] = int64(1)
	}
	out := appendBencode(nil, d)
	if _, err := ParseInfo(out); err != nil {
		return nil, fmt.Errorf("build torrent %s: %w", b.Name, err)
	}
	return out, nil
}
