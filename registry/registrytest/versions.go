package registrytest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"samara/magnets"
	"samara/registry"
	"samara/verify"
)

func testAddAndLookup(t *testing.T, s *registry.Store) {
	v := NewVersion(t, s, "acme/tiny", "weights")
	added := Add(t, s, v)
	got, err := s.Lookup(t.Context(), Ref(t, "acme/tiny"))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := fmt.Sprint(added), fmt.Sprint(got); a != b {
		t.Errorf("looked up %s, added %s", b, a)
	}
	switch {
	case got.Reference.String() != "acme/tiny:main",
		got.Version.Digest != v.Manifest.Digest(),
		!bytes.Equal(got.Version.Manifest.Bytes(), v.Manifest.Bytes()),
		got.Version.Facts != v.Facts,
		len(got.Version.Bindings) != 1 || got.Version.Bindings[0] != v.Binding,
		!got.Version.Seed, got.Version.FirstSeen, got.Version.Name != "tiny",
		got.Version.Trust != registry.TrustUnsigned,
		got.Version.Added.IsZero():
		t.Errorf("got %+v", got)
	}
	by, err := s.ByInfoHash(t.Context(), v.Binding.InfoHash)
	if err != nil || by.Digest != got.Version.Digest {
		t.Errorf("by infohash: got %s, %v", by.Digest, err)
	}
	_, err = s.Lookup(t.Context(), Ref(t, "acme/tiny:other"))
	WantCode(t, err, "not_found")
	_, err = s.ByInfoHash(t.Context(), magnets.Hash{1})
	WantCode(t, err, "not_found")
}

func testAddTwice(t *testing.T, s *registry.Store) {
	v := NewVersion(t, s, "acme/tiny", "weights")
	v.FirstSeen = true
	first := Add(t, s, v)
	before, _ := s.Journal().Head()
	second := Add(t, s, v)
	if after, _ := s.Journal().Head(); after != before {
		t.Errorf("adding the same again wrote %d entries", after-before)
	}
	if fmt.Sprint(first) != fmt.Sprint(second) {
		t.Errorf("got %v, want %v", second, first)
	}
	v.FirstSeen = false
	v.Binding.InfoHash, v.InfoBytes = magnets.Hash{}, nil
	v.Binding.InfoHashV2 = magnets.HashV2{1}
	third := Add(t, s, v)
	if third.Version.FirstSeen || len(third.Version.Bindings) != 2 || !third.Version.Added.Equal(first.Version.Added) {
		t.Errorf("added by other names: got %+v", third.Version)
	}
	v.FirstSeen = true
	if fourth := Add(t, s, v); fourth.Version.FirstSeen {
		t.Error("digests that were named once are first seen again")
	}
	v.Binding, v.FirstSeen = first.Version.Bindings[0], false
	fifth := Add(t, s, v)
	if b := fifth.Version.Bindings; len(b) != 2 || b[1] != v.Binding {
		t.Errorf("got bindings %v, want the one that was added again last", b)
	}
}

func testAddNeedsBlobs(t *testing.T, s *registry.Store) {
	v := NewVersion(t, s, "acme/tiny", "weights")
	v.InfoBytes, v.Binding = nil, registry.Binding{}
	var err error
	absent := verify.File{Path: "absent", Size: 3, Digest: verify.Digest{1}}
	if v.Manifest, err = verify.NewManifest(append(v.Manifest.Files, absent)); err != nil {
		t.Fatal(err)
	}
	_, err = s.AddVersion(t.Context(), v)
	var missing *registry.MissingBlobError
	if !errors.As(err, &missing) || missing.Path != "absent" {
		t.Errorf("a blob that is not there: got %v", err)
	}
	v = NewVersion(t, s, "acme/tiny", "weights")
	v.Manifest.Files[0].Size++
	_, err = s.AddVersion(t.Context(), v)
	WantCode(t, err, "verification_failed")
	_, err = s.Lookup(t.Context(), v.Reference)
	WantCode(t, err, "not_found")
}

func testAddBadInput(t *testing.T, s *registry.Store) {
	for name, spoil := range map[string]func(v *registry.NewVersion) string{
		"digest as tag": func(v *registry.NewVersion) string {
			v.Reference = registry.Reference{Name: "a", Digest: verify.Digest{1}}
			return "invalid_request"
		},
		"no files": func(v *registry.NewVersion) string { v.Manifest = verify.Manifest{}; return "invalid_request" },
		"climbing path": func(v *registry.NewVersion) string {
			v.Manifest.Files[0].Path = "../x"
			return "invalid_request"
		},
		"unknown missing path": func(v *registry.NewVersion) string { v.Missing = []string{"none"}; return "invalid_request" },
		"long magnet": func(v *registry.NewVersion) string {
			v.Binding.Magnet = strings.Repeat("x", registry.MaxMagnet+1)
			return "too_large"
		},
		"many trackers": func(v *registry.NewVersion) string {
			v.Trackers = make([]string, registry.MaxURLs+1)
			return "too_large"
		},
		"trackers that grow when written": func(v *registry.NewVersion) string {
			v.Trackers = []string{strings.Repeat("<", registry.MaxURLsBytes)}
			return "too_large"
		},
		"another info dictionary": func(v *registry.NewVersion) string {
			v.InfoBytes = append(bytes.Clone(v.InfoBytes), 'x')
			return "verification_failed"
		},
		"no info dictionary": func(v *registry.NewVersion) string { v.InfoBytes = nil; return "not_found" },
	} {
		v := NewVersion(t, s, "acme/bad", name)
		code := spoil(&v)
		_, err := s.AddVersion(t.Context(), v)
		if t.Run(name, func(t *testing.T) { WantCode(t, err, code) }); err == nil {
			continue
		}
		if _, err := s.Lookup(t.Context(), Ref(t, "acme/bad")); err == nil {
			t.Errorf("%s: the tag is there", name)
		}
	}
	if err := s.Journal().Verify(); err != nil {
		t.Error(err)
	}
}

func testMissing(t *testing.T, s *registry.Store) {
	v := NewVersion(t, s, "acme/part", "weights")
	full := v
	var err error
	absent := verify.File{Path: "z-absent", Size: 5, Digest: verify.Sum([]byte("later"))}
	if v.Manifest, err = verify.NewManifest(append(v.Manifest.Files, absent)); err != nil {
		t.Fatal(err)
	}
	v.Missing = []string{"z-absent"}
	if got := Add(t, s, v).Version.Missing; len(got) != 1 || got[0] != "z-absent" {
		t.Fatalf("missing: got %q", got)
	}
	full.Manifest, full.Reference = v.Manifest, v.Reference
	Put(t, s, "z-absent", "later")
	if got := Add(t, s, full).Version.Missing; len(got) != 0 {
		t.Fatalf("missing after the file came: got %q", got)
	}
	if got := Add(t, s, v).Version.Missing; len(got) != 0 {
		t.Fatalf("missing after a part was added again: got %q", got)
	}
}

// One torrent may hold several versions: whoever fetches parts of a torrent that
// names no digests makes one of what came.
func testSharedTorrent(t *testing.T, s *registry.Store) {
	ctx := t.Context()
	old := NewVersion(t, s, "acme/part", "one")
	newer := NewVersion(t, s, "acme/more", "two")
	newer.Binding, newer.InfoBytes = old.Binding, old.InfoBytes
	first, second := Add(t, s, old), Add(t, s, newer)
	if err := s.Remove(ctx, registry.Reference{Digest: first.Version.Digest}, "test"); err != nil {
		t.Fatal(err)
	}
	got, err := s.ByInfoHash(ctx, old.Binding.InfoHash)
	if err != nil || got.Digest != second.Version.Digest {
		t.Errorf("got %s, %v", got.Digest, err)
	}
	if _, _, _, err := s.Torrent(ctx, old.Binding.InfoHash); err != nil {
		t.Error(err)
	}
	if _, err := s.GC(ctx, registry.GCOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := s.Torrent(ctx, old.Binding.InfoHash); err != nil {
		t.Errorf("after a collection: %v", err)
	}
}
