package swarm

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime"
	"time"

	"github.com/anacrolix/torrent"
	"github.com/anacrolix/torrent/metainfo"
	pp "github.com/anacrolix/torrent/peer_protocol"
	"github.com/anacrolix/torrent/storage"
	"golang.org/x/time/rate"

	"samara/magnets"
)

// What was measured to be fast with a store that writes straight to its
// files; docs/performance.md has the figures.
const (
	dialsPerSecond   = 100
	requestBuffer    = 8 << 20   // bytes that one peer's requests may hold in memory
	minRateBurst     = 256 << 10 // bytes that a rate cap lets through at once
	connsPerTorrent  = 50
	webSeedConns     = 10 // connections to one web seed's host
	webSeedHeader    = 30 * time.Second
	clientName       = "Samara"
	clientPeerPrefix = "-SM0001-"
)

// clientConfig returns the settings of the torrent client: TCP only, through
// the guard, and nothing that talks to anyone unasked.
func clientConfig(c Config, g *guard, m *gatherer) *torrent.ClientConfig {
	cfg := torrent.NewDefaultClientConfig()
	cfg.DisableTCP = true // of its own sockets: dialer and listener are ours
	cfg.DisableUTP = true
	cfg.NoDHT = true // New adds one where it is asked for
	cfg.DhtStartingNodes = g.dhtNodes(c.DHTNodes)
	cfg.DisablePEX = !c.PEX
	cfg.DisableWebtorrent = true
	cfg.NoDefaultPortForwarding = true
	cfg.LocalServiceDiscovery = nil
	cfg.TrackerDialContext = g.DialContext
	cfg.TrackerListenPacket = g.listenPacket
	cfg.WebTransport = &http.Transport{
		DialContext:           g.DialContext,
		MaxConnsPerHost:       webSeedConns,
		ResponseHeaderTimeout: webSeedHeader,
		IdleConnTimeout:       webSeedHeader,
	}
	cfg.DefaultStorage = noStorage{}

	cfg.Seed = true
	cfg.NoUpload = c.NoUpload
	if c.UploadRate > 0 {
		cfg.UploadRateLimiter = limiter(c.UploadRate)
	}
	if c.DownloadRate > 0 {
		cfg.DownloadRateLimiter = limiter(c.DownloadRate)
	}
	cfg.HeaderObfuscationPolicy = torrent.HeaderObfuscationPolicy{} // plain first, obfuscated where a peer asks
	cfg.MaxUnverifiedBytes = 0
	cfg.MaxAllocPeerRequestDataPerConn = requestBuffer
	cfg.PieceHashersPerTorrent = runtime.NumCPU()
	cfg.DialRateLimiter = rate.NewLimiter(dialsPerSecond, dialsPerSecond)
	cfg.DropDuplicatePeerIds = true
	cfg.EstablishedConnsPerTorrent = connsPerTorrent

	cfg.Bep20 = clientPeerPrefix
	cfg.HTTPUserAgent = clientName
	cfg.ExtendedHandshakeClientVersion = clientName
	cfg.Slogger = clientLog(c.Log)
	cfg.Callbacks.ReadExtendedHandshake = boundMetadata
	cfg.Callbacks.PeerConnReadExtensionMessage = append(cfg.Callbacks.PeerConnReadExtensionMessage, m.onMessage)
	cfg.Callbacks.PeerConnClosed = m.forget
	return cfg
}

func limiter(bytesPerSecond int64) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(bytesPerSecond), int(max(minRateBurst, min(bytesPerSecond, 1<<30))))
}

// boundMetadata makes the client drop a peer that offers an info dictionary
// larger than ParseInfo takes, before memory is taken for it.
func boundMetadata(_ *torrent.PeerConn, h *pp.ExtendedHandshakeMessage) {
	if h.MetadataSize > magnets.MaxInfoBytes {
		h.MetadataSize = -1
	}
}

// noStorage is what a torrent gets that nobody opened a store for.
type noStorage struct{}

func (noStorage) OpenTorrent(context.Context, *metainfo.Info, metainfo.Hash) (storage.TorrentImpl, error) {
	return storage.TorrentImpl{}, errors.New("no storage was opened")
}

// clientLog returns a logger for the torrent client. What it says concerns
// strangers and is worth no more than the level debug.
func clientLog(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(quietHandler{log.Handler()})
}

type quietHandler struct{ slog.Handler }

func (h quietHandler) Enabled(ctx context.Context, _ slog.Level) bool {
	return h.Handler.Enabled(ctx, slog.LevelDebug)
}

func (h quietHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Level = slog.LevelDebug
	return h.Handler.Handle(ctx, r)
}

func (h quietHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return quietHandler{h.Handler.WithAttrs(a)}
}

func (h quietHandler) WithGroup(name string) slog.Handler {
	return quietHandler{h.Handler.WithGroup(name)}
}
