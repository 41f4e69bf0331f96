package swarm

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/anacrolix/torrent"
)

// How peers that the user or the link named are tried while bytes are wanted:
// the client itself tries each once.
const (
	redialEvery = 5 * time.Second
	resolveTime = 10 * time.Second // for all of them, each time
)

// redial hands the named peers to the client again and again.
func (t *Torrent) redial() {
	tick := time.NewTicker(redialEvery)
	defer tick.Stop()
	for {
		t.mu.Lock()
		idle := t.paused || t.trouble != nil || t.infoErr != nil || isClosed(t.done)
		named, link := slices.Clone(t.peers), slices.Clone(t.linkPeers)
		t.mu.Unlock()
		if !idle {
			t.hand(named, true)
			t.hand(link, false)
		}
		select {
		case <-t.ctx.Done():
			return
		case <-t.dial:
		case <-tick.C:
		}
	}
}

// hand looks peers up and gives the client those that may be contacted. It
// gets addresses only, as it compares and bans peers by them.
func (t *Torrent) hand(peers []string, named bool) {
	ctx, cancel := context.WithTimeout(t.ctx, resolveTime)
	defer cancel()
	for _, p := range peers {
		host, port, err := net.SplitHostPort(p)
		if err != nil {
			continue
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			continue
		}
		addrs, err := t.s.guard.resolve(ctx, host, named)
		if err != nil {
			continue
		}
		var list []torrent.PeerInfo
		for _, a := range addrs {
			addr := netip.AddrPortFrom(a, uint16(n)).String()
			if named {
				t.name(addr)
			}
			list = append(list, torrent.PeerInfo{Addr: torrent.StringAddr(addr), Source: torrent.PeerSourceDirect})
		}
		t.t.AddPeers(list)
	}
}

// name lets the guard dial addr for as long as the torrent lasts.
func (t *Torrent) name(addr string) {
	t.mu.Lock()
	known := t.named[addr]
	t.named[addr] = true
	t.mu.Unlock()
	if !known {
		t.s.guard.name(addr)
	}
}
