package swarm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/anacrolix/dht/v2"
	"github.com/anacrolix/torrent"
)

// defaultDHTNodes are the nodes through which most clients join the DHT.
var defaultDHTNodes = []string{
	"router.bittorrent.com:6881",
	"dht.transmissionbt.com:6881",
	"router.utorrent.com:6881",
	"dht.libtorrent.org:25401",
}

// joinDHT opens the DHT's socket beside the listener.
func (s *Swarm) joinDHT(c Config) error {
	listen := ":0"
	if c.Listen != "" {
		listen = s.Addr()
	}
	pc, err := net.ListenPacket("udp", listen)
	if err != nil {
		return &ListenError{Addr: listen, Err: err}
	}
	server, err := s.client.NewAnacrolixDhtServer(guardedPacketConn{pc, s.guard})
	if err != nil {
		return errors.Join(fmt.Errorf("join DHT: %w", err), pc.Close())
	}
	s.dht = server
	s.client.AddDhtServer(torrent.AnacrolixDhtServerWrapper{Server: server})
	return nil
}

// dhtNodes returns what looks up the nodes through which to join, anew each
// time the DHT asks.
func (g *guard) dhtNodes(nodes []string) func(string) dht.StartingNodesGetter {
	if nodes == nil {
		nodes = defaultDHTNodes
	}
	return func(string) dht.StartingNodesGetter {
		return func() (addrs []dht.Addr, err error) {
			for _, node := range nodes {
				host, port, err := net.SplitHostPort(node)
				if err != nil {
					continue
				}
				n, err := strconv.ParseUint(port, 10, 16)
				if err != nil {
					continue
				}
				ips, err := g.resolve(context.Background(), host, false)
				if err != nil {
					continue
				}
				for _, ip := range ips {
					addrs = append(addrs, dht.NewAddr(net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(n)))))
				}
			}
			return addrs, nil
		}
	}
}
