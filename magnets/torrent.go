package magnets

import (
	"fmt"
)

// A Torrent is a .torrent file: an info dictionary and where to find bytes.
type Torrent struct {
	Info        *Info
	Trackers    [][]string // by tier
	WebSeeds    []string
	PieceLayers []byte   // the bencoded "piece layers" that v2 files longer than a piece need; nil without
	Warnings    []string // what was skipped and why
}

// ParseTorrent reads a .torrent file that a stranger may have made. Its info
// dictionary must pass ParseInfo; broken trackers and web seeds are left out
// with a warning. Every error is an *InfoError. The result keeps parts of b.
func ParseTorrent(b []byte) (*Torrent, error) {
	if len(b) > MaxTorrentBytes {
		return nil, infoErrorf("%d bytes, at most %d are allowed", len(b), MaxTorrentBytes)
	}
	d, err := parseBencode(b)
	if err != nil {
		return nil, err
	}
	infoValue, ok := d.get("info")
	if !ok {
		return nil, infoErrorf("no info dictionary")
	}
	t := &Torrent{}
	if t.Info, err = ParseInfo(infoValue.raw); err != nil {
		return nil, err
	}
	t.readTrackers(d)
	t.readWebSeeds(d)
	if layers, ok := d.get("piece layers"); ok && t.Info.V2 {
		t.PieceLayers = layers.raw
	}
	return t, nil
}

// readTrackers takes announce-list, or announce where that is absent.
func (t *Torrent) readTrackers(d value) {
	list, ok := d.get("announce-list")
	tiers := list.list
	if !ok || len(tiers) == 0 {
		announce, ok := d.get("announce")
		if !ok || len(announce.str) == 0 {
			return
		}
		tiers = []value{{kind: 'l', list: []value{announce}}}
	}
	seen := map[string]bool{}
	for _, tier := range tiers {
		var urls []string
		for _, v := range tier.list {
			u, ok := t.use("tracker", string(v.str), len(seen) < MaxTrackers, trackerURL)
			if !ok || seen[u] {
				continue
			}
			seen[u] = true
			urls = append(urls, u)
		}
		if len(urls) > 0 {
			t.Trackers = append(t.Trackers, urls)
		}
	}
}

// readWebSeeds takes url-list, which is a string or a list of strings.
func (t *Torrent) readWebSeeds(d value) {
	v, ok := d.get("url-list")
	if !ok {
		return
	}
	seeds := v.list
	if v.kind == 's' && len(v.str) > 0 {
		seeds = []value{v}
	}
	for _, s := range seeds {
		if u, ok := t.use("web seed", string(s.str), len(t.WebSeeds) < MaxWebSeeds, webSeedURL); ok {
			t.WebSeeds = append(t.WebSeeds, u)
		}
	}
}

// use returns what read makes of a URL, and warns where it cannot be used.
func (t *Torrent) use(what, u string, room bool, read func(string) (string, error)) (string, bool) {
	canonical, err := read(u)
	if err == nil && !room {
		err = fmt.Errorf("too many")
	}
	if err != nil && len(t.Warnings) < MaxTrackers {
		t.Warnings = append(t.Warnings, fmt.Sprintf("%s %.200q skipped: %v", what, u, err))
	}
	return canonical, err == nil
}

// Marshal returns the .torrent file's bytes, with nothing in it but what t
// holds: no date, no comment, no creator.
func (t *Torrent) Marshal() []byte {
	d := dict{"info": raw(t.Info.Bytes)}
	var tiers []any
	for _, tier := range t.Trackers {
		tiers = append(tiers, anySlice(tier))
	}
	if len(tiers) > 0 {
		d["announce"] = t.Trackers[0][0]
		d["announce-list"] = tiers
	}
	if len(t.WebSeeds) > 0 {
		d["url-list"] = anySlice(t.WebSeeds)
	}
	if t.PieceLayers != nil {
		d["piece layers"] = raw(t.PieceLayers)
	}
	return appendBencode(nil, d)
}

func anySlice(s []string) []any {
	a := make([]any, len(s))
	for i, v := range s {
		a[i] = v
	}
	return a
}
