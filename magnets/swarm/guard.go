package swarm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"sync"
	"time"
)

// Bounds on connections.
const (
	maxConns       = 1024             // peers, trackers and web seeds together
	acceptRetry    = time.Second / 10 // after a failed accept
	lookupTimeout  = 10 * time.Second // for one name
	maxLookupAddrs = 16               // addresses of one name that are tried
)

// reserved are the networks that a stranger's link must not make us contact,
// beside what netip itself calls private, loopback, link-local or multicast.
var reserved = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fec0::/10",
)

func prefixes(s ...string) []netip.Prefix {
	p := make([]netip.Prefix, len(s))
	for i, v := range s {
		p[i] = netip.MustParsePrefix(v)
	}
	return p
}

func contains(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// public reports whether a is an address of the open internet.
func public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !contains(reserved, a)
}

// A guard decides which addresses the swarm may contact, after DNS, and owns
// every connection, so that closing it ends them all.
type guard struct {
	airgap bool
	allow  []netip.Prefix // always; with airgap, nothing else
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)

	ctx    context.Context // ends with the guard: no dial outlives it
	cancel context.CancelFunc

	mu     sync.Mutex
	named  map[string]int // ADDRESS:PORT that the user named, and for how many torrents
	conns  map[*ownedConn]struct{}
	closed bool
	open   sync.WaitGroup // connections
}

func newGuard(c Config) *guard {
	g := &guard{
		airgap: c.Airgap,
		allow:  append(append([]netip.Prefix(nil), c.AllowPrivate...), c.Allow...),
		lookup: lookupNames,
		named:  map[string]int{},
		conns:  map[*ownedConn]struct{}{},
	}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g
}

func lookupNames(ctx context.Context, host string) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// name notes that the user named an address for a torrent, unname that the
// torrent is gone.
func (g *guard) name(addr string)   { g.count(addr, 1) }
func (g *guard) unname(addr string) { g.count(addr, -1) }

func (g *guard) count(addr string, n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.named[addr] += n; g.named[addr] <= 0 {
		delete(g.named, addr)
	}
}

func (g *guard) isNamed(addr string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.named[addr] > 0
}

// check reports why an address may not be contacted.
func (g *guard) check(a netip.Addr, named bool) error {
	a = a.Unmap()
	switch {
	case contains(g.allow, a):
		return nil
	case g.airgap:
		return &RefusedError{a.String(), "outside the networks of the air gap"}
	case public(a) || named:
		return nil
	}
	return &RefusedError{a.String(), "a private or reserved address that nobody named"}
}

// resolve returns the addresses of host that may be contacted.
func (g *guard) resolve(ctx context.Context, host string, named bool) ([]netip.Addr, error) {
	addrs := []netip.Addr{}
	if a, err := netip.ParseAddr(host); err == nil {
		addrs = append(addrs, a)
	} else {
		if g.airgap {
			return nil, &RefusedError{host, "names are not looked up across the air gap"}
		}
		if addrs, err = g.lookup(ctx, host); err != nil {
			return nil, err
		}
	}
	var allowed []netip.Addr
	var refused error
	for _, a := range addrs[:min(len(addrs), maxLookupAddrs)] {
		if err := g.check(a, named); err != nil {
			refused = err
			continue
		}
		allowed = append(allowed, a.Unmap())
	}
	if len(allowed) == 0 {
		if refused == nil {
			refused = fmt.Errorf("%s has no address", host)
		}
		return nil, refused
	}
	return allowed, nil
}

// DialContext connects to addr, HOST:PORT, through the guard. What it
// connects to is the address that was checked, not the name again.
func (g *guard) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return g.dial(ctx, network, addr, false)
}

func (g *guard) dial(ctx context.Context, network, addr string, named bool) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(g.ctx, cancel)()
	addrs, err := g.resolve(ctx, host, named)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, a := range addrs {
		d := net.Dialer{}
		d.SetMultipathTCP(false) // sandboxes' bind and connect rules miss it
		c, err := d.DialContext(ctx, network, net.JoinHostPort(a.String(), port))
		if err == nil {
			return g.own(c)
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// An ownedConn is a connection that the guard closes at the end.
type ownedConn struct {
	net.Conn
	g    *guard
	once sync.Once
}

func (g *guard) own(c net.Conn) (net.Conn, error) {
	o := &ownedConn{Conn: c, g: g}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || len(g.conns) >= maxConns {
		return nil, errors.Join(fmt.Errorf("%s: the swarm is closed or has %d connections", c.RemoteAddr(), maxConns), c.Close())
	}
	g.conns[o] = struct{}{}
	g.open.Add(1)
	return o, nil
}

// Close closes the connection; the guard forgets it.
func (o *ownedConn) Close() error {
	err := o.Conn.Close()
	o.once.Do(func() {
		o.g.mu.Lock()
		delete(o.g.conns, o)
		o.g.mu.Unlock()
		o.g.open.Done()
	})
	return err
}

// close ends every connection and refuses new ones.
func (g *guard) close() {
	g.cancel()
	g.mu.Lock()
	g.closed = true
	conns := make([]*ownedConn, 0, len(g.conns))
	for c := range g.conns {
		conns = append(conns, c)
	}
	g.mu.Unlock()
	for _, c := range conns {
		_ = c.Close() // the other side notices
	}
	g.open.Wait()
}

// A peerDialer dials peers for the torrent client.
type peerDialer struct{ g *guard }

// Dial connects to a peer.
func (d peerDialer) Dial(ctx context.Context, addr string) (net.Conn, error) {
	return d.g.dial(ctx, "tcp", addr, d.g.isNamed(addr))
}

// DialerNetwork names the network for the torrent client.
func (d peerDialer) DialerNetwork() string { return "tcp" }

// A guardedListener accepts peers within the air gap.
type guardedListener struct {
	net.Listener
	g *guard
}

// Accept returns the next peer that may talk to us.
func (l guardedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				time.Sleep(acceptRetry) // no descriptor left: the caller tries again at once
			}
			return nil, err
		}
		a, err := netip.ParseAddrPort(c.RemoteAddr().String())
		if err != nil || l.g.airgap && l.g.check(a.Addr(), false) != nil {
			_ = c.Close() // nobody to tell
			continue
		}
		if owned, err := l.g.own(c); err == nil {
			return owned, nil
		}
	}
}

// A guardedPacketConn sends datagrams through the guard: UDP trackers, DHT.
type guardedPacketConn struct {
	net.PacketConn
	g *guard
}

// WriteTo sends b to an address that the guard allows.
func (c guardedPacketConn) WriteTo(b []byte, addr net.Addr) (int, error) {
	a, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		return 0, err
	}
	if err := c.g.check(a.Addr(), false); err != nil {
		return 0, err
	}
	return c.PacketConn.WriteTo(b, addr)
}

// listenPacket opens a socket for one UDP tracker. The torrent client cannot
// bear an error here, so where there is none to be had (a machine without
// IPv6) the socket is one that fails.
func (g *guard) listenPacket(network, addr string) (net.PacketConn, error) {
	pc, err := net.ListenPacket(network, addr)
	if err != nil {
		return deadPacketConn{err}, nil
	}
	owned, err := g.own(packetAsConn{pc})
	if err != nil {
		return deadPacketConn{err}, nil
	}
	return guardedPacketConn{ownedPacketConn{pc, owned}, g}, nil
}

// packetAsConn lets the guard own a PacketConn.
type packetAsConn struct{ net.PacketConn }

func (packetAsConn) Read([]byte) (int, error)  { return 0, net.ErrClosed }
func (packetAsConn) Write([]byte) (int, error) { return 0, net.ErrClosed }
func (p packetAsConn) RemoteAddr() net.Addr    { return p.LocalAddr() }

type ownedPacketConn struct {
	net.PacketConn
	owned net.Conn
}

func (c ownedPacketConn) Close() error { return c.owned.Close() }

// deadPacketConn is a socket that could not be opened.
type deadPacketConn struct{ err error }

func (d deadPacketConn) ReadFrom([]byte) (int, net.Addr, error) { return 0, nil, d.err }
func (d deadPacketConn) WriteTo([]byte, net.Addr) (int, error)  { return 0, d.err }
func (d deadPacketConn) Close() error                           { return nil }
func (d deadPacketConn) LocalAddr() net.Addr                    { return &net.UDPAddr{} }
func (d deadPacketConn) SetDeadline(time.Time) error            { return d.err }
func (d deadPacketConn) SetReadDeadline(time.Time) error        { return d.err }
func (d deadPacketConn) SetWriteDeadline(time.Time) error       { return d.err }

// urls returns those that could be contacted at all: across an air gap a name
// would be looked up by the torrent client itself, so only addresses stay.
func (g *guard) urls(list []string) []string {
	if !g.airgap {
		return list
	}
	var kept []string
	for _, s := range list {
		u, err := url.Parse(s)
		if err != nil {
			continue
		}
		if a, err := netip.ParseAddr(u.Hostname()); err == nil && g.check(a, false) == nil {
			kept = append(kept, s)
		}
	}
	return kept
}
