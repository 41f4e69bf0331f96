package daemon

import (
	"context"
	"net"
	"net/netip"
	"strings"

	"samara/magnets"
	"samara/registry"
	"samara/web/client"
)

// An offer is one torrent of a version: what a magnet link or a .torrent of it
// is made of. A version has one for every name that its files were published or
// fetched under.
type offer struct {
	binding            registry.Binding
	info               *magnets.Info
	trackers, webSeeds []string
}

// offer reads one torrent of a version.
func (c *catalog) offer(ctx context.Context, b registry.Binding) (*offer, error) {
	raw, trackers, webSeeds, err := c.store.Torrent(ctx, b.InfoHash)
	if err != nil {
		return nil, err
	}
	info, err := magnets.ParseInfo(raw)
	if err != nil {
		return nil, err
	}
	return &offer{binding: b, info: info, trackers: trackers, webSeeds: webSeeds}, nil
}

// offerOf chooses the torrent to hand out for an entry: the newest of those that
// are named as the reference's last segment is, where publishing under that
// reference makes one, else the newest. It is nil where the version has none
// whose info dictionary can be read.
func (c *catalog) offerOf(ctx context.Context, e registry.Entry) (*offer, error) {
	var newest *offer
	for i := len(e.Version.Bindings) - 1; i >= 0; i-- {
		o, err := c.offer(ctx, e.Version.Bindings[i])
		if isLost(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(o.info.Name, e.Reference.Name) {
			return o, nil
		}
		if newest == nil {
			newest = o
		}
	}
	return newest, nil
}

// linkOf is the magnet link of one of a version's torrents: its infohashes and
// name, where to find it, and the digest of its manifest. A peer address is in
// it only where the swarm listens on one address that others can reach.
func (c *catalog) linkOf(v registry.Version, o *offer) magnets.Link {
	b := o.binding
	l := magnets.Link{
		InfoHash: b.InfoHash, HasV1: true,
		InfoHashV2: b.InfoHashV2, HasV2: !b.InfoHashV2.IsZero(),
		Name: o.info.Name, Trackers: o.trackers, WebSeeds: o.webSeeds,
	}
	if l.HasV2 && l.InfoHashV2.Short() == l.InfoHash {
		l.InfoHash, l.HasV1 = magnets.Hash{}, false
	}
	if !v.FirstSeen {
		l.Manifest, l.HasManifest = v.Digest, true
	}
	if addr := c.seeds.addr(); c.seeds.get(b.InfoHash) != nil && reachable(addr) {
		l.Peers = []string{addr}
	}
	return l
}

// reachable reports whether a listener's address means something to others.
func reachable(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && !ip.IsUnspecified() && !ip.IsLoopback() && !ip.IsLinkLocalUnicast()
}

// Torrent returns a version's .torrent and the file name to offer.
func (c *catalog) Torrent(ctx context.Context, ref registry.Reference) (string, []byte, error) {
	e, err := c.lookup(ctx, ref)
	if err != nil {
		return "", nil, err
	}
	o, err := c.offerOf(ctx, e)
	if err != nil {
		return "", nil, err
	}
	if o == nil {
		return "", nil, errorf(client.CodeNotFound, "", "torrent of %s: there is none, or none that can be read", e.Reference)
	}
	t := magnets.Torrent{Info: o.info, WebSeeds: o.webSeeds}
	for _, tracker := range o.trackers {
		t.Trackers = append(t.Trackers, []string{tracker})
	}
	return e.Version.Digest.Hex()[:16] + ".torrent", t.Marshal(), nil
}
