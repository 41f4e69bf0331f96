package registry

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	"samara/magnets"
	"samara/verify"
)

// gcBatch is how many versions and names of them one journal entry of a
// collection removes, unless a single version has more.
const gcBatch = 500

// batches cuts versions into what one transaction removes.
func batches(versions []removed) [][]removed {
	all := [][]removed{nil}
	weight := 0
	for _, v := range versions {
		w := 1 + len(v.Repos) + len(v.References) + len(v.torrents)
		if weight > 0 && weight+w > gcBatch {
			all, weight = append(all, nil), 0
		}
		last := len(all) - 1
		all[last] = append(all[last], v)
		weight += w
	}
	return all
}

// GC removes versions that no tag points to, blobs that no version names, and
// what crashes left behind; all of it only where it is older than the grace time,
// no unfinished transfer needs it and Keep does not ask for it. A version that
// cannot be read stops the collection: nothing it may name is removed.
func (s *Store) GC(ctx context.Context, o GCOptions) (GCResult, error) {
	done, err := s.begin(ctx, "collect garbage", s.freeable)
	if err != nil {
		return GCResult{}, err
	}
	defer done()
	defer s.holdBallast(0)
	if o.Keep == nil {
		o.Keep = func(verify.Digest) bool { return false }
	}
	now := s.opts.Now()
	busy, err := s.busy(ctx)
	if err != nil {
		return GCResult{}, err
	}
	versions, err := s.deadVersions(o, now, busy)
	if err != nil {
		return GCResult{}, err
	}
	dead, bytes, err := s.deadBlobs(ctx, o, now, busy)
	if err != nil {
		return GCResult{}, err
	}
	result := GCResult{Blobs: len(dead), Bytes: bytes, Versions: len(versions)}
	if o.DryRun {
		return result, nil
	}
	if err := s.collect(o, versions, dead, result, busy); err != nil {
		return GCResult{}, err
	}
	return result, s.sweep(now.Add(-o.Grace), busy)
}

// inUse is what unfinished transfers and living versions need.
type inUse struct {
	blobs    map[verify.Digest]bool
	versions map[verify.Digest]bool
	torrents map[magnets.Hash]bool
}

// busy returns what unfinished transfers need.
func (s *Store) busy(ctx context.Context) (*inUse, error) {
	u := &inUse{map[verify.Digest]bool{}, map[verify.Digest]bool{}, map[magnets.Hash]bool{}}
	transfers, err := s.Transfers(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range transfers {
		if t.State == StateReady {
			continue
		}
		u.versions[t.Version], u.versions[t.Manifest], u.versions[t.Expect] = true, true, true
		u.torrents[t.InfoHash] = true
		if err := s.addTorrentBlobs(u, t.InfoHash); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// addTorrentBlobs marks the blobs that a torrent names itself.
func (s *Store) addTorrentBlobs(u *inUse, h magnets.Hash) error {
	b, err := s.files.torrent(h)
	var none *NotFoundError
	if errors.As(err, &none) {
		return nil // its files are not known yet
	}
	if err != nil {
		return err
	}
	info, err := magnets.ParseInfo(b)
	if err != nil {
		return err
	}
	for _, f := range info.Files {
		u.blobs[f.Blake3] = true
	}
	return nil
}

// deadVersions returns the versions to remove, and marks the blobs of all others.
func (s *Store) deadVersions(o GCOptions, now time.Time, busy *inUse) ([]removed, error) {
	digests, err := s.versionDigests()
	if err != nil {
		return nil, err
	}
	var dead []removed
	err = s.index.view(func(t tx) error {
		for _, d := range digests {
			var r versionRecord
			if _, err := t.get(versionKey(d), &r); err != nil {
				return err
			}
			idle := !r.Untagged.IsZero() && now.Sub(r.Untagged) >= o.Grace
			if idle && !busy.versions[d] && !o.Keep(d) {
				gone, err := t.removal(d)
				if err != nil {
					return err
				}
				dead = append(dead, gone)
				continue
			}
			m, err := s.files.manifest(d)
			if err != nil {
				return err
			}
			for _, f := range m.Files {
				busy.blobs[f.Digest] = true
			}
			for _, b := range r.Bindings {
				busy.torrents[b.InfoHash] = true
			}
			busy.versions[d] = true
		}
		return nil
	})
	return dead, err
}

// deadBlobs returns the blobs to remove and their bytes.
func (s *Store) deadBlobs(ctx context.Context, o GCOptions, now time.Time, busy *inUse) ([]verify.Digest, int64, error) {
	var dead []verify.Digest
	var bytes int64
	err := s.blobs.List(func(d verify.Digest, size int64) error {
		if busy.blobs[d] || o.Keep(d) {
			return ctx.Err()
		}
		age, err := s.blobs.Age(d, now)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || age < o.Grace {
			return err
		}
		dead = append(dead, d)
		bytes += size
		return ctx.Err()
	})
	return dead, bytes, err
}

// collect removes versions and then blobs: a crash between the two leaves blobs
// for the next collection, never a version without its blobs.
func (s *Store) collect(o GCOptions, versions []removed, dead []verify.Digest, total GCResult, busy *inUse) error {
	if len(versions)+len(dead) == 0 {
		return nil
	}
	entries := batches(versions)
	files := s.filesOf(versions, busy)
	for i, batch := range entries {
		data := gcRemoved{Versions: batch}
		if i == len(entries)-1 {
			data.Blobs, data.Bytes = total.Blobs, total.Bytes
		}
		if err := s.change(opGCRemoved, o.Actor, data, nil); err != nil {
			return err
		}
	}
	for _, d := range dead {
		if err := s.blobs.Remove(d); err != nil {
			return err
		}
	}
	if err := removeFiles(files); err != nil {
		return err
	}
	for batch := range slices.Chunk(dead, batchSize) {
		err := s.index.update(func(t tx) error {
			for _, d := range batch {
				if err := t.delete(keyBlob + string(d[:])); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// sweep removes files that a crash left without a name.
func (s *Store) sweep(before time.Time, busy *inUse) error {
	err := s.files.sweep(manifestDir, before, func(name string) bool {
		d, err := verify.ParseDigest(name)
		return err == nil && busy.versions[d]
	})
	if err != nil {
		return err
	}
	err = s.files.sweep(torrentDir, before, func(name string) bool {
		h, err := magnets.ParseHash(name)
		return err == nil && busy.torrents[h]
	})
	if err != nil {
		return err
	}
	return s.blobs.Sweep()
}
