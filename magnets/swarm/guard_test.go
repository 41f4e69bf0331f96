package swarm

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"samara/magnets"
)

func TestPublic(t *testing.T) {
	for _, s := range []string{"1.1.1.1", "8.8.8.8", "2606:4700::1111", "172.32.0.1", "100.128.0.1"} {
		if !public(netip.MustParseAddr(s)) {
			t.Errorf("%s is public", s)
		}
	}
	for _, s := range []string{
		"127.0.0.1", "127.255.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3",
		"224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1", "::", "::1", "fe80::1", "fc00::1", "fd12::1", "ff02::1",
		"64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "fec0::1",
	} {
		if public(netip.MustParseAddr(s).Unmap()) {
			t.Errorf("%s is not public", s)
		}
	}
}

func TestGuardCheck(t *testing.T) {
	site := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	open := newGuard(Config{})
	lan := newGuard(Config{AllowPrivate: site})
	gap := newGuard(Config{Airgap: true, Allow: site})
	for _, c := range []struct {
		g     *guard
		addr  string
		named bool
		want  bool
	}{
		{open, "1.1.1.1", false, true},
		{open, "10.0.0.1", false, false},
		{open, "::ffff:10.0.0.1", false, false},
		{open, "::ffff:127.0.0.1", false, false},
		{open, "10.0.0.1", true, true},
		{lan, "10.0.0.1", false, true},
		{lan, "::ffff:10.0.0.1", false, true},
		{lan, "192.168.0.1", false, false},
		{gap, "10.0.0.1", false, true},
		{gap, "1.1.1.1", false, false},
		{gap, "1.1.1.1", true, false},
		{gap, "127.0.0.1", true, false},
	} {
		err := c.g.check(netip.MustParseAddr(c.addr), c.named)
		if (err == nil) != c.want {
			t.Errorf("%s named %v air gap %v: %v", c.addr, c.named, c.g.airgap, err)
		}
	}
}

// A name is checked by what it resolves to, and that address is dialed.
func TestGuardChecksAfterDNS(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	g := newGuard(Config{})
	defer g.close()
	var lookups atomic.Int32
	g.lookup = func(context.Context, string) ([]netip.Addr, error) {
		lookups.Add(1)
		return []netip.Addr{netip.MustParseAddr("::ffff:127.0.0.1")}, nil
	}
	addr := net.JoinHostPort("tracker.example", port)
	var refused *RefusedError
	if c, err := g.DialContext(t.Context(), "tcp", addr); !errors.As(err, &refused) {
		t.Errorf("got %v, %v", c, err)
	}
	c, err := g.dial(t.Context(), "tcp", addr, true)
	if err != nil {
		t.Fatal(err)
	}
	if lookups.Load() != 2 || c.RemoteAddr().String() != l.Addr().String() {
		t.Errorf("%d look-ups, connected to %s", lookups.Load(), c.RemoteAddr())
	}
	gap := newGuard(Config{Airgap: true, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	gap.lookup = func(context.Context, string) ([]netip.Addr, error) {
		t.Error("a name was looked up across the air gap")
		return nil, nil
	}
	if _, err := gap.DialContext(t.Context(), "tcp", addr); !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
}

// A stranger's link must not make us contact this machine or its network:
// not as peer, not as tracker, not as web seed, not by redirect.
func TestLinkCannotReachLoopback(t *testing.T) {
	var hits atomic.Int32
	web := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer web.Close()
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()

	r := newRelease(t, 64<<10, 100_000)
	from, _ := seed(t, r)
	host := strings.TrimPrefix(web.URL, "http://")
	link := r.link()
	link.Peers = []string{host, from.Addr(), "localhost:" + from.Addr()[strings.LastIndex(from.Addr(), ":")+1:]}
	link.Trackers = []string{web.URL + "/announce", "udp://" + udp.LocalAddr().String(), "http://localhost:" + host[strings.LastIndex(host, ":")+1:] + "/announce"}
	link.WebSeeds = []string{web.URL + "/"}

	s := newSwarm(t, t.TempDir())
	tor, err := s.Add(t.Context(), Spec{Link: link, Info: r.info.Bytes})
	if err != nil {
		t.Fatal(err)
	}
	if err := tor.Start(t.Context(), layout(r.info)); err != nil {
		t.Fatal(err)
	}
	if err := udp.SetReadDeadline(time.Now().Add(1500 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, _, err := udp.ReadFrom(make([]byte, 100)); err == nil {
		t.Errorf("%d bytes came to the UDP tracker", n)
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("%d HTTP requests", n)
	}
	if st := tor.Stats(); st.Peers != 0 || st.Downloaded != 0 {
		t.Errorf("%+v", st)
	}

	// The same addresses serve once the configuration allows them.
	allowed, err := New(Config{Dir: t.TempDir(), AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}})
	if err != nil {
		t.Fatal(err)
	}
	defer allowed.Close()
	tor, err = allowed.Add(t.Context(), Spec{Link: link, Info: r.info.Bytes})
	if err != nil {
		t.Fatal(err)
	}
	if err := tor.Start(t.Context(), layout(r.info)); err != nil {
		t.Fatal(err)
	}
	waitDone(t, tor)
	eventually(t, "the tracker hears from us", func() bool { return hits.Load() > 0 })
}

// A web seed serves the whole torrent, with nobody else there.
func TestWebSeed(t *testing.T) {
	r := newRelease(t, 64<<10, 300_000, 100_000)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		for i, f := range r.info.Files {
			if req.URL.Path == "/release/"+f.Path {
				http.ServeFile(w, req, r.paths[i])
				return
			}
		}
		http.NotFound(w, req)
	}))
	defer web.Close()
	s, err := New(Config{Dir: t.TempDir(), AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tor, err := s.Add(t.Context(), Spec{Info: r.info.Bytes, WebSeeds: []string{web.URL + "/"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := tor.Start(t.Context(), layout(r.info)); err != nil {
		t.Fatal(err)
	}
	waitDone(t, tor)
	checkFiles(t, r, tor)
}

// Trackers whose URL the client could not bear are skipped before they reach
// it, and the rest is used.
func TestHostileTrackers(t *testing.T) {
	r := newRelease(t, 64<<10, 100_000)
	from, _ := seed(t, r)
	s := newSwarm(t, t.TempDir())
	link, err := magnets.Parse(r.link().String() + "&tr=http://user:pw@192.0.2.1/a&tr=HTTP://192.0.2.1/%7Ea%C3%A9&tr=udp://192.0.2.1:99999/&tr=udp://%5B::1%5D:1&tr=wss://192.0.2.1&ws=HTTP://192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	tor, err := s.Add(t.Context(), Spec{Link: link, Peers: []string{from.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tor.Metadata(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := tor.Start(t.Context(), layout(r.info)); err != nil {
		t.Fatal(err)
	}
	waitDone(t, tor)
}
