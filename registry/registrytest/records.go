package registrytest

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"samara/magnets"
	"samara/registry"
	"samara/verify"
)

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
