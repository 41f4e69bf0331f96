package swarm

import (
	"bytes"
	"testing"

	"github.com/anacrolix/torrent"
	pp "github.com/anacrolix/torrent/peer_protocol"

	"samara/magnets"
)

func TestGatherer(t *testing.T) {
	want := bytes.Repeat([]byte("0123456789"), 5000) // four messages, the last one short
	g := newGatherer(nil)
	conn, other := &torrent.PeerConn{}, &torrent.PeerConn{}
	send := func(c *torrent.PeerConn, piece int) ([]byte, bool) {
		data := want[piece*metadataPiece : min(len(want), (piece+1)*metadataPiece)]
		return g.add(c, pp.ExtendedMetadataRequestMsg{Piece: piece, TotalSize: len(want)}, append([]byte("d…e"), data...))
	}
	for _, piece := range []int{3, 0, 2} {
		if whole, ok := send(conn, piece); whole != nil || !ok {
			t.Fatalf("piece %d: %v %v", piece, whole, ok)
		}
	}
	if _, ok := send(other, 1); !ok {
		t.Error("another peer's piece was refused")
	}
	if _, ok := send(conn, 2); ok {
		t.Error("a piece was taken twice")
	}
	whole, ok := send(conn, 1)
	if !ok || !bytes.Equal(whole, want) {
		t.Errorf("%v, %d bytes", ok, len(whole))
	}
	g.forget(conn)
	g.forget(other)
	g.forget(other)
	if g.bytes != 0 || len(g.parts) != 0 {
		t.Errorf("%d bytes of %d peers are left", g.bytes, len(g.parts))
	}
}

func TestGathererBounds(t *testing.T) {
	g := newGatherer(nil)
	for n := 0; ; n++ {
		if n > maxGathered/magnets.MaxInfoBytes {
			t.Fatal("no bound on all peers together")
		}
		if _, ok := g.add(&torrent.PeerConn{}, pp.ExtendedMetadataRequestMsg{TotalSize: magnets.MaxInfoBytes}, make([]byte, metadataPiece)); !ok {
			break
		}
	}
}

func FuzzGatherer(f *testing.F) {
	f.Add(0, 20, []byte("d8:msg_typei1e5:piecei0e10:total_sizei20ee01234567890123456789"))
	f.Add(1, 20000, make([]byte, 4000))
	f.Add(-1, -5, []byte{})
	f.Fuzz(func(t *testing.T, piece, size int, payload []byte) {
		g := newGatherer(nil)
		whole, ok := g.add(&torrent.PeerConn{}, pp.ExtendedMetadataRequestMsg{Piece: piece, TotalSize: size}, payload)
		if whole != nil && (!ok || len(whole) != size || size > metadataPiece || !bytes.HasSuffix(payload, whole)) {
			t.Errorf("piece %d of %d bytes: %d bytes, ok %v", piece, size, len(whole), ok)
		}
	})
}
