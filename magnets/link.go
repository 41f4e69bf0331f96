package magnets

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// A Link is a magnet link, taken apart.
type Link struct {
	InfoHash    Hash   // xt=urn:btih, set where HasV1
	InfoHashV2  HashV2 // xt=urn:btmh, set where HasV2
	HasV1       bool
	HasV2       bool
	Name        string   // dn: what the sender calls it; never a path
	Trackers    []string // tr, in the link's order
	WebSeeds    []string // ws, in the link's order
	Peers       []string // x.pe, HOST:PORT, in the link's order
	Manifest    [32]byte // x.b3: the manifest's BLAKE3 digest, set where HasManifest
	HasManifest bool
	Warnings    []string // what was skipped and why; not part of String
}

// A LinkError says why a magnet link cannot be used.
type LinkError struct {
	Reason string
}

// Error returns the operation and the reason.
func (e *LinkError) Error() string { return "read magnet link: " + e.Reason }

// Code returns the error's row in the table of errors.
func (e *LinkError) Code() string { return "invalid_request" }

// Hint says what a link looks like.
func (e *LinkError) Hint() string { return "a magnet link begins with magnet:?xt=urn:btih:" }

func linkErrorf(format string, a ...any) error {
	return &LinkError{Reason: fmt.Sprintf(format, a...)}
}

// Parse reads a magnet link, or a bare infohash as its shortest form.
//
// A tracker, web seed or peer that is broken is left out with a warning, as
// links in the wild carry such. What names the content is never skipped: a
// link without a usable xt, with two different ones, or with a broken x.b3 is
// an error, always a *LinkError. The keys xs and as, from which other clients
// fetch metadata over HTTP, are not used.
func Parse(s string) (Link, error) {
	s = strings.TrimSpace(s)
	if len(s) > MaxLinkBytes {
		return Link{}, linkErrorf("%d bytes, at most %d are allowed", len(s), MaxLinkBytes)
	}
	if h, err := ParseHash(s); err == nil {
		return Link{InfoHash: h, HasV1: true}, nil
	}
	const scheme = "magnet:?"
	if len(s) < len(scheme) || !strings.EqualFold(s[:len(scheme)], scheme) {
		return Link{}, linkErrorf("%.40q does not begin with %s", s, scheme)
	}
	var l Link
	for pair := range strings.SplitSeq(s[len(scheme):], "&") {
		key, escaped, _ := strings.Cut(pair, "=")
		key = strings.ToLower(key)
		if base, n, ok := strings.Cut(key, "."); ok && isNumber(n) {
			key = base // xt.1, tr.2: a number only tells keys apart
		}
		if err := l.set(key, escaped); err != nil {
			return Link{}, err
		}
	}
	if !l.HasV1 && !l.HasV2 {
		return Link{}, linkErrorf("no xt=urn:btih: or xt=urn:btmh: names the torrent")
	}
	return l, nil
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// set takes one key of the link.
func (l *Link) set(key, escaped string) error {
	v, err := url.QueryUnescape(escaped)
	switch key {
	case "xt":
		if err != nil {
			return linkErrorf("xt %.80q: %v", escaped, err)
		}
		return l.setTopic(v)
	case "x.b3":
		return l.setManifest(v)
	case "dn":
		if err != nil || !printable(v) {
			l.warn("dn", escaped, "not printable text")
			return nil
		}
		l.Name = v
	case "tr":
		l.Trackers = l.add(key, l.Trackers, escaped, v, MaxTrackers, trackerURL, err)
	case "ws":
		l.WebSeeds = l.add(key, l.WebSeeds, escaped, v, MaxWebSeeds, webSeedURL, err)
	case "x.pe":
		l.Peers = l.add(key, l.Peers, escaped, v, MaxPeers, peerAddress, err)
	}
	return nil
}

// setTopic takes an xt: one v1 and one v2 infohash may stand in a link.
func (l *Link) setTopic(v string) error {
	lower := strings.ToLower(v)
	if _, ok := strings.CutPrefix(lower, "urn:btih:"); ok {
		h, err := ParseHash(v[len("urn:btih:"):])
		if err != nil {
			return linkErrorf("xt: %v", err)
		}
		if l.HasV1 && l.InfoHash != h {
			return linkErrorf("xt names two torrents, %s and %s", l.InfoHash, h)
		}
		l.InfoHash, l.HasV1 = h, true
		return nil
	}
	multihash, ok := strings.CutPrefix(lower, "urn:btmh:")
	if !ok {
		l.warn("xt", v, "not a torrent")
		return nil
	}
	const sha256Prefix = "1220" // multihash: SHA-256, 32 bytes
	digits, ok := strings.CutPrefix(multihash, sha256Prefix)
	b, err := hex.DecodeString(digits)
	if !ok || err != nil || len(b) != 32 || HashV2(b).IsZero() {
		return linkErrorf("xt %.80q is not a SHA-256 multihash of 64 hex digits", v)
	}
	if l.HasV2 && l.InfoHashV2 != HashV2(b) {
		return linkErrorf("xt names two torrents, %s and %s", l.InfoHashV2, HashV2(b))
	}
	l.InfoHashV2, l.HasV2 = HashV2(b), true
	return nil
}

func (l *Link) setManifest(v string) error {
	b, err := hex.DecodeString(v)
	if err != nil || len(b) != 32 {
		return linkErrorf("x.b3 %.80q is not 64 hex digits", v)
	}
	if l.HasManifest && l.Manifest != [32]byte(b) {
		return linkErrorf("x.b3 names two manifests")
	}
	l.Manifest, l.HasManifest = [32]byte(b), true
	return nil
}

// add appends what read makes of v to list, else warns.
func (l *Link) add(key string, list []string, escaped, v string, limit int, read func(string) (string, error), err error) []string {
	if err == nil {
		v, err = read(v)
	}
	if err == nil && len(list) >= limit {
		err = fmt.Errorf("more than %d", limit)
	}
	if err != nil {
		l.warn(key, escaped, err.Error())
		return list
	}
	return append(list, v)
}

func (l *Link) warn(key, v, why string) {
	l.Warnings = append(l.Warnings, fmt.Sprintf("%s %.200q skipped: %s", key, v, why))
}

// trackerURL returns a tracker's URL in its one canonical form, or why it
// cannot be used.
func trackerURL(s string) (string, error) { return canonicalURL(s, "http", "https", "udp") }

// webSeedURL does the same for a web seed's.
func webSeedURL(s string) (string, error) { return canonicalURL(s, "http", "https") }

// canonicalURL returns s as url.URL writes it: clients compare such strings,
// and some cannot bear any other form.
func canonicalURL(s string, schemes ...string) (string, error) {
	const maxURLBytes = 2048
	if len(s) > maxURLBytes {
		return "", fmt.Errorf("URL of %d bytes", len(s))
	}
	if !printable(s) {
		return "", fmt.Errorf("not printable text")
	}
	u, err := url.Parse(s)
	if err != nil {
		return "", fmt.Errorf("not a URL")
	}
	canonical := u.String()
	again, err := url.Parse(canonical)
	switch {
	case err != nil || again.String() != canonical || u.Opaque != "":
		return "", fmt.Errorf("not a URL")
	case !slices.Contains(schemes, u.Scheme):
		return "", fmt.Errorf("scheme %q, want one of %s", u.Scheme, strings.Join(schemes, ", "))
	case u.Hostname() == "":
		return "", fmt.Errorf("no host")
	case u.User != nil:
		return "", fmt.Errorf("a user name in it")
	case u.Scheme == "udp" && u.Port() == "":
		return "", fmt.Errorf("no port")
	}
	return canonical, nil
}

// CheckPeer reports why s is not the HOST:PORT of a peer.
func CheckPeer(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" || len(host) > 253 || !printable(host) || strings.ContainsAny(host, "/ @") {
		return fmt.Errorf("peer %.80q is not HOST:PORT", s)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("peer %.80q: port is not 1 to 65535", s)
	}
	return nil
}

func peerAddress(s string) (string, error) { return s, CheckPeer(s) }

// String returns the link in one fixed order of keys; Parse reads it back.
func (l Link) String() string {
	var b strings.Builder
	b.WriteString("magnet:?")
	sep := ""
	put := func(key, v string) {
		b.WriteString(sep + key + "=" + v)
		sep = "&"
	}
	if l.HasV1 {
		put("xt", "urn:btih:"+l.InfoHash.String())
	}
	if l.HasV2 {
		put("xt", "urn:btmh:1220"+l.InfoHashV2.String())
	}
	if l.Name != "" {
		put("dn", escape(l.Name))
	}
	for _, v := range l.Trackers {
		put("tr", escape(v))
	}
	for _, v := range l.WebSeeds {
		put("ws", escape(v))
	}
	for _, v := range l.Peers {
		put("x.pe", strings.ReplaceAll(escape(v), "%3A", ":"))
	}
	if l.HasManifest {
		put("x.b3", hex.EncodeToString(l.Manifest[:]))
	}
	return b.String()
}

// escape writes a space as %20, which every client reads.
func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}
