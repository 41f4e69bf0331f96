package swarm

import (
	"crypto/sha1"
	"io"
	"testing"

	"github.com/anacrolix/torrent/metainfo"

	"samara/magnets"
)

// benchStore is a store of 64 MiB and its pieces.
func benchStore(b *testing.B) (*store, []*piece, []byte) {
	b.Helper()
	const size, pieceLen = 64 << 20, 1 << 20
	info := &magnets.Info{Name: "bench", PieceLength: pieceLen, Pieces: size / pieceLen, Files: []magnets.File{{Path: "a", Size: size - 5000}, {Path: "b", Size: 5000}}, V1: true}
	l := layout(info)
	s, err := openIncoming(newFileCache(), b.TempDir(), info, l.Files, func(err error, _ []int) { b.Error(err) })
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.close(); err != nil {
			b.Error(err)
		}
	})
	pieces := make([]*piece, info.Pieces)
	for i := range pieces {
		pieces[i] = &piece{s, i, s.pieceLen(i)}
	}
	block := make([]byte, pieceLen)
	for i := range block {
		block[i] = byte(i * 7 >> 3)
	}
	return s, pieces, block
}

// BenchmarkStoreWrite writes blocks of 16 KiB, as peers send them.
func BenchmarkStoreWrite(b *testing.B) {
	s, pieces, data := benchStore(b)
	b.SetBytes(s.length)
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range pieces {
			for off := int64(0); off < p.len; off += 16 << 10 {
				if _, err := p.WriteAt(data[off:min(p.len, off+16<<10)], off); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
}

// BenchmarkStoreHash reads pieces in bulk for SHA-1 and BLAKE3, on one core.
func BenchmarkStoreHash(b *testing.B) {
	s, pieces, data := benchStore(b)
	for _, p := range pieces {
		if _, err := p.WriteAt(data[:p.len], 0); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(s.length)
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range pieces {
			h := sha1.New()
			if _, err := p.WriteTo(h); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkStoreComplete marks every piece of a new store as verified.
func BenchmarkStoreComplete(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		_, pieces, _ := benchStore(b)
		b.StartTimer()
		for _, p := range pieces {
			if err := p.MarkComplete(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkStoreRead reads blocks of 16 KiB for uploads.
func BenchmarkStoreRead(b *testing.B) {
	s, _, _ := benchStore(b)
	t, err := s.OpenTorrent(b.Context(), &metainfo.Info{}, metainfo.Hash{})
	if err != nil {
		b.Fatal(err)
	}
	r := t.NewReader()
	block := make([]byte, 16<<10)
	b.SetBytes(s.length / int64(len(block)) * int64(len(block)))
	b.ReportAllocs()
	for b.Loop() {
		for off := int64(0); off+int64(len(block)) <= s.length; off += int64(len(block)) {
			if _, err := r.ReadAt(block, off); err != nil && err != io.EOF {
				b.Fatal(err)
			}
		}
	}
}
