// Package swarm is the BitTorrent client: it fetches torrents into numbered
// files, proves every piece, hashes BLAKE3 in the same read, and seeds.
//
// A transfer goes Add, Metadata, Start, Done; between Metadata and Start
// nothing was written, so the caller can look at names and sizes first:
//
//	t, err := s.Add(ctx, swarm.Spec{Link: link, Peers: []string{"192.0.2.7:7378"}})
//	info, err := t.Metadata(ctx)
//	err = t.Start(ctx, layout)
//	<-t.Done()
//	files := t.Files() // paths and complete trees, ready to be committed
//	err = t.Rebase(blobs)
//
// The package never follows a torrent's own paths, and contacts private and
// loopback addresses only where the user named them. Work that the torrent
// client does on its own (connections, hashing) belongs to the Swarm, whose
// Close waits for it.
package swarm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/anacrolix/torrent"
	"github.com/anacrolix/torrent/bencode"

	"samara/magnets"
)

// Config is what New needs to know.
type Config struct {
	Dir          string         // where files in flight live: <data>/incoming
	Listen       string         // HOST:PORT; "" listens nowhere
	DHT          bool           // join the DHT; not with Airgap
	DHTNodes     []string       // HOST:PORT of nodes through which to join; nil = well-known ones
	PEX          bool           // learn peers from peers
	AllowPrivate []netip.Prefix // private and loopback ranges that may be contacted though nobody named a peer there
	Airgap       bool           // contact nothing outside Allow and AllowPrivate, whoever names it
	Allow        []netip.Prefix // with Airgap: the networks that may be contacted
	UploadRate   int64          // bytes/s, 0 = no cap
	DownloadRate int64          // bytes/s, 0 = no cap
	NoUpload     bool           // never send a block
	Log          *slog.Logger   // takes what the client says, at level debug; nil = nobody
}

// A Swarm is one BitTorrent client. Its methods may be called from any
// goroutine.
type Swarm struct {
	dir      string
	client   *torrent.Client
	guard    *guard
	cache    *fileCache
	web      *http.Transport
	listener net.Listener
	dht      interface{ Close() }

	mu       sync.Mutex
	torrents map[magnets.Hash]*Torrent // those being added too, see Torrent.ready
	closed   bool
}

// New starts a client. It returns a *ListenError where c.Listen cannot be
// had. Close must follow.
func New(c Config) (*Swarm, error) {
	if c.DHT && c.Airgap {
		return nil, errors.New("start swarm: the DHT cannot be joined across an air gap")
	}
	s := &Swarm{dir: c.Dir, guard: newGuard(c), cache: newFileCache(), torrents: map[magnets.Hash]*Torrent{}}
	if c.Listen != "" {
		var lc net.ListenConfig
		lc.SetMultipathTCP(false) // see guard.dial
		l, err := lc.Listen(context.Background(), "tcp", c.Listen)
		if err != nil {
			return nil, &ListenError{Addr: c.Listen, Err: err}
		}
		s.listener = guardedListener{l, s.guard}
	}
	cfg := clientConfig(c, s.guard, newGatherer(s.find))
	s.web, _ = cfg.WebTransport.(*http.Transport) // clientConfig sets it
	client, err := torrent.NewClient(cfg)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start swarm: %w", err), s.closeListener())
	}
	s.client = client
	client.AddDialer(peerDialer{s.guard})
	if s.listener != nil {
		client.AddListener(s.listener)
	}
	if c.DHT {
		if err := s.joinDHT(c); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// Addr returns the HOST:PORT that peers can dial, or "" without a listener.
func (s *Swarm) Addr() string {
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

func (s *Swarm) closeListener() error {
	if s.listener == nil {
		return nil
	}
	return s.listener.Close()
}

// Close stops every torrent, closes every connection and file, and returns
// when what it started has ended. Files in flight stay for the next start.
func (s *Swarm) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	torrents := s.listLocked()
	s.mu.Unlock()

	for _, t := range torrents {
		t.halt()
	}
	errs := s.client.Close()
	if s.dht != nil {
		s.dht.Close()
	}
	errs = append(errs, s.closeListener())
	s.web.CloseIdleConnections()
	s.guard.close()
	s.cache.close()
	return errors.Join(errs...)
}

// Torrents returns the torrents of the swarm, in no order.
func (s *Swarm) Torrents() []*Torrent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.listLocked()
}

func (s *Swarm) listLocked() []*Torrent {
	list := make([]*Torrent, 0, len(s.torrents))
	for _, t := range s.torrents {
		if isClosed(t.ready) {
			list = append(list, t)
		}
	}
	return list
}

// A Spec names a torrent and where to look for it.
type Spec struct {
	Link     magnets.Link // its trackers, web seeds and peers are a stranger's: no private addresses
	Info     []byte       // the info dictionary where it is known, else nil
	Layers   []byte       // magnets.Torrent.PieceLayers
	Peers    []string     // HOST:PORT that the user named: may be private or loopback
	Trackers []string     // beside the link's
	WebSeeds []string     // beside the link's
}

// Add begins to look for a torrent's metadata, or takes it from spec.Info;
// nothing is written. It returns an *ExistsError where the swarm has the
// torrent, a *magnets.InfoError for a bad dictionary.
func (s *Swarm) Add(ctx context.Context, spec Spec) (*Torrent, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t := newTorrent(s)
	t.link = spec.Link
	opts := torrent.AddTorrentOpts{DeferStorageOpen: true, Storage: noStorage{}}
	if spec.Link.HasV1 {
		opts.InfoHash = [20]byte(spec.Link.InfoHash)
		t.hash = spec.Link.InfoHash
	}
	if spec.Link.HasV2 {
		opts.InfoHashV2.Set([32]byte(spec.Link.InfoHashV2))
	}
	if spec.Info != nil {
		if err := t.take(spec.Info, spec.Link); err != nil {
			return nil, err
		}
		setHashes(&opts, t.info)
		t.hash = t.info.ShortHash()
	}
	if t.hash.IsZero() {
		t.hash = spec.Link.InfoHashV2.Short()
	}
	if t.hash.IsZero() {
		return nil, errors.New("add torrent: no infohash")
	}
	layers, err := decodeLayers(spec.Layers)
	if err != nil {
		return nil, err
	}
	t.linkPeers = spec.Link.Peers
	t.peers = slices.Clone(spec.Peers)
	trackers := append(slices.Clone(spec.Link.Trackers), spec.Trackers...)
	webSeeds := append(slices.Clone(spec.Link.WebSeeds), spec.WebSeeds...)
	if err := s.start(t, opts, layers, trackers, webSeeds); err != nil {
		return nil, err
	}
	return t, nil
}

// setHashes takes the infohashes and the dictionary of info.
func setHashes(opts *torrent.AddTorrentOpts, info *magnets.Info) {
	opts.InfoBytes = info.Bytes
	if info.V1 {
		opts.InfoHash = [20]byte(info.InfoHash)
	}
	if info.V2 {
		opts.InfoHashV2.Set([32]byte(info.InfoHashV2))
	}
}

// decodeLayers reads the "piece layers" of a .torrent file.
func decodeLayers(b []byte) (map[string]string, error) {
	if b == nil {
		return nil, nil
	}
	var layers map[string]string
	if err := bencode.Unmarshal(b, &layers); err != nil {
		return nil, &magnets.InfoError{Reason: "piece layers: " + err.Error()}
	}
	return layers, nil
}

// Seed offers files that are known to be right, without a recheck. paths[i]
// is where file i of the info dictionary lies, "" where it is absent; a pad's
// does not matter. The torrent's Done is closed at once.
func (s *Swarm) Seed(ctx context.Context, info []byte, paths, trackers, webSeeds []string) (*Torrent, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t := newTorrent(s)
	if err := t.take(info, magnets.Link{}); err != nil {
		return nil, err
	}
	if len(paths) != len(t.info.Files) {
		return nil, fmt.Errorf("seed %s: %d paths for %d files", t.info.Name, len(paths), len(t.info.Files))
	}
	st, err := seeded(s.cache, t.info, paths)
	if err != nil {
		return nil, err
	}
	st.trouble = t.report
	t.store, t.hash = st, t.info.ShortHash()
	close(t.done)
	opts := torrent.AddTorrentOpts{Storage: st, DisableInitialPieceCheck: true}
	setHashes(&opts, t.info)
	if err := s.start(t, opts, nil, trackers, webSeeds); err != nil {
		return nil, err
	}
	return t, nil
}

// start hands a torrent to the client.
func (s *Swarm) start(t *Torrent, opts torrent.AddTorrentOpts, layers map[string]string, trackers, webSeeds []string) error {
	if err := s.reserve(t); err != nil {
		return err
	}
	spec := &torrent.TorrentSpec{
		AddTorrentOpts: opts,
		PieceLayers:    layers,
		Webseeds:       s.guard.urls(webSeeds),
		Sources:        nil, // a link's xs and as would be fetched unguarded
	}
	for _, tr := range s.guard.urls(trackers) {
		spec.Trackers = append(spec.Trackers, []string{tr})
	}
	handle, isNew, err := s.client.AddTorrentSpec(spec)
	switch {
	case err != nil:
		err = fmt.Errorf("add torrent %s: %w", t.hash, err)
	case !isNew: // another torrent's second hash
		err = &ExistsError{InfoHash: t.hash.String()}
	default:
		t.t = handle
		close(t.ready)
		handle.SetOnWriteChunkError(func(err error) { t.report(err, nil) })
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil && s.closed {
		err = ErrClosed // the client closed the torrent too
	}
	if err != nil {
		delete(s.torrents, t.hash)
		return err
	}
	t.work.Go(t.run)
	t.work.Go(t.redial)
	return nil
}

// reserve takes the place of a torrent that is being added.
func (s *Swarm) reserve(t *Torrent) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if s.torrents[t.hash] != nil {
		return &ExistsError{InfoHash: t.hash.String()}
	}
	s.torrents[t.hash] = t
	return nil
}

// find returns the torrent of that hash, or nil.
func (s *Swarm) find(h magnets.Hash) *Torrent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.torrents[h]
}

func (s *Swarm) remove(t *Torrent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.torrents[t.hash] == t {
		delete(s.torrents, t.hash)
	}
}

// RemoveIncoming deletes what a torrent left under Dir. The torrent must be
// dropped or rebased.
func (s *Swarm) RemoveIncoming(h magnets.Hash) error {
	if t := s.find(h); t != nil && t.usesIncoming() {
		return fmt.Errorf("remove files of %s: the torrent uses them", h)
	}
	return os.RemoveAll(s.incoming(h))
}

func (s *Swarm) incoming(h magnets.Hash) string { return filepath.Join(s.dir, h.String()) }
