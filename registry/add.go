package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"samara/verify"
)

// Bounds on what a version carries beside its files.
const (
	MaxMagnet    = 16 << 10 // bytes
	MaxURLs      = 256      // trackers, and web seeds
	MaxURLsBytes = 48 << 10 // of both together
)

// AddVersion stores a version whose blobs are in the store and, where a reference
// is given, points that tag to it. It returns the entry once it is visible and
// lasts. Adding what is there already changes nothing and is no error; a version
// that is added again may have more files, another torrent or other facts.
//
// It returns a *TagExistsError where the tag points elsewhere and Move is not
// set, a *MissingBlobError or *verify.SizeError where a blob is not what the
// manifest says, and a *disk.FullError where there is no room.
func (s *Store) AddVersion(ctx context.Context, v NewVersion) (Entry, error) {
	var err error
	if v.Manifest, err = verify.NewManifest(v.Manifest.Files); err != nil {
		return Entry{}, fmt.Errorf("add version: %w", err)
	}
	d, err := v.entry()
	if err != nil {
		return Entry{}, err
	}
	done, err := s.begin(ctx, "add version", s.writable)
	if err != nil {
		return Entry{}, err
	}
	defer done()
	if err := s.checkBlobs(v); err != nil {
		return Entry{}, err
	}
	changed, err := s.plan(&d, v.Move)
	if err != nil {
		return Entry{}, err
	}
	if changed {
		err = s.store(v, d)
	} else {
		err = s.putBlobRecords(v.blobRecords())
	}
	if err != nil {
		return Entry{}, err
	}
	if d.Reference.IsZero() {
		return s.lookup(Reference{Digest: d.Version})
	}
	return s.lookup(d.Reference)
}

// entry checks v and returns what the journal will say of it.
func (v NewVersion) entry() (versionAdded, error) {
	m := v.Manifest
	if v.Reference.IsDigest() {
		return versionAdded{}, &ReferenceError{v.Reference.String(), "a tag is needed here, not a digest"}
	}
	if len(v.Binding.Magnet) > MaxMagnet {
		return versionAdded{}, &TooLargeError{"magnet", len(v.Binding.Magnet), MaxMagnet}
	}
	if err := checkURLs(v.Trackers, v.WebSeeds); err != nil {
		return versionAdded{}, err
	}
	missing, err := missingBits(m, v.Missing)
	if err != nil {
		return versionAdded{}, err
	}
	return versionAdded{
		Reference: v.Reference, Version: m.Digest(), Files: len(m.Files), Bytes: m.Size(),
		FirstSeen: v.FirstSeen, Missing: missing, Facts: v.Facts, Binding: v.Binding,
		Name: v.Name, Seed: v.Seed, Trackers: v.Trackers, WebSeeds: v.WebSeeds,
	}, nil
}

func checkURLs(lists ...[]string) error {
	total := 0
	for _, urls := range lists {
		if len(urls) > MaxURLs {
			return &LimitError{"trackers or web seeds", len(urls), MaxURLs}
		}
		for _, u := range urls {
			total += len(u)
		}
	}
	if total > MaxURLsBytes {
		return &TooLargeError{"trackers and web seeds", total, MaxURLsBytes}
	}
	return nil
}

// missingBits returns a bit for every file of m, set where its path is in paths;
// nil where there are none.
func missingBits(m verify.Manifest, paths []string) ([]byte, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	bits := make([]byte, (len(m.Files)+7)/8)
	index := make(map[string]int, len(m.Files))
	for i, f := range m.Files {
		index[f.Path] = i
	}
	for _, p := range paths {
		i, ok := index[p]
		if !ok {
			return nil, &verify.ManifestError{Cause: fmt.Sprintf("missing file %.128q is not in the list", p)}
		}
		bits[i/8] |= 1 << (i % 8)
	}
	return bits, nil
}

// missingPaths is the reverse of missingBits.
func missingPaths(m verify.Manifest, bits []byte) []string {
	var paths []string
	for i, f := range m.Files {
		if i/8 < len(bits) && bits[i/8]&(1<<(i%8)) != 0 {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

// checkBlobs looks for every file that is not said to be missing.
func (s *Store) checkBlobs(v NewVersion) error {
	missing := make(map[string]bool, len(v.Missing))
	for _, p := range v.Missing {
		missing[p] = true
	}
	for _, f := range v.Manifest.Files {
		if missing[f.Path] {
			continue
		}
		size, err := s.blobs.Stat(f.Digest)
		if err != nil {
			return &MissingBlobError{f.Path, f.Digest, err}
		}
		if size != f.Size {
			return fmt.Errorf("add version: %w", &verify.SizeError{File: f.Path, Got: size, Want: f.Size})
		}
	}
	return nil
}

// plan looks at what is there: it fills in what the tag points to, refuses to
// move it unasked, and reports whether d changes anything. Records that would be
// too large for the index are refused here, before anything is written.
func (s *Store) plan(d *versionAdded, move bool) (changed bool, err error) {
	err = s.index.view(func(t tx) error {
		var old versionRecord
		known, err := t.get(versionKey(d.Version), &old)
		if err != nil {
			return err
		}
		var newTag Reference
		if !d.Reference.IsZero() {
			if d.Previous, err = t.pointsTo(d.Reference, d.Version, move); err != nil {
				return err
			}
			if d.Previous != d.Version {
				newTag = d.Reference
			}
		}
		merged := old.merge(*d, s.opts.Now())
		if err := t.fits(d.Version, merged, newTag); err != nil {
			return err
		}
		newURLs, err := t.newURLs(d)
		changed = !known || !newTag.IsZero() || newURLs || !reflect.DeepEqual(old, merged)
		return err
	})
	return changed, err
}

// newURLs reports whether d brings a torrent trackers or web seeds that are not
// known.
func (t tx) newURLs(d *versionAdded) (bool, error) {
	fresh := torrentRecord{d.Trackers, d.WebSeeds}
	if d.Binding.InfoHash.IsZero() || fresh.isEmpty() {
		return false, nil
	}
	if _, err := encode("trackers and web seeds", fresh); err != nil {
		return false, err
	}
	var old torrentRecord
	if _, err := t.get(keyTorrent+string(d.Binding.InfoHash[:]), &old); err != nil {
		return false, err
	}
	same := slices.Equal(old.Trackers, fresh.Trackers) && slices.Equal(old.WebSeeds, fresh.WebSeeds)
	return !same, nil
}

// pointsTo returns what a tag points to, zero for a new one, or a
// *TagExistsError where that is not version and it may not be moved.
func (t tx) pointsTo(ref Reference, version verify.Digest, move bool) (verify.Digest, error) {
	var tag tagRecord
	ok, err := t.get(keyTag+ref.Key(), &tag)
	if err != nil || !ok {
		return verify.Digest{}, err
	}
	if tag.Version != version && !move {
		return verify.Digest{}, &TagExistsError{tag.Reference, tag.Version, version}
	}
	return tag.Version, nil
}

// store writes a version: its immutable files, the journal, the index.
func (s *Store) store(v NewVersion, d versionAdded) error {
	if err := s.files.putManifest(d.Version, v.Manifest); err != nil {
		return err
	}
	if h := d.Binding.InfoHash; !h.IsZero() {
		var err error
		if v.InfoBytes == nil {
			_, err = s.files.torrent(h)
		} else {
			err = s.files.putTorrent(h, v.InfoBytes)
		}
		if err != nil {
			return fmt.Errorf("add version: %w", err)
		}
	}
	return s.change(opVersionAdded, v.Actor, d, func() error {
		return s.putBlobRecords(v.blobRecords())
	})
}

// blobRecords returns what is known of the blobs of v.
func (v NewVersion) blobRecords() map[verify.Digest]BlobFacts {
	records := make(map[verify.Digest]BlobFacts, len(v.Manifest.Files))
	for _, f := range v.Manifest.Files {
		facts := v.Blobs[f.Digest]
		facts.Size = f.Size
		records[f.Digest] = facts
	}
	return records
}

// putBlobRecords writes records in batches, each of which lasts once written.
// What is known of a blob already and not said anew is kept; nothing is written
// for a blob that is known as well.
func (s *Store) putBlobRecords(records map[verify.Digest]BlobFacts) error {
	keys := slices.SortedFunc(maps.Keys(records), func(a, b verify.Digest) int { return bytes.Compare(a[:], b[:]) })
	for batch := range slices.Chunk(keys, batchSize) {
		fresh := make(map[verify.Digest]BlobFacts, len(batch))
		err := s.index.view(func(t tx) error {
			for _, d := range batch {
				var old BlobFacts
				ok, err := t.get(keyBlob+string(d[:]), &old)
				if err != nil {
					return err
				}
				if !ok || records[d].HasSHA256 && old != records[d] {
					fresh[d] = records[d]
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if len(fresh) == 0 {
			continue
		}
		err = s.index.update(func(t tx) error {
			var errs []error
			for d, facts := range fresh {
				errs = append(errs, t.put(keyBlob+string(d[:]), facts))
			}
			return errors.Join(errs...)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
