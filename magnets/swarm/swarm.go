// Package swarm is the BitTorrent client: transfers, piece storage and the
// guarded dialer.
package swarm

import (
	"context"
	"log/slog"
	"net/netip"

	"samara/magnets"
)

// Config is what New needs to know.
type Config struct {
	Dir          string         // where files in flight live, <data>/incoming
	Listen       string         // host:port; "" listens nowhere
	DHT          bool           // join the DHT
	PEX          bool           // exchange peers with peers
	AllowPrivate []netip.Prefix // private and loopback ranges that may be dialed though nobody named a peer there
	Airgap       bool           // dial nothing outside Allow and AllowPrivate, whoever names it
	Allow        []netip.Prefix // with Airgap: the networks that may be dialed
	UploadRate   int64          // bytes/s, 0 = no cap
	DownloadRate int64          // bytes/s, 0 = no cap
	NoUpload     bool           // never send a block
	Log          *slog.Logger   // nil logs nothing
}

// A Swarm is one BitTorrent client. Its methods may be called from any goroutine.
type Swarm struct{}

// New starts a client.
func New(c Config) (*Swarm, error) { panic("unwritten") }

// Addr returns the host:port that peers can dial, or "" without a listener.
func (s *Swarm) Addr() string { panic("unwritten") }

// Close stops everything and returns once every goroutine has ended.
func (s *Swarm) Close() error { panic("unwritten") }

// Spec names a torrent and where to look for it.
type Spec struct {
	Link     magnets.Link
	Info     []byte   // the info dictionary where it is known, else nil
	Layers   []byte   // magnets.Torrent.PieceLayers
	Peers    []string // HOST:PORT that the user named: may be private or loopback
	Trackers []string
	WebSeeds []string
}

// Add starts resolving a torrent's metadata; nothing is written.
func (s *Swarm) Add(ctx context.Context, spec Spec) (*Torrent, error) { panic("unwritten") }

// Seed offers files that are known to be right, without a recheck. paths[i]
// is where file i of the info dictionary lies, "" where it is absent.
func (s *Swarm) Seed(ctx context.Context, info []byte, paths []string, trackers, webSeeds []string) (*Torrent, error) {
	panic("unwritten")
}

// RemoveIncoming deletes what a dropped torrent left under Dir.
func (s *Swarm) RemoveIncoming(h magnets.Hash) error { panic("unwritten") }
