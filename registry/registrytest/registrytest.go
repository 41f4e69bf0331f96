// Package registrytest is the suite that every store of versions must pass, and
// the helpers that make versions for it.
package registrytest

import (
	"crypto/sha1" //nolint:gosec // BitTorrent v1 names info dictionaries by SHA-1
	"errors"
	"strings"
	"testing"

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
		{"SharedTorrent", testSharedTorrent},
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
