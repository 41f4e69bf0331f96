package swarm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"samara/magnets"
	"samara/verify"
)

// corruptSeeder offers r with one byte of every piece turned, from an address
// of its own, as peers are banned by address.
func corruptSeeder(t *testing.T, r *release) *Swarm {
	t.Helper()
	s, err := New(Config{Dir: t.TempDir(), Listen: "127.0.0.2:0"})
	if err != nil {
		t.Skipf("no second loopback address: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	var paths []string
	for i, data := range r.data {
		bad := bytes.Clone(data)
		for off := 0; off < len(bad); off += 16 << 10 {
			bad[off] ^= 1
		}
		path := filepath.Join(t.TempDir(), "bad")
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
		_ = i
	}
	if _, err := s.Seed(t.Context(), r.info.Bytes, paths, nil, nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// A peer that sends corrupt pieces is noticed and banned; nothing of it stays,
// and an honest peer completes the transfer.
func TestCorruptPeer(t *testing.T) {
	r := newRelease(t, 64<<10, 2_000_000, 33_000)
	bad := corruptSeeder(t, r)
	to := newSwarm(t, t.TempDir())
	tor := fetch(t, to, r, layout(r.info), bad.Addr())
	eventually(t, "a bad piece is noticed", func() bool { return tor.Stats().BadPieces > 0 })
	if st := tor.Stats(); st.PiecesDone != 0 || st.BytesDone != 0 {
		t.Errorf("corrupt pieces count as done: %+v", st)
	}
	eventually(t, "the bad peer is banned", func() bool { return len(to.client.BadPeerIPs()) == 1 })
	good, _ := seed(t, r)
	tor.AddPeers([]string{good.Addr()})
	waitDone(t, tor)
	checkFiles(t, r, tor)
}

// Both at once: pieces whose blocks came from either side are sorted out.
func TestCorruptPeerAmongHonest(t *testing.T) {
	r := newRelease(t, 256<<10, 6_000_000)
	bad := corruptSeeder(t, r)
	good, _ := seed(t, r)
	tor := fetch(t, newSwarm(t, t.TempDir()), r, layout(r.info), bad.Addr(), good.Addr())
	waitDone(t, tor)
	checkFiles(t, r, tor)
}

// A torrent whose info dictionary hashes right but breaks a rule is refused
// when it comes from a peer, with nothing written and before the client sees
// it: the second would hold it up for a quarter of a minute.
func TestHostileMetadata(t *testing.T) {
	const n = 40_000
	for name, raw := range map[string]string{
		"name": "d6:lengthi100e4:name2:..12:piece lengthi16384e6:pieces20:" + string(make([]byte, 20)) + "e",
		"many files of many pieces": fmt.Sprintf("d5:filesl%sd6:length%s4:pathl1:beee4:name1:x12:piece lengthi16384e6:pieces%s",
			strings.Repeat("d6:lengthi0e4:pathl1:aee", n), bencodeInt(n<<14), bencodeString(strings.Repeat("h", 20*n))+"e"),
	} {
		t.Run(name, func(t *testing.T) { refuseMetadata(t, []byte(raw)) })
	}
}

func refuseMetadata(t *testing.T, raw []byte) {
	t.Helper()
	hash := magnets.Hash(sha1Sum(raw))
	peer := metadataPeer(t, hash, raw, len(raw))
	dir := t.TempDir()
	s := newSwarm(t, dir)
	tor, err := s.Add(t.Context(), Spec{Link: magnets.Link{InfoHash: hash, HasV1: true}, Peers: []string{peer}})
	if err != nil {
		t.Fatal(err)
	}
	var bad *magnets.InfoError
	if info, err := tor.Metadata(t.Context()); !errors.As(err, &bad) {
		t.Fatalf("got %+v, %v", info, err)
	}
	if err := tor.Start(t.Context(), Layout{}); !errors.As(err, &bad) {
		t.Errorf("start: %v", err)
	}
	if tor.t.Info() != nil {
		t.Error("the client has the dictionary")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("%v %v", entries, err)
	}
}

// A peer that sends wrong metadata spoils only its own: with an honest one
// beside it the dictionary comes.
func TestWrongMetadata(t *testing.T) {
	sizes := make([]int, 600) // a dictionary of several messages
	for i := range sizes {
		sizes[i] = 100
	}
	r := newRelease(t, 64<<10, sizes...)
	wrong := bytes.Clone(r.info.Bytes)
	wrong[len(wrong)/2] ^= 1
	liar := metadataPeer(t, r.info.InfoHash, wrong, len(wrong))
	s := newSwarm(t, t.TempDir())
	tor, err := s.Add(t.Context(), Spec{Link: r.link(), Peers: []string{liar}})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond) // let the liar be first
	if st := tor.Stats(); st.State != StateResolving || st.Peers != 0 {
		t.Errorf("after wrong metadata: %+v", st)
	}
	honest, _ := seed(t, r)
	tor.AddPeers([]string{honest.Addr()})
	info, err := tor.Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if info.InfoHash != r.info.InfoHash {
		t.Errorf("infohash %s", info.InfoHash)
	}
	if err := tor.Start(t.Context(), layout(info)); err != nil {
		t.Fatal(err)
	}
	waitDone(t, tor)
	checkFiles(t, r, tor)
}

// A peer that offers an info dictionary of more than magnets.MaxInfoBytes is
// dropped before memory is taken for it.
func TestHugeMetadata(t *testing.T) {
	hash := magnets.Hash{1, 2, 3}
	peer := metadataPeer(t, hash, nil, magnets.MaxInfoBytes+1)
	s := newSwarm(t, t.TempDir())
	tor, err := s.Add(t.Context(), Spec{Link: magnets.Link{InfoHash: hash, HasV1: true}, Peers: []string{peer}})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond) // time enough for a client that would take it
	if n := len(tor.t.Metainfo().InfoBytes); n != 0 {
		t.Errorf("%d bytes of metadata", n)
	}
	if st := tor.Stats(); st.Peers != 0 || st.State != StateResolving {
		t.Errorf("%+v", st)
	}
}

// metadataPeer is a peer of a few lines: it says that it has metadata of size
// bytes and answers every request for it out of raw.
func metadataPeer(t *testing.T, hash magnets.Hash, raw []byte, size int) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = l.Close() // ends the loop below
		<-done
	})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(5 * time.Second))
			serveMetadata(c, hash, raw, size)
			_ = c.Close() // the client notices
		}
	}()
	return l.Addr().String()
}

func serveMetadata(c net.Conn, hash magnets.Hash, raw []byte, size int) {
	hello := make([]byte, 68)
	if _, err := io.ReadFull(c, hello); err != nil || hello[0] != 19 {
		return
	}
	reply := append([]byte("\x13BitTorrent protocol\x00\x00\x00\x00\x00\x10\x00\x00"), hash[:]...)
	reply = append(reply, "-XX0001-hostilepeer!"...)
	send := func(b []byte) bool {
		msg := append(binary.BigEndian.AppendUint32(nil, uint32(len(b)+1)), 20)
		_, err := c.Write(append(msg, b...))
		return err == nil
	}
	if _, err := c.Write(reply); err != nil {
		return
	}
	if !send([]byte("\x00d1:md11:ut_metadatai3ee13:metadata_size" + bencodeInt(size) + "e")) {
		return
	}
	theirs := byte(0)
	for {
		var n [4]byte
		if _, err := io.ReadFull(c, n[:]); err != nil {
			return
		}
		msg := make([]byte, binary.BigEndian.Uint32(n[:]))
		if _, err := io.ReadFull(c, msg); err != nil {
			return
		}
		if len(msg) < 2 || msg[0] != 20 {
			continue
		}
		if msg[1] == 0 { // their extended handshake names their number for ut_metadata
			if i := bytes.Index(msg, []byte("ut_metadatai")); i >= 0 {
				theirs = msg[i+len("ut_metadatai")] - '0'
			}
			continue
		}
		var piece int
		if _, asked, _ := bytes.Cut(msg, []byte("piecei")); raw == nil || len(asked) == 0 {
			continue
		} else if _, err := fmt.Sscanf(string(asked), "%de", &piece); err != nil {
			return
		}
		part := raw[piece*metadataPiece : min(len(raw), (piece+1)*metadataPiece)]
		if !send(append([]byte{theirs}, "d8:msg_typei1e5:piece"+bencodeInt(piece)+"10:total_size"+bencodeInt(size)+"e"+string(part)...)) {
			return
		}
	}
}

// What magnets accepts as paths, a manifest accepts too, so that no transfer
// fails at its very end.
func TestPathsSuitManifests(t *testing.T) {
	for _, p := range []string{
		"a", "a/b", "ü/é", "con.txt", "COM1", "aux/x", "a.", "a ", "..", "a/../b", "/a", `a\b`, "a:b", "a\x7f", "a\u0085", "a\u202e", "a\u2028",
		"clock$", "CONIN$", "lpt9.bin", "lpt¹", "com0", "nul", "a//b", "a/", "?", "*", "\"", "<", ">", "|", "a\u200db", ".hidden", "-", "~", "a\xff",
	} {
		raw := []byte("d5:filesld6:lengthi1e4:pathl")
		for _, seg := range bytes.Split([]byte(p), []byte("/")) {
			raw = append(raw, bencodeString(string(seg))...)
		}
		raw = append(raw, "eee4:name1:x12:piece lengthi16384e6:pieces20:"+string(make([]byte, 20))+"e"...)
		info, err := magnets.ParseInfo(raw)
		if (err == nil) != (verify.CheckPath(p) == nil) {
			t.Errorf("%q: magnets says %v, verify says %v", p, err, verify.CheckPath(p))
		}
		if err == nil && info.Files[0].Path != p {
			t.Errorf("%q became %q", p, info.Files[0].Path)
		}
	}
}
