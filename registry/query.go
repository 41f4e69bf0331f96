package registry

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"samara/magnets"
	"samara/verify"
)

// maxAmong bounds how many names an AmbiguousError lists.
const maxAmong = 4

// Lookup returns the version that a tag, a digest or the beginning of a digest
// names. A digest with a repository finds only versions that had a tag there.
// It returns a *NotFoundError or an *AmbiguousError.
func (s *Store) Lookup(ctx context.Context, ref Reference) (Entry, error) {
	if err := ctx.Err(); err != nil {
		return Entry{}, err
	}
	return s.lookup(ref)
}

func (s *Store) lookup(ref Reference) (Entry, error) {
	var e Entry
	err := s.index.view(func(t tx) error {
		digest, err := t.resolve(&ref)
		if err != nil {
			return err
		}
		e.Reference = ref
		e.Version, err = s.version(t, digest)
		return err
	})
	return e, err
}

// resolve returns the version that ref names, and spells ref as it is stored.
func (t tx) resolve(ref *Reference) (verify.Digest, error) {
	if ref.IsDigest() {
		return t.resolveDigest(ref)
	}
	var tag tagRecord
	ok, err := t.get(keyTag+ref.Key(), &tag)
	if err != nil {
		return verify.Digest{}, err
	}
	if !ok {
		return verify.Digest{}, &NotFoundError{"version", ref.String()}
	}
	*ref = tag.Reference
	return tag.Version, nil
}

func (t tx) resolveDigest(ref *Reference) (verify.Digest, error) {
	head, digits := keyVersion, ref.DigestPrefix
	if repo := ref.Repo(); repo != "" {
		head = repoKey(repo)
	}
	if digits == "" {
		digits = ref.Digest.Hex()
	}
	whole, err := hex.DecodeString(digits[:len(digits)&^1])
	if err != nil {
		return verify.Digest{}, &ReferenceError{ref.String(), "digest: not hexadecimal"}
	}
	var found []verify.Digest
	err = t.scan(head+string(whole), "", func(key string, _ func(any) error) error {
		d := verify.Digest([]byte(key[len(head):]))
		if strings.HasPrefix(d.Hex(), digits) {
			found = append(found, d)
		}
		if len(found) == maxAmong {
			return errStop
		}
		return nil
	})
	switch {
	case err != nil:
		return verify.Digest{}, err
	case len(found) == 0:
		return verify.Digest{}, &NotFoundError{"version", ref.String()}
	case len(found) > 1:
		among := make([]string, len(found))
		for i, d := range found {
			among[i] = d.String()
		}
		return verify.Digest{}, &AmbiguousError{"version", ref.String(), among}
	}
	ref.Digest, ref.DigestPrefix = found[0], ""
	return found[0], nil
}

// damagedVersion is version for whoever goes on with the others where one
// manifest is gone or holds other bytes.
func (s *Store) damagedVersion(t tx, d verify.Digest) (Version, error) {
	v, err := s.version(t, d)
	var bad *ChecksumError
	if !errors.As(err, &bad) {
		return v, err
	}
	v.Damaged = bad.Error()
	return v, nil
}

// version reads a version and its manifest. Where it returns a *ChecksumError
// for the manifest, the rest of the version is there.
func (s *Store) version(t tx, d verify.Digest) (Version, error) {
	var r versionRecord
	ok, err := t.get(versionKey(d), &r)
	if err != nil {
		return Version{}, err
	}
	if !ok {
		return Version{}, &NotFoundError{"version", d.String()}
	}
	m, err := s.files.manifest(d)
	return Version{
		Digest: d, Manifest: m, Added: r.Added, FirstSeen: r.FirstSeen, Missing: missingPaths(m, r.Missing),
		Facts: r.Facts, Bindings: r.Bindings, Name: r.Name, Seed: r.Seed, Trust: TrustUnsigned,
	}, err
}

// List returns tags and what they point to, sorted by Reference.Key, and the
// reference to pass as After for the next page, "" after the last. A version whose
// manifest is lost is among them, with Version.Damaged set.
func (s *Store) List(ctx context.Context, o ListOptions) (entries []Entry, next string, err error) {
	limit := o.Limit
	if limit <= 0 {
		limit = DefaultLimit
	}
	limit = min(limit, MaxLimit)
	prefix, from := keyTag+foldRepo(o.Prefix), ""
	if o.After != "" {
		from = keyTag + foldRepo(o.After) + "\x00"
	}
	err = s.index.view(func(t tx) error {
		return t.scan(prefix, from, func(_ string, value func(any) error) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if len(entries) == limit {
				next = entries[limit-1].Reference.String()
				return errStop
			}
			var tag tagRecord
			if err := value(&tag); err != nil {
				return err
			}
			v, err := s.damagedVersion(t, tag.Version)
			if err != nil {
				return fmt.Errorf("list %s: %w", tag.Reference, err)
			}
			entries = append(entries, Entry{tag.Reference, v})
			return nil
		})
	})
	if err != nil {
		return nil, "", err
	}
	return entries, next, nil
}

// foldRepo puts what stands before the tag in lower case.
func foldRepo(s string) string {
	repo, tag, ok := strings.Cut(s, ":")
	if !ok {
		return strings.ToLower(repo)
	}
	return strings.ToLower(repo) + ":" + tag
}

// EachVersion calls fn with every version, tagged or not, in order of digest,
// until fn returns an error, which it returns. Fn may call the Store. A version
// whose manifest is lost comes with Version.Damaged set.
func (s *Store) EachVersion(ctx context.Context, fn func(Version) error) error {
	digests, err := s.versionDigests()
	if err != nil {
		return err
	}
	for _, d := range digests {
		if err := ctx.Err(); err != nil {
			return err
		}
		var v Version
		gone := false
		err := s.index.view(func(t tx) error {
			ok, err := t.has(versionKey(d))
			if gone = !ok; err != nil || gone {
				return err
			}
			v, err = s.damagedVersion(t, d)
			return err
		})
		if err != nil {
			return err
		}
		if gone {
			continue
		}
		if err := fn(v); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) versionDigests() ([]verify.Digest, error) {
	var digests []verify.Digest
	err := s.index.view(func(t tx) error {
		keys, err := t.keys(keyVersion)
		for _, key := range keys {
			digests = append(digests, verify.Digest([]byte(key[len(keyVersion):])))
		}
		return err
	})
	return digests, err
}

// Tags returns the tags that point to a version, sorted.
func (s *Store) Tags(ctx context.Context, d verify.Digest) ([]Reference, error) {
	var refs []Reference
	err := s.index.view(func(t tx) (err error) {
		refs, err = t.tagsOf(d)
		return errors.Join(err, ctx.Err())
	})
	return refs, err
}

func (t tx) tagsOf(d verify.Digest) ([]Reference, error) {
	keys, err := t.keys(tagsOfKey(d))
	if err != nil {
		return nil, err
	}
	refs := make([]Reference, 0, len(keys))
	for _, key := range keys {
		var tag tagRecord
		if _, err := t.get(keyTag+strings.TrimPrefix(key, tagsOfKey(d)), &tag); err != nil {
			return nil, err
		}
		refs = append(refs, tag.Reference)
	}
	return refs, nil
}

// ByInfoHash returns the version that a torrent holds, or a *NotFoundError. For
// a torrent that is v2 alone h is the beginning of its infohash.
func (s *Store) ByInfoHash(ctx context.Context, h magnets.Hash) (Version, error) {
	var v Version
	err := s.index.view(func(t tx) error {
		var d verify.Digest
		ok, err := t.get(keyHash+string(h[:]), &d)
		if err != nil {
			return err
		}
		if !ok {
			return &NotFoundError{"torrent", h.String()}
		}
		v, err = s.version(t, d)
		return errors.Join(err, ctx.Err())
	})
	return v, err
}

// BlobFacts returns what is known of a blob, or a *NotFoundError.
func (s *Store) BlobFacts(ctx context.Context, d verify.Digest) (BlobFacts, error) {
	var f BlobFacts
	err := s.index.view(func(t tx) error {
		ok, err := t.get(keyBlob+string(d[:]), &f)
		if err == nil && !ok {
			err = &NotFoundError{"blob", d.String()}
		}
		return errors.Join(err, ctx.Err())
	})
	return f, err
}

// PutBlobFacts records what was found out about a blob.
func (s *Store) PutBlobFacts(ctx context.Context, d verify.Digest, f BlobFacts) error {
	done, err := s.begin(ctx, "store blob facts", s.writable)
	if err != nil {
		return err
	}
	defer done()
	return s.index.update(func(t tx) error { return t.put(keyBlob+string(d[:]), f) })
}
