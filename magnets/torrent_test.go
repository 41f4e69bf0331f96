package magnets

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func torrentWith(add dict) []byte {
	d := dict{"info": raw(appendBencode(nil, v1Info()))}
	for k, v := range add {
		d[k] = v
	}
	return appendBencode(nil, d)
}

func TestParseTorrent(t *testing.T) {
	b := torrentWith(dict{
		"announce":      "http://old.example/announce",
		"announce-list": []any{[]any{"http://a.example/x", "bad"}, []any{"udp://b.example:1", "http://a.example/x"}, []any{"wss://c.example"}},
		"url-list":      "http://w.example/",
		"creation date": int64(1),
	})
	tor, err := ParseTorrent(b)
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"http://a.example/x"}, {"udp://b.example:1"}}
	if diff := cmp.Diff(want, tor.Trackers); diff != "" {
		t.Errorf("trackers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"http://w.example/"}, tor.WebSeeds); diff != "" {
		t.Errorf("web seeds (-want +got):\n%s", diff)
	}
	if len(tor.Warnings) != 2 {
		t.Errorf("warnings %q, want two", tor.Warnings)
	}
	again, err := ParseTorrent(tor.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	tor.Warnings = nil
	if diff := cmp.Diff(tor, again); diff != "" {
		t.Errorf("marshalled (-want +got):\n%s", diff)
	}
}

func TestParseTorrentOneTracker(t *testing.T) {
	tor, err := ParseTorrent(torrentWith(dict{"announce": "http://a.example/x", "announce-list": []any{}, "url-list": []any{"http://w.example/", int64(1)}}))
	if err != nil {
		t.Fatal(err)
	}
	if len(tor.Trackers) != 1 || tor.Trackers[0][0] != "http://a.example/x" || len(tor.WebSeeds) != 1 {
		t.Errorf("got %+v", tor)
	}
}

func TestParseTorrentRefuses(t *testing.T) {
	for name, b := range map[string][]byte{
		"empty":    nil,
		"no info":  []byte("d8:announce1:xe"),
		"html":     []byte("<!doctype html>"),
		"huge":     make([]byte, MaxTorrentBytes+1),
		"bad info": appendBencode(nil, dict{"info": dict{"name": ".."}}),
	} {
		if _, err := ParseTorrent(b); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzParseTorrent(f *testing.F) {
	f.Add(torrentWith(dict{"announce": "http://a.example/x", "url-list": "http://w.example/"}))
	f.Add(appendBencode(nil, dict{"info": raw(appendBencode(nil, hybrid())), "piece layers": dict{strings.Repeat("r", 32): strings.Repeat("l", 64)}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		tor, err := ParseTorrent(b)
		if err != nil {
			return
		}
		out := tor.Marshal()
		again, err := ParseTorrent(out)
		if err != nil {
			t.Fatalf("%q became %q: %v", b, out, err)
		}
		if !bytes.Equal(out, again.Marshal()) || again.Info.InfoHash != tor.Info.InfoHash {
			t.Fatalf("%q became %q, then %q", b, out, again.Marshal())
		}
	})
}
