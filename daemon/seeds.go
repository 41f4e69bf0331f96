package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"samara/magnets"
	"samara/magnets/swarm"
	"samara/registry"
	"samara/verify"
)

// seeds are the torrents that the swarm offers from blobs. While the
// swarm does not run it offers nothing and says so by has.
type seeds struct {
	swarm *network
	store *registry.Store
	log   *slog.Logger
	busy  func(magnets.Hash) bool // being fetched: it will be offered after that

	mu       sync.Mutex
	torrents map[magnets.Hash]seeded
}

// A seeded is a torrent that is offered, and where its files lie: "" for pads
// and for files that are not in the store.
type seeded struct {
	*swarm.Torrent
	paths []string
}

func newSeeds(s *network, store *registry.Store, log *slog.Logger) *seeds {
	return &seeds{swarm: s, store: store, log: log, torrents: map[magnets.Hash]seeded{}}
}

// start offers every version that is to be seeded. One that cannot be is
// logged and left out.
func (s *seeds) start(ctx context.Context) error {
	if !s.swarm.on() {
		return nil
	}
	return s.store.EachVersion(ctx, func(v registry.Version) error {
		if named, err := s.named(ctx, v.Digest); err != nil || !named || !v.Seed || v.Damaged != "" {
			return err
		}
		if err := s.seed(ctx, v); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			s.log.Warn("cannot seed a version", "version", v.Digest.String(), "error", err)
		}
		return nil
	})
}

// seed offers a version under each of its infohashes.
func (s *seeds) seed(ctx context.Context, v registry.Version) error {
	if !s.swarm.on() {
		return nil
	}
	for _, b := range v.Bindings {
		if err := s.bind(ctx, v, b.InfoHash); err != nil {
			return fmt.Errorf("seed %s: %w", v.Digest, err)
		}
	}
	return nil
}

// bind offers what is there of a version under one infohash. A torrent that is
// offered already is left alone unless files of it came or went.
func (s *seeds) bind(ctx context.Context, v registry.Version, h magnets.Hash) error {
	raw, trackers, webSeeds, err := s.store.Torrent(ctx, h)
	if err != nil {
		return err
	}
	info, err := magnets.ParseInfo(raw)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	paths := blobPaths(s.store, info, v)
	old, offered := s.torrents[h]
	if s.busy(h) || offered && slices.Equal(old.paths, paths) {
		return nil
	}
	if offered {
		delete(s.torrents, h)
		if err := old.Drop(); err != nil {
			return err
		}
	}
	t, err := s.swarm.Seed(ctx, raw, paths, trackers, webSeeds)
	if err != nil {
		return err
	}
	s.torrents[h] = seeded{t, paths}
	return nil
}

// refresh looks at the files of every torrent that is offered, or of those that
// lack some: what was lost or found damaged is not offered any more, what came
// back is. A torrent that cannot be offered is logged and left out.
func (s *seeds) refresh(ctx context.Context, lacking bool) {
	s.mu.Lock()
	var hashes []magnets.Hash
	for h, t := range s.torrents {
		if !lacking || slices.Contains(t.paths, "") {
			hashes = append(hashes, h)
		}
	}
	s.mu.Unlock()
	for _, h := range hashes {
		v, err := s.store.ByInfoHash(ctx, h)
		if isNotFound(err) {
			continue // reconcile drops what has no version
		}
		if err == nil {
			err = s.bind(ctx, v, h)
		}
		if err != nil && ctx.Err() == nil {
			s.log.Warn("cannot seed a torrent", "infohash", h.String(), "error", err)
		}
	}
}

// blobPaths says where each file of the info dictionary lies, "" for pads and
// files that are not in the store.
func blobPaths(store *registry.Store, info *magnets.Info, v registry.Version) []string {
	here := presentFiles(store.Blobs(), v)
	paths := make([]string, len(info.Files))
	for i, f := range info.Files {
		if file, ok := here[f.Path]; ok && !f.Pad {
			paths[i] = store.Blobs().Path(file.Digest)
		}
	}
	return paths
}

// adopt takes over a torrent that was fetched and reads from blobs by now.
func (s *seeds) adopt(h magnets.Hash, t *swarm.Torrent, paths []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.torrents[h] = seeded{t, paths}
}

// drop stops offering a torrent, if it is offered.
func (s *seeds) drop(h magnets.Hash) error {
	s.mu.Lock()
	t, offered := s.torrents[h]
	delete(s.torrents, h)
	s.mu.Unlock()
	if !offered {
		return nil
	}
	return t.Drop()
}

// get returns the torrent that is offered under h, or nil.
func (s *seeds) get(h magnets.Hash) *swarm.Torrent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.torrents[h].Torrent
}

// addr is where peers reach the swarm, "" where it accepts nobody.
func (s *seeds) addr() string {
	return s.swarm.Addr()
}

// totals returns how many torrents are offered and what was sent of them.
func (s *seeds) totals() (torrents int, uploaded int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.torrents {
		uploaded += t.Stats().Uploaded
	}
	return len(s.torrents), uploaded
}

// has reports whether a version is offered.
func (s *seeds) has(v registry.Version) bool {
	return slices.ContainsFunc(v.Bindings, func(b registry.Binding) bool { return s.get(b.InfoHash) != nil })
}

// reconcile stops offering what no tag names any more.
func (s *seeds) reconcile(ctx context.Context) error {
	s.mu.Lock()
	hashes := slices.Collect(maps.Keys(s.torrents))
	s.mu.Unlock()
	var errs []error
	for _, h := range hashes {
		v, err := s.store.ByInfoHash(ctx, h)
		named := false
		if err == nil {
			named, err = s.named(ctx, v.Digest)
		}
		if isNotFound(err) || err == nil && !named {
			err = s.drop(h)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// named reports whether some tag points to a version.
func (s *seeds) named(ctx context.Context, d verify.Digest) (bool, error) {
	tags, err := s.store.Tags(ctx, d)
	return len(tags) > 0, err
}

// isNotFound reports whether err says that the registry has no such thing.
func isNotFound(err error) bool {
	var gone *registry.NotFoundError
	return errors.As(err, &gone)
}
