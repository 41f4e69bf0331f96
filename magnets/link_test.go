package magnets

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	hexHash = "5546272da9065eddeb6fcd7ffddeef5b75be79a7"
	hex64   = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
)

// Mistral's own link to Mixtral, with trackers as broken as they were posted.
const mixtral = "magnet:?xt=urn:btih:5546272da9065eddeb6fcd7ffddeef5b75be79a7&dn=mixtral-8x7b-32kseqlen" +
	"&tr=udp%3A%2F%http://2Fopentracker.i2p.rocks%3A6969%2Fannounce&tr=http%3A%2F%http://2Ftracker.openbittorrent.com%3A80%2Fannounce"

func TestParseMixtral(t *testing.T) {
	l, err := Parse(mixtral)
	if err != nil {
		t.Fatal(err)
	}
	if l.InfoHash.String() != hexHash || !l.HasV1 || l.HasV2 || l.Name != "mixtral-8x7b-32kseqlen" {
		t.Errorf("got %+v", l)
	}
	if len(l.Trackers) != 0 || len(l.Warnings) != 2 {
		t.Errorf("trackers %q, warnings %q; want none and two", l.Trackers, l.Warnings)
	}
}

func TestParseEveryKey(t *testing.T) {
	s := "MAGNET:?xt.1=urn:btih:" + strings.ToUpper(hexHash) + "&xt.2=urn:btmh:1220" + hex64 +
		"&dn=a+b%20c&tr=udp%3A%2F%2Ft.example%3A6969%2Fannounce&tr.7=https://t.example/announce&ws=http://w.example/f%3Fx=1" +
		"&x.pe=%5B2001:db8::1%5D:51413&x.pe=host.example:7378&x.b3=" + strings.ToUpper(hex64) + "&xs=http://evil.example/x.torrent&as=http://evil.example/y"
	l, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	want := "magnet:?xt=urn:btih:" + hexHash + "&xt=urn:btmh:1220" + hex64 +
		"&dn=a%20b%20c&tr=udp%3A%2F%2Ft.example%3A6969%2Fannounce&tr=https%3A%2F%2Ft.example%2Fannounce&ws=http%3A%2F%2Fw.example%2Ff%3Fx%3D1" +
		"&x.pe=%5B2001:db8::1%5D:51413&x.pe=host.example:7378&x.b3=" + hex64
	if l.String() != want {
		t.Errorf("got  %s\nwant %s", l, want)
	}
	if len(l.Warnings) != 0 {
		t.Errorf("warnings %q", l.Warnings)
	}
}

func TestParseBase32AndBare(t *testing.T) {
	for _, s := range []string{"magnet:?xt=urn:btih:KVDCOLNJAZPN323PZV773XXPLN2346NH", hexHash, "  " + hexHash + "\n"} {
		l, err := Parse(s)
		if err != nil {
			t.Errorf("%q: %v", s, err)
		} else if l.InfoHash.String() != hexHash {
			t.Errorf("%q: infohash %s", s, l.InfoHash)
		}
	}
}

// A client that compares a tracker's URL with what it parses it to must find
// them equal.
func TestParseMakesURLsCanonical(t *testing.T) {
	for in, want := range map[string]string{
		"HTTP://t.example/a%20b":      "http://t.example/a%20b",
		"http%3A//t.example/a b?x=%7": "http://t.example/a%20b?x=%7",
		"http://t.example/%C3%A9":     "http://t.example/%C3%A9",
	} {
		l, err := Parse("magnet:?xt=urn:btih:" + hexHash + "&tr=" + strings.ReplaceAll(in, "%7", "%257"))
		if err != nil {
			t.Fatal(err)
		}
		for _, tr := range l.Trackers {
			u, err := url.Parse(tr)
			if err != nil || u.String() != tr {
				t.Errorf("%s: kept as %s, which parses to %v", in, tr, u)
			}
		}
		if len(l.Trackers) != 1 || l.Trackers[0] != want {
			t.Errorf("%s: trackers %q, want %s", in, l.Trackers, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for name, s := range map[string]string{
		"empty":         "",
		"scheme":        "http://example.com/x.torrent",
		"no xt":         "magnet:?dn=x&tr=udp://t.example:1",
		"other xt":      "magnet:?xt=urn:sha1:ABC",
		"short btih":    "magnet:?xt=urn:btih:abc",
		"bad hex":       "magnet:?xt=urn:btih:" + strings.Repeat("g", 40),
		"zero":          "magnet:?xt=urn:btih:" + strings.Repeat("0", 40),
		"two torrents":  "magnet:?xt=urn:btih:" + hexHash + "&xt=urn:btih:" + strings.Repeat("1", 40),
		"multihash":     "magnet:?xt=urn:btmh:1120" + hex64,
		"broken x.b3":   "magnet:?xt=urn:btih:" + hexHash + "&x.b3=12",
		"two manifests": "magnet:?xt=urn:btih:" + hexHash + "&x.b3=" + hex64 + "&x.b3=" + strings.Repeat("1", 64),
		"too long":      "magnet:?xt=urn:btih:" + hexHash + "&dn=" + strings.Repeat("a", MaxLinkBytes),
	} {
		l, err := Parse(s)
		if err == nil {
			t.Errorf("%s: got %+v, want an error", name, l)
		}
	}
}

func TestParseSkipsWithWarning(t *testing.T) {
	for _, pair := range []string{
		"tr=wss://t.example", "tr=http://user@t.example/", "tr=http:opaque", "tr=udp://t.example", "tr=%zz", "tr=http:///announce", "tr=http://a%0Ab/", "ws=ftp://w.example/",
		"x.pe=nohost", "x.pe=h:0", "x.pe=h:65536", "x.pe=a%20b:1", "x.pe=:80", "dn=a%1Bb", "dn=%E2%80%AEx", "xt=urn:sha1:ABC",
	} {
		l, err := Parse("magnet:?xt=urn:btih:" + hexHash + "&" + pair)
		if err != nil {
			t.Errorf("%s: %v", pair, err)
			continue
		}
		if len(l.Warnings) != 1 {
			t.Errorf("%s: warnings %q, want one", pair, l.Warnings)
		}
		if got := l.String(); got != "magnet:?xt=urn:btih:"+hexHash {
			t.Errorf("%s: kept as %s", pair, got)
		}
	}
}

func TestParseBoundsTrackers(t *testing.T) {
	l, err := Parse("magnet:?xt=urn:btih:" + hexHash + strings.Repeat("&tr=http://t.example/", MaxTrackers+5))
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Trackers) != MaxTrackers || len(l.Warnings) != 5 {
		t.Errorf("%d trackers, %d warnings", len(l.Trackers), len(l.Warnings))
	}
}

func FuzzParse(f *testing.F) {
	f.Add(mixtral)
	f.Add("magnet:?xt=urn:btmh:1220" + hex64 + "&dn=x+y&x.pe=%5B::1%5D:80&x.b3=" + hex64)
	f.Add(hexHash)
	f.Fuzz(func(t *testing.T, s string) {
		l, err := Parse(s)
		if err != nil || len(l.String()) > MaxLinkBytes { // escapes may have made it longer
			return
		}
		again, err := Parse(l.String())
		if err != nil {
			t.Fatalf("%q became %q: %v", s, l, err)
		}
		for _, tr := range append(l.Trackers, l.WebSeeds...) {
			if u, err := url.Parse(tr); err != nil || u.String() != tr || u.User != nil {
				t.Fatalf("%q: URL %q is not canonical", s, tr)
			}
		}
		l.Warnings = nil
		if diff := cmp.Diff(l, again); diff != "" {
			t.Fatalf("%q became %q (-want +got):\n%s", s, l, diff)
		}
	})
}
