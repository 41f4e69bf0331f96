package registry

import (
	"context"

	"samara/verify"
)

// Tag points the tag name to the version that target names. A name that points
// elsewhere is a *TagExistsError unless move is set; one that points there
// already is left alone.
func (s *Store) Tag(ctx context.Context, target, name Reference, move bool, actor string) error {
	if name.IsDigest() || name.Name == "" {
		return &ReferenceError{name.String(), "a tag is needed here, not a digest"}
	}
	done, err := s.begin(ctx, "tag "+name.String(), s.writable)
	if err != nil {
		return err
	}
	defer done()
	change := tagChanged{Reference: name}
	err = s.index.view(func(t tx) error {
		if change.Version, err = t.resolve(&target); err != nil {
			return err
		}
		change.Previous, err = t.pointsTo(name, change.Version, move)
		if err != nil || change.Previous == change.Version {
			return err
		}
		var r versionRecord
		if _, err := t.get(versionKey(change.Version), &r); err != nil {
			return err
		}
		return t.fits(change.Version, r, name)
	})
	if err != nil || change.Previous == change.Version {
		return err
	}
	return s.change(opTagMoved, actor, change, nil)
}

// Remove removes a tag; its version stays until GC finds it without tags. For a
// digest it removes the version with all its tags, in whatever repository. Blobs
// stay until GC. It returns a *NotFoundError where there is nothing to remove.
func (s *Store) Remove(ctx context.Context, ref Reference, actor string) error {
	done, err := s.begin(ctx, "remove "+ref.String(), s.freeable)
	if err != nil {
		return err
	}
	defer done()
	defer s.holdBallast(0)
	var version verify.Digest
	var gone removed
	err = s.index.view(func(t tx) error {
		if version, err = t.resolve(&ref); err != nil {
			return err
		}
		gone, err = t.removal(version)
		return err
	})
	if err != nil {
		return err
	}
	if !ref.IsDigest() {
		return s.change(opTagRemoved, actor, tagChanged{Reference: ref, Version: version}, nil)
	}
	busy, err := s.busy(ctx)
	if err != nil {
		return err
	}
	files := s.filesOf([]removed{gone}, busy)
	if err := s.change(opVersionRemoved, actor, gone, nil); err != nil {
		return err
	}
	return removeFiles(files)
}

// MaxNames bounds the tags that point to one version, and the repositories that
// it was ever tagged in: one transaction removes them all.
const MaxNames = 500

// fits says whether the record r of a version can be stored, with ref as one more
// tag where it is not zero: what the journal holds must always go into the index.
func (t tx) fits(d verify.Digest, r versionRecord, ref Reference) error {
	names := 0
	if !ref.IsZero() {
		r.addRepo(ref)
		tags, err := t.keys(tagsOfKey(d))
		if err != nil {
			return err
		}
		names = max(len(tags)+1, len(r.Repos))
	}
	if names > MaxNames {
		return &LimitError{"names of version " + d.String(), names, MaxNames}
	}
	_, err := encode("version "+d.String(), r)
	return err
}

// removal says what the journal keeps of a version that is removed.
func (t tx) removal(d verify.Digest) (removed, error) {
	var r versionRecord
	if _, err := t.get(versionKey(d), &r); err != nil {
		return removed{}, err
	}
	gone := removed{Version: d, Repos: r.Repos}
	for _, b := range r.Bindings {
		var to verify.Digest
		if _, err := t.get(keyHash+string(b.InfoHash[:]), &to); err != nil {
			return removed{}, err
		}
		if to == d {
			gone.torrents = append(gone.torrents, b.InfoHash)
		}
	}
	var err error
	gone.References, err = t.tagsOf(d)
	return gone, err
}

// filesOf returns the paths of the immutable files of versions, without torrents
// that transfers use.
func (s *Store) filesOf(versions []removed, busy *inUse) []string {
	var paths []string
	for _, v := range versions {
		paths = append(paths, s.files.manifestPath(v.Version))
		for _, h := range v.torrents {
			if !busy.torrents[h] {
				paths = append(paths, s.files.torrentPath(h))
			}
		}
	}
	return paths
}
