package registry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"samara/magnets"
	"samara/registry/journal"
	"samara/verify"
)

// Operations in the journal that concern the index. Others are left alone.
const (
	opFormatCreated  = "format.created"
	opVersionAdded   = "version.added"
	opTagMoved       = "tag.moved"
	opTagRemoved     = "tag.removed"
	opVersionRemoved = "version.removed"
	opGCRemoved      = "gc.removed"
)

// actorSelf is who did what nobody asked for.
const actorSelf = "samara"

type formatCreated struct {
	Format int `json:"format"`
}

// versionAdded is the data of version.added: all that the index knows of a
// version and is not in its manifest.
type versionAdded struct {
	Reference Reference     `json:"reference,omitzero"`
	Version   verify.Digest `json:"version"`
	Previous  verify.Digest `json:"previous,omitzero"` // what Reference pointed to
	Files     int           `json:"files"`
	Bytes     int64         `json:"bytes"`
	FirstSeen bool          `json:"first_seen,omitempty"`
	Missing   []byte        `json:"missing,omitempty"` // a bit a file in manifest order
	Facts     Facts         `json:"facts"`
	Binding   Binding       `json:"binding,omitzero"`
	Name      string        `json:"name,omitempty"`
	Seed      bool          `json:"seed,omitempty"`
	Trackers  []string      `json:"trackers,omitempty"`
	WebSeeds  []string      `json:"webseeds,omitempty"`
}

// tagChanged is the data of tag.moved and tag.removed.
type tagChanged struct {
	Reference Reference     `json:"reference"`
	Version   verify.Digest `json:"version"`
	Previous  verify.Digest `json:"previous,omitzero"`
}

// removed is one version in the data of version.removed and gc.removed.
type removed struct {
	Version    verify.Digest `json:"version"`
	References []Reference   `json:"references,omitempty"` // its tags until then
	Repos      []string      `json:"repos,omitempty"`      // under which it was known

	torrents []magnets.Hash // that go with it; not in the journal
}

// gcRemoved is the data of gc.removed. Blobs and bytes are those of the whole
// collection, in its last entry.
type gcRemoved struct {
	Versions []removed `json:"versions,omitempty"`
	Blobs    int       `json:"blobs,omitempty"`
	Bytes    int64     `json:"bytes,omitempty"`
}

// tagRecord is what a tag points to.
type tagRecord struct {
	Reference Reference     `json:"reference"` // as it was first spelled
	Version   verify.Digest `json:"version"`
}

// versionRecord is a Version without its manifest.
type versionRecord struct {
	Added     time.Time `json:"added"`
	Untagged  time.Time `json:"untagged,omitzero"` // since when no tag points to it
	FirstSeen bool      `json:"first_seen,omitempty"`
	Missing   []byte    `json:"missing,omitempty"`
	Facts     Facts     `json:"facts"`
	Bindings  []Binding `json:"bindings,omitempty"`
	Name      string    `json:"name,omitempty"`
	Seed      bool      `json:"seed,omitempty"`
	Repos     []string  `json:"repos,omitempty"` // in lower case, under which it was ever tagged
}

// torrentRecord is what is known of a torrent beside its info dictionary.
type torrentRecord struct {
	Trackers []string `json:"trackers,omitempty"`
	WebSeeds []string `json:"webseeds,omitempty"`
}

func (r torrentRecord) isEmpty() bool { return len(r.Trackers)+len(r.WebSeeds) == 0 }

// merge returns the record after d was added at the given time. A version that is
// added again keeps its age, has more files, and is no longer first seen once
// anybody named its digests. Its newest torrent is the last of its bindings, also
// where it was there before.
func (r versionRecord) merge(d versionAdded, at time.Time) versionRecord {
	known := !r.Added.IsZero()
	if !known {
		r = versionRecord{Added: at, Untagged: at, FirstSeen: d.FirstSeen, Missing: d.Missing}
	}
	r.FirstSeen = r.FirstSeen && d.FirstSeen
	r.Missing = intersect(r.Missing, d.Missing)
	if d.Facts != (Facts{}) {
		r.Facts = d.Facts
	}
	if d.Name != "" {
		r.Name = d.Name
	}
	r.Seed = d.Seed
	if d.Binding != (Binding{}) {
		same := func(b Binding) bool {
			return b.InfoHash == d.Binding.InfoHash && b.InfoHashV2 == d.Binding.InfoHashV2
		}
		r.Bindings = append(slices.DeleteFunc(slices.Clone(r.Bindings), same), d.Binding)
	}
	return r
}

// addRepo records that the version was tagged in the repository of ref.
func (r *versionRecord) addRepo(ref Reference) {
	if repo := strings.ToLower(ref.Repo()); !slices.Contains(r.Repos, repo) {
		r.Repos = append(slices.Clone(r.Repos), repo)
	}
}

// intersect returns the bits set in both, nil for none.
func intersect(a, b []byte) []byte {
	out := make([]byte, min(len(a), len(b)))
	for i := range out {
		out[i] = a[i] & b[i]
	}
	if len(bytes.Trim(out, "\x00")) == 0 {
		return nil
	}
	return out
}

// apply brings the index from the entry before e to e.
func (t tx) apply(e journal.Entry) error {
	var err error
	switch e.Op {
	case opVersionAdded:
		err = applyAs(e, t.applyVersionAdded)
	case opTagMoved:
		err = applyAs(e, func(d tagChanged, at time.Time) error { return t.setTag(d.Reference, d.Version, at) })
	case opTagRemoved:
		err = applyAs(e, func(d tagChanged, at time.Time) error { return t.unsetTag(d.Reference, d.Version, at) })
	case opVersionRemoved:
		err = applyAs(e, func(d removed, _ time.Time) error { return t.dropVersion(d.Version) })
	case opGCRemoved:
		err = applyAs(e, func(d gcRemoved, _ time.Time) error {
			for _, v := range d.Versions {
				if err := t.dropVersion(v.Version); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("apply journal entry %d (%s): %w", e.Seq, e.Op, err)
	}
	return t.setSeen(seen{e.Seq, e.Hash})
}

func applyAs[D any](e journal.Entry, fn func(D, time.Time) error) error {
	var d D
	if err := json.Unmarshal(e.Data, &d); err != nil {
		return err
	}
	return fn(d, e.Time)
}

func (t tx) applyVersionAdded(d versionAdded, at time.Time) error {
	var r versionRecord
	if _, err := t.get(versionKey(d.Version), &r); err != nil {
		return err
	}
	if err := t.put(versionKey(d.Version), r.merge(d, at)); err != nil {
		return err
	}
	if h := d.Binding.InfoHash; !h.IsZero() {
		if err := t.set(keyHash+string(h[:]), d.Version[:]); err != nil {
			return err
		}
		if err := t.putTorrentRecord(h, torrentRecord{d.Trackers, d.WebSeeds}); err != nil {
			return err
		}
	}
	if h := d.Binding.InfoHashV2; !h.IsZero() {
		if err := t.set(keyHashV2+string(h[:]), d.Version[:]); err != nil {
			return err
		}
	}
	if d.Reference.IsZero() {
		return nil
	}
	return t.setTag(d.Reference, d.Version, at)
}

// putTorrentRecord keeps what is known where r says nothing.
func (t tx) putTorrentRecord(h magnets.Hash, r torrentRecord) error {
	key := keyTorrent + string(h[:])
	if ok, err := t.has(key); err != nil || ok && r.isEmpty() {
		return err
	}
	return t.put(key, r)
}

// setTag points a tag to a version, away from where it pointed.
func (t tx) setTag(ref Reference, version verify.Digest, at time.Time) error {
	var old tagRecord
	ok, err := t.get(keyTag+ref.Key(), &old)
	if err != nil {
		return err
	}
	if ok {
		ref = old.Reference // the first spelling stays
		if old.Version == version {
			return nil
		}
		if err := t.unsetTag(ref, old.Version, at); err != nil {
			return err
		}
	}
	if err := t.put(keyTag+ref.Key(), tagRecord{ref, version}); err != nil {
		return err
	}
	if err := t.set(tagsOfKey(version)+ref.Key(), nil); err != nil {
		return err
	}
	if err := t.set(repoKey(ref.Repo())+string(version[:]), nil); err != nil {
		return err
	}
	return t.editVersion(version, func(r *versionRecord) {
		r.Untagged = time.Time{}
		r.addRepo(ref)
	})
}

// unsetTag removes a tag that points to version.
func (t tx) unsetTag(ref Reference, version verify.Digest, at time.Time) error {
	if err := t.delete(keyTag + ref.Key()); err != nil {
		return err
	}
	if err := t.delete(tagsOfKey(version) + ref.Key()); err != nil {
		return err
	}
	left, err := t.keys(tagsOfKey(version))
	if err != nil || len(left) > 0 {
		return err
	}
	return t.editVersion(version, func(r *versionRecord) { r.Untagged = at })
}

func (t tx) editVersion(d verify.Digest, edit func(*versionRecord)) error {
	var r versionRecord
	ok, err := t.get(versionKey(d), &r)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("version %s is not known", d)
	}
	edit(&r)
	return t.put(versionKey(d), r)
}

// dropVersion removes a version, its tags and its other names.
func (t tx) dropVersion(d verify.Digest) error {
	var r versionRecord
	if ok, err := t.get(versionKey(d), &r); err != nil || !ok {
		return err
	}
	tags, err := t.keys(tagsOfKey(d))
	if err != nil {
		return err
	}
	drop := append([]string{versionKey(d)}, tags...)
	for _, key := range tags {
		drop = append(drop, keyTag+strings.TrimPrefix(key, tagsOfKey(d)))
	}
	for _, repo := range r.Repos {
		drop = append(drop, repoKey(repo)+string(d[:]))
	}
	for _, b := range r.Bindings {
		for _, key := range []string{keyHash + string(b.InfoHash[:]), keyHashV2 + string(b.InfoHashV2[:])} {
			var to verify.Digest
			if ok, err := t.get(key, &to); err != nil {
				return err
			} else if ok && to == d {
				drop = append(drop, key, keyTorrent+string(b.InfoHash[:]))
			}
		}
	}
	for _, key := range drop {
		if err := t.delete(key); err != nil {
			return err
		}
	}
	return nil
}

func versionKey(d verify.Digest) string { return keyVersion + string(d[:]) }
func tagsOfKey(d verify.Digest) string  { return keyTagsOf + string(d[:]) }
func repoKey(repo string) string        { return keyRepo + strings.ToLower(repo) + "\x00" }
