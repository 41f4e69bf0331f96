package registrytest

import (
	"strings"
	"testing"
	"time"

	"samara/registry"
	"samara/verify"
)

func testRemove(t *testing.T, s *registry.Store) {
	ctx := t.Context()
	v := NewVersion(t, s, "acme/tiny", "one")
	e := Add(t, s, v)
	if err := s.Tag(ctx, v.Reference, Ref(t, "copy"), false, "test"); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(ctx, v.Reference, "test"); err != nil {
		t.Fatal(err)
	}
	_, err := s.Lookup(ctx, v.Reference)
	WantCode(t, err, "not_found")
	if _, err := s.Lookup(ctx, Ref(t, "copy")); err != nil {
		t.Fatal(err)
	}
	WantCode(t, s.Remove(ctx, v.Reference, "test"), "not_found")
	if err := s.Remove(ctx, registry.Reference{Digest: e.Version.Digest}, "test"); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"copy", "blake3:" + e.Version.Digest.Hex()} {
		_, err := s.Lookup(ctx, Ref(t, text))
		WantCode(t, err, "not_found")
	}
	_, err = s.ByInfoHash(ctx, v.Binding.InfoHash)
	WantCode(t, err, "not_found")
	_, _, _, err = s.Torrent(ctx, v.Binding.InfoHash)
	WantCode(t, err, "not_found")
	if again := Add(t, s, v); again.Version.Digest != e.Version.Digest {
		t.Error("a removed version cannot be added again")
	}
}

func testGC(t *testing.T, s *registry.Store) {
	ctx := t.Context()
	keep := Add(t, s, NewVersion(t, s, "acme/keep", "keep"))
	drop := Add(t, s, NewVersion(t, s, "acme/drop", "drop"))
	Put(t, s, "", "a blob that nobody names")
	if err := s.Remove(ctx, drop.Reference, "test"); err != nil {
		t.Fatal(err)
	}
	for _, o := range []registry.GCOptions{{Grace: time.Hour}, {Grace: time.Hour, DryRun: true}} {
		if got, err := s.GC(ctx, o); err != nil || got != (registry.GCResult{}) {
			t.Errorf("%+v: got %+v, %v", o, got, err)
		}
	}
	want := registry.GCResult{Blobs: 2, Bytes: int64(len("drop") + len("a blob that nobody names")), Versions: 1}
	for _, o := range []registry.GCOptions{{DryRun: true}, {Actor: "test"}} {
		if got, err := s.GC(ctx, o); err != nil || got != want {
			t.Errorf("%+v: got %+v, %v, want %+v", o, got, err, want)
		}
	}
	if got, err := s.GC(ctx, registry.GCOptions{}); err != nil || got != (registry.GCResult{}) {
		t.Errorf("again: got %+v, %v", got, err)
	}
	for _, f := range keep.Version.Manifest.Files {
		if !s.Blobs().Has(f.Digest) {
			t.Errorf("file %s of a tagged version is gone", f.Path)
		}
	}
	_, err := s.Lookup(ctx, registry.Reference{Digest: drop.Version.Digest})
	WantCode(t, err, "not_found")
}

func testGCKeeps(t *testing.T, s *registry.Store) {
	ctx := t.Context()
	v := NewVersion(t, s, "acme/tiny", "in flight")
	if err := s.PutTorrent(ctx, v.Binding.InfoHash, v.InfoBytes, nil, nil); err != nil {
		t.Fatal(err)
	}
	transfer := registry.Transfer{ID: "1", State: registry.StatePaused, InfoHash: v.Binding.InfoHash}
	if err := s.PutTransfer(ctx, transfer); err != nil {
		t.Fatal(err)
	}
	kept := Put(t, s, "", "kept by the caller")
	o := registry.GCOptions{Keep: func(d verify.Digest) bool { return d == kept.Digest }}
	if got, err := s.GC(ctx, o); err != nil || got.Blobs != 0 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, _, _, err := s.Torrent(ctx, v.Binding.InfoHash); err != nil {
		t.Errorf("torrent of a transfer: %v", err)
	}
	transfer.State = registry.StateReady
	if err := s.PutTransfer(ctx, transfer); err != nil {
		t.Fatal(err)
	}
	if got, err := s.GC(ctx, o); err != nil || got.Blobs != 2 {
		t.Fatalf("once the transfer is done: got %+v, %v", got, err)
	}
	if !s.Blobs().Has(kept.Digest) {
		t.Error("a blob the caller keeps is gone")
	}
}

func testLog(t *testing.T, s *registry.Store) {
	ctx := t.Context()
	e := Add(t, s, NewVersion(t, s, "acme/tiny", "one"))
	Add(t, s, NewVersion(t, s, "acme/other", "two"))
	if err := s.Tag(ctx, e.Reference, Ref(t, "acme/tiny:v2"), false, "test"); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(ctx, registry.Reference{Digest: e.Version.Digest}, "test"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		ref   registry.Reference
		limit int
		want  string
	}{
		{Ref(t, "ACME/tiny"), 0, "version.removed tag.moved version.added"},
		{Ref(t, "acme/other"), 0, "version.added"},
		{registry.Reference{Digest: e.Version.Digest}, 2, "version.removed tag.moved"},
		{registry.Reference{}, 0, "version.removed tag.moved version.added version.added format.created"},
		{registry.Reference{}, 1, "version.removed"},
	} {
		entries, err := s.Log(ctx, c.ref, c.limit)
		if err != nil {
			t.Fatal(err)
		}
		var ops []string
		for _, e := range entries {
			ops = append(ops, e.Op)
		}
		if got := strings.Join(ops, " "); got != c.want {
			t.Errorf("log of %q, limit %d: got %s, want %s", c.ref, c.limit, got, c.want)
		}
	}
}
