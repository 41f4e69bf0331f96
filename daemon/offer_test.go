package daemon

import (
	"slices"
	"testing"

	"samara/magnets"
	"samara/web"
)

// TestOfferIsOfTheName publishes the same files under several names and wants
// the torrent of the name, whatever else there is.
func TestOfferIsOfTheName(t *testing.T) {
	d, _ := startDaemon(t, Config{Swarm: loopback})
	dir := writeTree(t, smallModel())
	publishAs := func(r web.PublishRequest) web.PublishResult {
		t.Helper()
		r.Path = dir
		got, err := d.catalog.Publish(t.Context(), r, "test", func(web.PublishEvent) {})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	// handsOut fails unless link, show and .torrent of a reference are those of
	// a torrent with that name.
	handsOut := func(ref, infohash, name string, private bool, trackers ...string) {
		t.Helper()
		detail, err := d.catalog.Show(t.Context(), mustRef(t, ref))
		if err != nil {
			t.Fatal(err)
		}
		link, err := magnets.Parse(detail.Magnet)
		if err != nil {
			t.Fatal(err)
		}
		if link.InfoHash.String() != infohash || link.Name != name || !slices.Equal(link.Trackers, trackers) ||
			detail.Infohash != infohash || detail.Name != name || !slices.Equal(detail.Trackers, trackers) {
			t.Errorf("show %s: got %s of %q, magnet %s; want %s of %q with trackers %v",
				ref, detail.Infohash, detail.Name, detail.Magnet, infohash, name, trackers)
		}
		_, raw, err := d.catalog.Torrent(t.Context(), mustRef(t, ref))
		if err != nil {
			t.Fatal(err)
		}
		torrent, err := magnets.ParseTorrent(raw)
		if err != nil {
			t.Fatal(err)
		}
		if i := torrent.Info; i.InfoHash.String() != infohash || i.Name != name || i.Private != private {
			t.Errorf("torrent of %s: got %s of %q, private %v", ref, i.InfoHash, i.Name, i.Private)
		}
	}
	wantLink := func(r web.PublishResult) {
		t.Helper()
		link, err := magnets.Parse(r.Magnet)
		if err != nil || link.InfoHash.String() != r.Infohash {
			t.Errorf("publish %s: magnet %s (%v), want infohash %s", r.Reference, r.Magnet, err, r.Infohash)
		}
	}

	const tracker = "http://tracker.example/announce"
	one := publishAs(web.PublishRequest{Name: "a/one", Trackers: []string{tracker}})
	two := publishAs(web.PublishRequest{Name: "b/two"})
	hidden := publishAs(web.PublishRequest{Name: "p/priv", Private: true})
	for _, r := range []web.PublishResult{one, two, hidden} {
		wantLink(r)
	}
	handsOut("a/one", one.Infohash, "one", false, tracker)
	handsOut("b/two", two.Infohash, "two", false)
	handsOut("p/priv", hidden.Infohash, "priv", true)

	// Another name gives the newest; the same name, published again, its last.
	if _, err := d.catalog.Tag(t.Context(), mustRef(t, "a/one"), mustRef(t, "c/three"), false, "test"); err != nil {
		t.Fatal(err)
	}
	handsOut("c/three", hidden.Infohash, "priv", true)
	open := publishAs(web.PublishRequest{Name: "p/priv"})
	wantLink(open)
	handsOut("p/priv", open.Infohash, "priv", false)
	wantLink(publishAs(web.PublishRequest{Name: "p/priv", Private: true}))
	handsOut("p/priv", hidden.Infohash, "priv", true)

	// The link is the one of a folder that holds nothing else.
	other, _ := startDaemon(t, Config{NoSwarm: true})
	if alone := publish(t, other, dir, "b/two"); alone.Magnet != two.Magnet {
		t.Errorf("another folder's magnet is %s, want %s", alone.Magnet, two.Magnet)
	}
}
