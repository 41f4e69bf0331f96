// Package registrytest is the suite that every store of versions must pass, and
// the helpers that make versions for it.
package registrytest

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // BitTorrent v1 names info dictionaries by SHA-1
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"samara/magnets"
	"samara/registry"
	"samara/verify"
)

// Coder is an error with a code of the table of errors.
type Coder interface{ Code() string }

// WantCode fails the test unless err carries code.
func WantCode(t *testing.T, err error, code string) {
	t.Helper()
	var c Coder
	if !errors.As(err, &c) || c.Code() != code {
		t.Fatalf("got error %v, want code %s", err, code)
	}
}

// Ref parses a reference or fails the test.
func Ref(t testing.TB, s string) registry.Reference {
	t.Helper()
	r, err := registry.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Put commits content as a blob and returns the file of a manifest with the given
// path.
func Put(t testing.TB, s *registry.Store, path, content string) verify.File {
	t.Helper()
	tree, err := verify.HashFile(t.Context(), strings.NewReader(content), int64(len(content)), 1)
	if err != nil {
		t.Fatal(err)
	}
	d, err := tree.Root()
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Blobs().NewTemp()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(content); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Blobs().CommitFile(f.Name(), d, tree); err != nil {
		t.Fatal(err)
	}
	return verify.File{Path: path, Size: int64(len(content)), Digest: d}
}

// NewVersion returns a version of two small files, committed, with a torrent of
// its own, that the tag ref is to name.
func NewVersion(t testing.TB, s *registry.Store, ref, content string) registry.NewVersion {
	t.Helper()
	m, err := verify.NewManifest([]verify.File{
		Put(t, s, "weights/model.gguf", content),
		Put(t, s, "config.json", "{}"),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := Ref(t, ref)
	info, err := magnets.Build(magnets.BuildInfo{
		Name: r.Name, PieceLength: 1 << 20, Pieces: make([]byte, 20), Files: torrentFiles(m),
	})
	if err != nil {
		t.Fatal(err)
	}
	return registry.NewVersion{
		Manifest: m, Reference: r, Name: r.Name, Seed: true, Actor: "test",
		Facts:     registry.Facts{Format: "gguf", Architecture: "llama", Parameters: 7},
		Binding:   registry.Binding{InfoHash: sha1.Sum(info), Magnet: "magnet:?xt=urn:btih:test"}, //nolint:gosec // see the import
		InfoBytes: info,
		Trackers:  []string{"http://tracker.example/announce"},
		Blobs:     map[verify.Digest]registry.BlobFacts{m.Files[0].Digest: {HasSHA256: true, SHA256: [32]byte{1}}},
	}
}

func torrentFiles(m verify.Manifest) []magnets.File {
	var files []magnets.File
	for _, f := range m.Files {
		files = append(files, magnets.File{Path: f.Path, Size: f.Size, Blake3: f.Digest})
	}
	return files
}

// Run runs the suite. Open returns a new, empty store and closes it when its test
// ends.
func Run(t *testing.T, open func(t *testing.T) *registry.Store) {
	tests := []struct {
		name string
		run  func(t *testing.T, s *registry.Store)
	}{
		{"AddAndLookup", testAddAndLookup},
		{"AddTwice", testAddTwice},
		{"AddNeedsBlobs", testAddNeedsBlobs},
		{"AddBadInput", testAddBadInput},
		{"Missing", testMissing},
		{"Tags", testTags},
		{"TagCase", testTagCase},
		{"DigestReferences", testDigestReferences},
		{"List", testList},
		{"Remove", testRemove},
		{"GC", testGC},
		{"GCKeeps", testGCKeeps},
		{"Log", testLog},
		{"Torrents", testTorrents},
		{"Transfers", testTransfers},
		{"BlobFacts", testBlobFacts},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// Add adds a version or fails the test.
func Add(t testing.TB, s *registry.Store, v registry.NewVersion) registry.Entry {
	t.Helper()
	e, err := s.AddVersion(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

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

func testTags(t *testing.T, s *registry.Store) {
	ctx := t.Context()
	one := Add(t, s, NewVersion(t, s, "acme/tiny", "one"))
	v := NewVersion(t, s, "acme/tiny", "two")
	_, err := s.AddVersion(ctx, v)
	WantCode(t, err, "conflict")
	v.Move = true
	two := Add(t, s, v)
	err = s.Tag(ctx, registry.Reference{Digest: one.Version.Digest}, v.Reference, false, "test")
	WantCode(t, err, "conflict")
	if err := s.Tag(ctx, registry.Reference{Digest: one.Version.Digest}, Ref(t, "gpt2:v1"), false, "test"); err != nil {
		t.Fatal(err)
	}
	if err := s.Tag(ctx, Ref(t, "gpt2:v1"), v.Reference, true, "test"); err != nil {
		t.Fatal(err)
	}
	got, err := s.Lookup(ctx, v.Reference)
	if err != nil || got.Version.Digest != one.Version.Digest {
		t.Errorf("moved tag: got %s, %v", got.Version.Digest, err)
	}
	refs, err := s.Tags(ctx, one.Version.Digest)
	if err != nil || fmt.Sprint(refs) != "[acme/tiny:main gpt2:v1]" {
		t.Errorf("tags: got %v, %v", refs, err)
	}
	before, _ := s.Journal().Head()
	if err := s.Tag(ctx, Ref(t, "gpt2:v1"), v.Reference, false, "test"); err != nil {
		t.Errorf("a tag that points there already: %v", err)
	}
	if after, _ := s.Journal().Head(); after != before {
		t.Error("setting a tag to what it is wrote to the journal")
	}
	WantCode(t, s.Tag(ctx, Ref(t, "none"), Ref(t, "x"), false, "test"), "not_found")
	WantCode(t, s.Tag(ctx, Ref(t, "gpt2:v1"), registry.Reference{Name: "x", Digest: two.Version.Digest}, false, "test"), "invalid_request")
}

func testTagCase(t *testing.T, s *registry.Store) {
	v := NewVersion(t, s, "Acme/Tiny:V1", "one")
	Add(t, s, v)
	got, err := s.Lookup(t.Context(), Ref(t, "acme/tiny:V1"))
	if err != nil || got.Reference.String() != "Acme/Tiny:V1" {
		t.Errorf("got %s, %v", got.Reference, err)
	}
	_, err = s.Lookup(t.Context(), Ref(t, "Acme/Tiny:v1"))
	WantCode(t, err, "not_found")
	other := NewVersion(t, s, "ACME/TINY:V1", "two")
	_, err = s.AddVersion(t.Context(), other)
	WantCode(t, err, "conflict")
	list, _, err := s.List(t.Context(), registry.ListOptions{Prefix: "aCME/"})
	if err != nil || len(list) != 1 {
		t.Errorf("list: got %d entries, %v", len(list), err)
	}
}

func testDigestReferences(t *testing.T, s *registry.Store) {
	ctx := t.Context()
	one := Add(t, s, NewVersion(t, s, "acme/tiny", "one"))
	Add(t, s, NewVersion(t, s, "acme/other", "two"))
	hex := one.Version.Digest.Hex()
	for _, text := range []string{
		"blake3:" + hex, "blake3:" + hex[:6], "blake3:" + hex[:7], "acme/tiny@blake3:" + hex, "Acme/Tiny@blake3:" + hex[:9],
	} {
		got, err := s.Lookup(ctx, Ref(t, text))
		if err != nil || got.Version.Digest != one.Version.Digest {
			t.Errorf("%s: got %s, %v", text, got.Version.Digest, err)
		}
	}
	_, err := s.Lookup(ctx, Ref(t, "acme/other@blake3:"+hex))
	WantCode(t, err, "not_found")
	if err := s.Remove(ctx, Ref(t, "acme/tiny"), "test"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lookup(ctx, Ref(t, "acme/tiny@blake3:"+hex)); err != nil {
		t.Errorf("a version without tags by its digest: %v", err)
	}
}

func testList(t *testing.T, s *registry.Store) {
	var want []string
	for _, name := range []string{"a/a", "a/b", "a/b:v2", "b/a", "gpt2"} {
		want = append(want, Add(t, s, NewVersion(t, s, name, name)).Reference.String())
	}
	var got []string
	for after, pages := "", 0; ; pages++ {
		list, next, err := s.List(t.Context(), registry.ListOptions{After: after, Limit: 2})
		if err != nil || len(list) > 2 || pages > 3 {
			t.Fatalf("page %d: %d entries, %v", pages, len(list), err)
		}
		for _, e := range list {
			got = append(got, e.Reference.String())
		}
		if after = next; after == "" {
			break
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %q, want %q", got, want)
	}
	list, next, err := s.List(t.Context(), registry.ListOptions{Prefix: "a/b"})
	if err != nil || len(list) != 2 || next != "" {
		t.Errorf("prefix: got %d entries, next %q, %v", len(list), next, err)
	}
	versions := 0
	err = s.EachVersion(t.Context(), func(v registry.Version) error {
		versions++
		_, err := s.Tags(t.Context(), v.Digest)
		return err
	})
	if err != nil || versions != 5 {
		t.Errorf("each version: got %d, %v", versions, err)
	}
}

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

func testTorrents(t *testing.T, s *registry.Store) {
	ctx := t.Context()
	v := NewVersion(t, s, "acme/tiny", "one")
	_, _, _, err := s.Torrent(ctx, v.Binding.InfoHash)
	WantCode(t, err, "not_found")
	WantCode(t, s.PutTorrent(ctx, magnets.Hash{1}, v.InfoBytes, nil, nil), "verification_failed")
	if err := s.PutTorrent(ctx, v.Binding.InfoHash, v.InfoBytes, nil, []string{"http://seed.example/"}); err != nil {
		t.Fatal(err)
	}
	info, trackers, seeds, err := s.Torrent(ctx, v.Binding.InfoHash)
	if err != nil || !bytes.Equal(info, v.InfoBytes) || len(trackers) != 0 || len(seeds) != 1 {
		t.Errorf("got %d bytes, %q, %q, %v", len(info), trackers, seeds, err)
	}
	v.InfoBytes = nil
	Add(t, s, v)
	if _, trackers, _, err = s.Torrent(ctx, v.Binding.InfoHash); err != nil || len(trackers) != 1 {
		t.Errorf("after the version was added: got %q, %v", trackers, err)
	}
}

func testTransfers(t *testing.T, s *registry.Store) {
	ctx := t.Context()
	for i, id := range []string{"ab12", "ab34", "ab"} {
		tr := registry.Transfer{
			ID: id, State: registry.StateFetching, Added: time.Unix(int64(100-i), 0).UTC(),
			Reference: Ref(t, "acme/tiny"), BytesTotal: 5, Peers: []string{"127.0.0.1:1"},
		}
		if err := s.PutTransfer(ctx, tr); err != nil {
			t.Fatal(err)
		}
	}
	for id, want := range map[string]string{"ab1": "ab12", "ab": "ab", "ab34": "ab34"} {
		got, err := s.Transfer(ctx, id)
		if err != nil || got.ID != want || got.Reference.String() != "acme/tiny:main" || got.BytesTotal != 5 {
			t.Errorf("%s: got %+v, %v", id, got, err)
		}
	}
	all, err := s.Transfers(ctx)
	if err != nil || len(all) != 3 || all[0].ID != "ab" || all[2].ID != "ab12" {
		t.Errorf("all: got %v, %v", all, err)
	}
	if err := s.DeleteTransfer(ctx, "ab"); err != nil {
		t.Fatal(err)
	}
	_, err = s.Transfer(ctx, "ab")
	WantCode(t, err, "conflict")
	for _, id := range []string{"zz", ""} {
		_, err = s.Transfer(ctx, id)
		WantCode(t, err, "not_found")
	}
	big := registry.Transfer{ID: "big", Link: strings.Repeat("x", registry.MaxValue)}
	WantCode(t, s.PutTransfer(ctx, big), "too_large")
}

func testBlobFacts(t *testing.T, s *registry.Store) {
	ctx := t.Context()
	v := NewVersion(t, s, "acme/tiny", "one")
	Add(t, s, v)
	got, err := s.BlobFacts(ctx, v.Manifest.Files[0].Digest)
	if err != nil || !got.HasSHA256 || got.SHA256 != [32]byte{1} || got.Size != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
	v.Blobs = nil
	v.Reference = Ref(t, "acme/again")
	Add(t, s, v)
	if got, err = s.BlobFacts(ctx, v.Manifest.Files[0].Digest); err != nil || !got.HasSHA256 {
		t.Errorf("facts were forgotten: %+v, %v", got, err)
	}
	if got, err = s.BlobFacts(ctx, v.Manifest.Files[1].Digest); err != nil || got.HasSHA256 || got.Size != 3 {
		t.Errorf("got %+v, %v", got, err)
	}
	got.HasSHA256, got.SHA256 = true, [32]byte{2}
	if err := s.PutBlobFacts(ctx, v.Manifest.Files[1].Digest, got); err != nil {
		t.Fatal(err)
	}
	again, err := s.BlobFacts(ctx, v.Manifest.Files[1].Digest)
	if err != nil || again != got {
		t.Errorf("got %+v, %v", again, err)
	}
	_, err = s.BlobFacts(ctx, verify.Digest{9})
	WantCode(t, err, "not_found")
}
