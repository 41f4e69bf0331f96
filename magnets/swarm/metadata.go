package swarm

import (
	"crypto/sha1" // BEP 3 names torrents by SHA-1
	"crypto/sha256"
	"sync"

	"github.com/anacrolix/torrent"
	"github.com/anacrolix/torrent/bencode"
	pp "github.com/anacrolix/torrent/peer_protocol"

	"samara/magnets"
)

// Bounds on metadata that peers send.
const (
	metadataPiece = 16 << 10 // bytes of one message, BEP 9
	maxGathered   = 64 << 20 // bytes of info dictionaries that are being gathered, of all peers
)

// rejectMessage is what the client reads instead of a piece of metadata.
const rejectMessage = "d8:msg_typei2e5:piecei0ee"

// A gatherer puts info dictionaries together out of what peers send.
//
// The torrent client would do that itself, but it builds its tables of pieces
// and files before anyone could look at the dictionary, with its lock held:
// two megabytes made for the purpose stop every torrent for a quarter of a
// minute. So pieces of metadata are taken out of its hands here, and it gets
// the dictionary once magnets.ParseInfo has accepted it.
//
// Each peer's pieces are kept apart: a peer that sends wrong ones spoils only
// its own. Callbacks run with the client's lock held.
type gatherer struct {
	find func(magnets.Hash) *Torrent

	mu    sync.Mutex
	parts map[*torrent.PeerConn]*gathered
	bytes int
}

// gathered is what one peer has sent.
type gathered struct {
	b    []byte
	have []bool
	left int
}

func newGatherer(find func(magnets.Hash) *Torrent) *gatherer {
	return &gatherer{find: find, parts: map[*torrent.PeerConn]*gathered{}}
}

// onMessage takes pieces of metadata out of a peer's extension messages.
// Where a peer breaks the rules the message is wiped, for which the client
// drops it.
func (g *gatherer) onMessage(e torrent.PeerConnReadExtensionMessageEvent) {
	name, _, err := e.PeerConn.LocalLtepProtocolMap.LookupId(e.ExtensionNumber)
	if err != nil || name != pp.ExtensionNameMetadata {
		return
	}
	t := e.PeerConn.Torrent()
	if t == nil || t.Info() != nil {
		return
	}
	var m pp.ExtendedMetadataRequestMsg
	err = bencode.Unmarshal(e.Payload, &m)
	if _, trailing := err.(bencode.ErrUnusedTrailingBytes); err != nil && !trailing {
		return // the client drops the peer for it
	}
	if m.Type != pp.DataMetadataExtensionMsgType {
		return
	}
	raw, ok := g.add(e.PeerConn, m, e.Payload)
	if raw != nil {
		g.forget(e.PeerConn)
		tor := g.find(magnets.Hash(t.InfoHash()))
		ok = tor != nil && tor.offer(raw)
	}
	clear(e.Payload)
	if ok {
		copy(e.Payload, rejectMessage)
	}
}

// add keeps one piece. It returns the whole dictionary with the last one, and
// ok false for a piece that cannot be.
func (g *gatherer) add(c *torrent.PeerConn, m pp.ExtendedMetadataRequestMsg, payload []byte) (whole []byte, ok bool) {
	if m.TotalSize <= 0 || m.TotalSize > magnets.MaxInfoBytes || m.Piece < 0 {
		return nil, false
	}
	pieces := (m.TotalSize + metadataPiece - 1) / metadataPiece
	if m.Piece >= pieces {
		return nil, false
	}
	off := m.Piece * metadataPiece
	size := min(metadataPiece, m.TotalSize-off)
	if len(payload) < size {
		return nil, false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.parts[c]
	if p == nil {
		if g.bytes+m.TotalSize > maxGathered {
			return nil, false
		}
		p = &gathered{b: make([]byte, m.TotalSize), have: make([]bool, pieces), left: pieces}
		g.parts[c] = p
		g.bytes += m.TotalSize
	}
	if len(p.b) != m.TotalSize || p.have[m.Piece] {
		return nil, false
	}
	copy(p.b[off:], payload[len(payload)-size:])
	p.have[m.Piece] = true
	if p.left--; p.left > 0 {
		return nil, true
	}
	return p.b, true
}

// forget frees what a peer has sent.
func (g *gatherer) forget(c *torrent.PeerConn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p := g.parts[c]; p != nil {
		g.bytes -= len(p.b)
		delete(g.parts, c)
	}
}

// offer takes a dictionary that a peer sent and reports whether it is the one
// that the torrent is named by. Whether it can be accepted is for run to say.
func (t *Torrent) offer(raw []byte) bool {
	if t.link.HasV1 && t.link.InfoHash != sha1.Sum(raw) {
		return false
	}
	if t.link.HasV2 && t.link.InfoHashV2 != sha256.Sum256(raw) {
		return false
	}
	t.mu.Lock()
	if t.offered == nil {
		t.offered = raw
	}
	t.mu.Unlock()
	wake(t.kick)
	return true
}

// acceptOffer looks at a dictionary that was offered and hands it to the
// client, or lets the peers go where it must be refused.
func (t *Torrent) acceptOffer() {
	t.mu.Lock()
	raw, known := t.offered, t.info != nil || t.infoErr != nil
	t.mu.Unlock()
	if raw == nil || known {
		return
	}
	info, err := magnets.ParseInfo(raw)
	if err == nil {
		err = t.t.SetInfoBytes(raw)
	}
	t.mu.Lock()
	if err == nil {
		t.info = info
	} else {
		t.infoErr = err
	}
	t.offered = nil
	t.mu.Unlock()
	if err != nil {
		t.t.SetMaxEstablishedConns(0)
	}
	close(t.gotInfo)
}
