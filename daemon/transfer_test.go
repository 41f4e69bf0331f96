package daemon

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"samara/magnets"
	"samara/registry"
	"samara/verify"
	"samara/web"
	"samara/web/client"
)

// addAndWait adds a link and waits until its transfer is ready or failed.
func addAndWait(t *testing.T, d *Daemon, r web.AddRequest) web.Transfer {
	t.Helper()
	tr, err := d.fetch.Add(t.Context(), r, "test")
	if err != nil {
		t.Fatal(err)
	}
	return waitFor(t, d, tr.Id, registry.StateReady, registry.StateFailed)
}

// waitFor waits until a transfer is in one of the states.
func waitFor(t *testing.T, d *Daemon, id string, states ...string) web.Transfer {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		tr, err := d.fetch.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(states, tr.State) {
			return tr
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %s for one of %v, got %+v", patience, states, tr)
		}
	}
}

// checkVersion fails unless the version under a name holds these very files.
func checkVersion(t *testing.T, d *Daemon, name string, files map[string][]byte) {
	t.Helper()
	ref, err := registry.ParseReference(name)
	if err != nil {
		t.Fatal(err)
	}
	src, err := d.catalog.Source(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if len(src.Files) != len(files) {
		t.Errorf("%s has %d files, want %d", name, len(src.Files), len(files))
	}
	for _, f := range src.Files {
		got, err := os.ReadFile(f.Disk)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, files[f.Path]) {
			t.Errorf("%s: file %s is not what was published", name, f.Path)
		}
	}
}

// smallModel are a few files that span pieces.
func smallModel() map[string][]byte {
	return map[string][]byte{
		"config.json": []byte("{}"),
		"a.bin":       pattern(11, 5<<20+123),
		"b.bin":       pattern(12, 1<<20),
		"sub/b.bin":   pattern(12, 1<<20), // the same bytes twice
		"empty":       {},
	}
}

const loopback = "127.0.0.1:0"

func TestAddFromMagnet(t *testing.T) {
	files := smallModel()
	a, _ := startDaemon(t, Config{Swarm: loopback})
	b, _ := startDaemon(t, Config{Swarm: loopback})
	r := publish(t, a, writeTree(t, files), "author/model")

	tr := addAndWait(t, b, web.AddRequest{Link: r.Magnet, Peers: []string{a.SwarmAddr()}, Name: "mine/model"})
	if tr.State != registry.StateReady || tr.Version != r.Version || tr.Reference != "mine/model:main" || tr.FirstSeen {
		t.Fatalf("got %+v, want version %s ready", tr, r.Version)
	}
	if tr.BytesDone != r.Bytes || tr.BytesTotal != r.Bytes {
		t.Errorf("got %d of %d bytes, want %d", tr.BytesDone, tr.BytesTotal, r.Bytes)
	}
	checkVersion(t, b, "mine/model", files)
	left, err := os.ReadDir(b.store.Blobs().Incoming())
	if err != nil || len(left) != 0 {
		t.Errorf("incoming holds %v (%v), want nothing", left, err)
	}

	// The fetcher seeds: a third daemon needs nobody else.
	c, _ := startDaemon(t, Config{})
	tr = addAndWait(t, c, web.AddRequest{Link: r.Infohash, Peers: []string{b.SwarmAddr()}})
	if tr.State != registry.StateReady || tr.Reference != "incoming/"+r.Infohash[:8]+":main" {
		t.Fatalf("third: got %+v", tr)
	}
	checkVersion(t, c, tr.Reference, files)
}

func TestAddFromTorrentAfterRestart(t *testing.T) {
	files := smallModel()
	cfg := Config{Swarm: loopback, Data: t.TempDir()}
	a, stop := startDaemon(t, cfg)
	r := publish(t, a, writeTree(t, files), "author/model")
	ref, err := registry.ParseReference("author/model")
	if err != nil {
		t.Fatal(err)
	}
	_, torrent, err := a.catalog.Torrent(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	a, _ = startDaemon(t, cfg) // seeds again what it seeded
	b, _ := startDaemon(t, Config{})
	tr := addAndWait(t, b, web.AddRequest{Torrent: torrent, Peers: []string{a.SwarmAddr()}, Expect: r.Version})
	if tr.State != registry.StateReady {
		t.Fatalf("got %+v", tr)
	}
	checkVersion(t, b, tr.Reference, files)
}

func TestAddForeignTorrentIsFirstSeen(t *testing.T) {
	files := smallModel()
	a, _ := startDaemon(t, Config{Swarm: loopback})
	torrent, hash := seedForeign(t, a, files)
	b, _ := startDaemon(t, Config{})
	tr := addAndWait(t, b, web.AddRequest{Torrent: torrent, Peers: []string{a.SwarmAddr()}, Name: "foreign/model"})
	if tr.State != registry.StateReady || !tr.FirstSeen || tr.Infohash != hash.String() {
		t.Fatalf("got %+v, want it ready and first seen", tr)
	}
	checkVersion(t, b, "foreign/model", files)

	c, _ := startDaemon(t, Config{})
	tr = addAndWait(t, c, web.AddRequest{Torrent: torrent, Peers: []string{a.SwarmAddr()}, Expect: "blake3:" + verify.Sum(nil).Hex()})
	if tr.State != registry.StateFailed || tr.Error == nil || tr.Error.Code != client.CodeVerification || tr.Error.Hint == "" {
		t.Fatalf("with another digest expected: got %+v", tr)
	}
	if list, err := c.catalog.List(t.Context(), registry.ListOptions{}); err != nil || len(list.Versions) != 0 {
		t.Errorf("got %v (%v), want no version", list.Versions, err)
	}
}

func TestAddOnlySome(t *testing.T) {
	files := smallModel()
	a, _ := startDaemon(t, Config{Swarm: loopback})
	b, _ := startDaemon(t, Config{})
	r := publish(t, a, writeTree(t, files), "author/model")
	add := web.AddRequest{Link: r.Magnet, Peers: []string{a.SwarmAddr()}, Name: "part/model", Only: []string{"*.json"}}
	tr := addAndWait(t, b, add)
	if tr.State != registry.StateReady || tr.Version != r.Version {
		t.Fatalf("got %+v", tr)
	}
	ref, err := registry.ParseReference("part/model")
	if err != nil {
		t.Fatal(err)
	}
	detail, err := b.catalog.Show(t.Context(), ref)
	if err != nil || detail.State != versionPartial {
		t.Fatalf("got state %s (%v), want partial", detail.State, err)
	}
	checkVersion(t, b, "part/model", map[string][]byte{"config.json": files["config.json"]})

	add.Only = nil
	if tr = addAndWait(t, b, add); tr.State != registry.StateReady {
		t.Fatalf("the rest: got %+v", tr)
	}
	checkVersion(t, b, "part/model", files)

	add.Only, add.Name = []string{"*.none"}, "none/model"
	if tr = addAndWait(t, b, add); tr.State != registry.StateFailed || tr.Error.Code != client.CodeInvalidRequest || tr.Error.Hint == "" {
		t.Errorf("a pattern that matches nothing: got %+v", tr)
	}
}

func TestAddTakesNoName(t *testing.T) {
	a, _ := startDaemon(t, Config{Swarm: loopback})
	b, _ := startDaemon(t, Config{})
	r := publish(t, a, writeTree(t, smallModel()), "author/model")
	mine := publish(t, b, writeTree(t, map[string][]byte{"x": []byte("mine")}), "mine/model")
	_, err := b.fetch.Add(t.Context(), web.AddRequest{Link: r.Magnet, Name: "mine/model"}, "test")
	wantCode(t, err, client.CodeConflict)
	tr := addAndWait(t, b, web.AddRequest{Link: r.Magnet, Name: "mine/model", Move: true, Peers: []string{a.SwarmAddr()}})
	if tr.State != registry.StateReady || tr.Version == mine.Version {
		t.Errorf("with move: got %+v", tr)
	}
}

func TestAddRefuses(t *testing.T) {
	d, _ := startDaemon(t, Config{})
	for name, c := range map[string]struct {
		r    web.AddRequest
		code string
	}{
		"nothing":             {web.AddRequest{}, client.CodeInvalidRequest},
		"both":                {web.AddRequest{Link: "magnet:?", Torrent: []byte("d")}, client.CodeInvalidRequest},
		"a magnet without xt": {web.AddRequest{Link: "magnet:?dn=x"}, client.CodeInvalidRequest},
		"an address":          {web.AddRequest{Link: "http://example.org/x.torrent"}, client.CodeInvalidRequest},
		"no torrent":          {web.AddRequest{Torrent: []byte("<html>")}, client.CodeInvalidRequest},
		"no digest":           {web.AddRequest{Link: someHash, Expect: "abc"}, client.CodeInvalidRequest},
		"no name":             {web.AddRequest{Link: someHash, Name: "a/b/c"}, client.CodeInvalidRequest},
		"no pattern":          {web.AddRequest{Link: someHash, Only: []string{"[x"}}, client.CodeInvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := d.fetch.Add(t.Context(), c.r, "test")
			wantCode(t, err, c.code)
		})
	}
	if all, err := d.fetch.List(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("got transfers %v (%v), want none", all, err)
	}
}

const someHash = "5546272da9065eddeb6fcd7ffddeef5b75be79a7"

// TestAddSkipsBrokenTrackers takes the tracker as Mistral's magnet was posted.
func TestAddSkipsBrokenTrackers(t *testing.T) {
	d, _ := startDaemon(t, Config{})
	link := "magnet:?xt=urn:btih:" + someHash + "&dn=mixtral-8x7b-32kseqlen&tr=udp%3A%2F%http://2Fopentracker.i2p.rocks%3A6969%2Fannounce"
	tr, err := d.fetch.Add(t.Context(), web.AddRequest{Link: link}, "test")
	if err != nil {
		t.Fatal(err)
	}
	if len(tr.Warnings) != 1 || tr.State != registry.StateResolving || tr.Name != "mixtral-8x7b-32kseqlen" {
		t.Errorf("got %+v, want it resolving with a warning", tr)
	}
	again, err := d.fetch.Add(t.Context(), web.AddRequest{Link: someHash}, "test")
	if err != nil || again.Id != tr.Id {
		t.Errorf("added again: got %+v, %v, want transfer %s", again, err, tr.Id)
	}
	_, err = d.fetch.Add(t.Context(), web.AddRequest{Link: someHash, Name: "other/name"}, "test")
	wantCode(t, err, client.CodeConflict)
}

func TestAddRefusesAnotherManifest(t *testing.T) {
	a, _ := startDaemon(t, Config{Swarm: loopback})
	b, _ := startDaemon(t, Config{})
	r := publish(t, a, writeTree(t, smallModel()), "author/model")
	link, err := magnets.Parse(r.Magnet)
	if err != nil {
		t.Fatal(err)
	}
	link.Manifest[0] ^= 1
	tr := addAndWait(t, b, web.AddRequest{Link: link.String(), Peers: []string{a.SwarmAddr()}})
	if tr.State != registry.StateFailed || tr.Error.Code != client.CodeVerification || tr.Error.Hint == "" {
		t.Fatalf("got %+v, want a verification failure", tr)
	}
	if _, _, _, err := b.store.Torrent(t.Context(), link.InfoHash); !isNotFound(err) {
		t.Errorf("the info dictionary was kept (%v)", err)
	}
	left, err := os.ReadDir(b.store.Blobs().Incoming())
	if err != nil || len(left) != 0 {
		t.Errorf("incoming holds %v (%v), want nothing", left, err)
	}
}

func TestAddQuarantinesLies(t *testing.T) {
	files := smallModel()
	a, _ := startDaemon(t, Config{Swarm: loopback})
	b, _ := startDaemon(t, Config{})
	torrent, _ := seedLie(t, a, files)
	tr := addAndWait(t, b, web.AddRequest{Torrent: torrent, Peers: []string{a.SwarmAddr()}})
	if tr.State != registry.StateFailed || tr.Error.Code != client.CodeVerification || tr.Error.Hint == "" {
		t.Fatalf("got %+v, want a verification failure", tr)
	}
	if list, err := b.catalog.List(t.Context(), registry.ListOptions{}); err != nil || len(list.Versions) != 0 {
		t.Errorf("got %v (%v), want no version", list.Versions, err)
	}
	if err := b.store.Blobs().List(func(d verify.Digest, _ int64) error {
		t.Errorf("blob %s was committed", d)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if c := b.checkQuarantine(); c.Status != checkWarn {
		t.Errorf("quarantine: got %+v, want files in it", c)
	}
}

func TestPauseResumeCancel(t *testing.T) {
	files := smallModel()
	a, _ := startDaemon(t, Config{Swarm: loopback})
	b, _ := startDaemon(t, Config{})
	r := publish(t, a, writeTree(t, files), "author/model")
	tr, err := b.fetch.Add(t.Context(), web.AddRequest{Link: r.Magnet}, "test") // nobody to ask
	if err != nil {
		t.Fatal(err)
	}
	if tr, err = b.fetch.Pause(t.Context(), tr.Id[:4]); err != nil || tr.State != registry.StatePaused || tr.Reason == "" {
		t.Fatalf("pause: got %+v, %v", tr, err)
	}
	if tr, err = b.fetch.AddPeers(t.Context(), tr.Id, []string{a.SwarmAddr()}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.fetch.Resume(t.Context(), tr.Id); err != nil {
		t.Fatal(err)
	}
	tr = waitFor(t, b, tr.Id, registry.StateReady, registry.StateFailed)
	checkVersion(t, b, tr.Reference, files)
	if _, err := b.fetch.Pause(t.Context(), tr.Id); err == nil {
		t.Error("pause of a ready transfer: got no error")
	}
	if err := b.fetch.Cancel(t.Context(), tr.Id); err != nil {
		t.Fatal(err)
	}
	_, err = b.fetch.Get(t.Context(), tr.Id)
	wantCode(t, err, client.CodeNotFound)
	checkVersion(t, b, tr.Reference, files) // it stays
}

func TestPauseAndResumeWithoutASwarm(t *testing.T) {
	cfg := Config{Data: t.TempDir()}
	d, stop := startDaemon(t, cfg)
	tr, err := d.fetch.Add(t.Context(), web.AddRequest{Link: someHash}, "test")
	if err != nil {
		t.Fatal(err)
	}
	stop()
	cfg.NoSwarm = true
	d, stop = startDaemon(t, cfg)
	if tr, err = d.fetch.Pause(t.Context(), tr.Id); err != nil || tr.State != registry.StatePaused {
		t.Errorf("pause: got %+v, %v", tr, err)
	}
	if tr, err = d.fetch.Resume(t.Context(), tr.Id); err != nil || tr.State != registry.StateResolving {
		t.Errorf("resume: got %+v, %v", tr, err)
	}
	stop()
	cfg.NoSwarm = false
	d, _ = startDaemon(t, cfg)
	if d.fetch.task(tr.Id) == nil {
		t.Error("it does not go on")
	}
}

// A daemon that needed no swarm starts one for the first request that does, and
// goes on with what waited for it.
func TestSwarmOnDemand(t *testing.T) {
	files := smallModel()
	a, _ := startDaemon(t, Config{Swarm: loopback})
	r := publish(t, a, writeTree(t, files), "author/model")
	cfg := Config{Data: t.TempDir()}
	d, stop := startDaemon(t, cfg)
	waiting, err := d.fetch.Add(t.Context(), web.AddRequest{Link: someHash}, "test")
	if err != nil {
		t.Fatal(err)
	}
	stop()
	cfg.NoSwarm, cfg.Swarm = true, loopback
	d, _ = startDaemon(t, cfg)
	own := publish(t, d, writeTree(t, map[string][]byte{"own.bin": pattern(3, 100_000)}), "mine/own")
	if d.SwarmAddr() != "" || d.fetch.task(waiting.Id) != nil {
		t.Fatal("the swarm runs before anyone needs it")
	}
	looked, err := d.fetch.Peek(t.Context(), web.PeekRequest{Link: r.Magnet, Peers: []string{a.SwarmAddr()}})
	if err != nil || len(looked.Files) != len(files) {
		t.Fatalf("peek: got %+v, %v", looked, err)
	}
	if d.fetch.task(waiting.Id) == nil {
		t.Error("the transfer that waited does not go on")
	}
	tr := addAndWait(t, d, web.AddRequest{Link: r.Magnet, Peers: []string{a.SwarmAddr()}, Name: "mine/model"})
	if tr.State != registry.StateReady {
		t.Fatalf("got %+v, want it ready", tr)
	}
	if tr = addAndWait(t, a, web.AddRequest{Link: own.Magnet, Peers: []string{d.SwarmAddr()}}); tr.State != registry.StateReady {
		t.Errorf("what was published before is not offered: %+v", tr)
	}
}

func TestAddPausedWaitsOnceResolved(t *testing.T) {
	a, _ := startDaemon(t, Config{Swarm: loopback})
	b, _ := startDaemon(t, Config{})
	r := publish(t, a, writeTree(t, smallModel()), "author/model")
	tr, err := b.fetch.Add(t.Context(), web.AddRequest{Link: r.Magnet, Peers: []string{a.SwarmAddr()}, Paused: true}, "test")
	if err != nil {
		t.Fatal(err)
	}
	tr = waitFor(t, b, tr.Id, registry.StatePaused, registry.StateReady, registry.StateFailed)
	if tr.State != registry.StatePaused || tr.BytesTotal != r.Bytes || tr.BytesDone != 0 {
		t.Fatalf("got %+v, want it paused with %d bytes to come", tr, r.Bytes)
	}
	if _, err := b.fetch.Resume(t.Context(), tr.Id); err != nil {
		t.Fatal(err)
	}
	if tr = waitFor(t, b, tr.Id, registry.StateReady, registry.StateFailed); tr.State != registry.StateReady {
		t.Errorf("got %+v", tr)
	}
}

func TestPeekStoresNothing(t *testing.T) {
	a, _ := startDaemon(t, Config{Swarm: loopback})
	b, _ := startDaemon(t, Config{})
	r := publish(t, a, writeTree(t, smallModel()), "author/model")
	p, err := b.fetch.Peek(t.Context(), web.PeekRequest{Link: r.Magnet, Peers: []string{a.SwarmAddr()}})
	if err != nil {
		t.Fatal(err)
	}
	if p.Infohash != r.Infohash || p.Manifest != r.Version || p.Bytes != r.Bytes || len(p.Files) != r.Files || !p.HasDigests || p.BytesKnown != 0 {
		t.Errorf("got %+v, want what was published: %+v", p, r)
	}
	if _, err := b.store.ByInfoHash(t.Context(), mustHash(t, r.Infohash)); !isNotFound(err) {
		t.Errorf("something was stored (%v)", err)
	}
	p, err = a.fetch.Peek(t.Context(), web.PeekRequest{Link: r.Infohash})
	if err != nil || p.BytesKnown != r.Bytes {
		t.Errorf("in its own store: got %+v, %v", p, err)
	}
}

func TestKnownFilesAreNotFetched(t *testing.T) {
	files := smallModel()
	a, _ := startDaemon(t, Config{Swarm: loopback})
	b, _ := startDaemon(t, Config{})
	publish(t, b, writeTree(t, map[string][]byte{"other.bin": files["a.bin"], "b.bin": files["b.bin"], "config.json": files["config.json"], "empty": {}}), "own/files")
	r := publish(t, a, writeTree(t, files), "author/model")
	// Everything is here already, so that nobody has to be asked for more than
	// the metadata.
	tr := addAndWait(t, b, web.AddRequest{Link: r.Magnet, Peers: []string{a.SwarmAddr()}})
	if tr.State != registry.StateReady || tr.Version != r.Version {
		t.Fatalf("got %+v", tr)
	}
	if torrent := b.seeds.get(mustHash(t, r.Infohash)); torrent == nil || torrent.Stats().Downloaded != 0 {
		t.Error("bytes were fetched that the store has")
	}
	checkVersion(t, b, tr.Reference, files)
}

func TestAdoptedFilesAreNotFetched(t *testing.T) {
	files := smallModel()
	a, _ := startDaemon(t, Config{Swarm: loopback})
	b, _ := startDaemon(t, Config{})
	r := publish(t, a, writeTree(t, files), "author/model")
	has := map[string][]byte{"a.bin": files["a.bin"], "b.bin": pattern(99, len(files["b.bin"])), "config.json": []byte("[]")}
	tr := addAndWait(t, b, web.AddRequest{Link: r.Magnet, Peers: []string{a.SwarmAddr()}, From: writeTree(t, has)})
	if tr.State != registry.StateReady || tr.Version != r.Version {
		t.Fatalf("got %+v", tr)
	}
	checkVersion(t, b, tr.Reference, files)
	if got := b.seeds.get(mustHash(t, r.Infohash)).Stats().Downloaded; got >= int64(len(files["a.bin"])) {
		t.Errorf("%d bytes were fetched, although a.bin was there", got)
	}
	left, err := os.ReadDir(b.store.Blobs().Incoming())
	if err != nil || len(left) != 0 {
		t.Errorf("incoming holds %v (%v), want nothing", left, err)
	}

	torrent, _ := seedForeign(t, a, map[string][]byte{"x": []byte("x")})
	tr = addAndWait(t, b, web.AddRequest{Torrent: torrent, Peers: []string{a.SwarmAddr()}, From: t.TempDir()})
	if tr.State != registry.StateFailed || tr.Error.Code != client.CodeUnsupported {
		t.Errorf("without digests: got %+v", tr)
	}
}

func TestLonelyReason(t *testing.T) {
	f := &fetcher{}
	rec := registry.Transfer{State: registry.StateResolving}
	if got := f.lonelyReason(rec, lonelyAfter-time.Second); got != "" {
		t.Errorf("too early: got %q", got)
	}
	if got := f.lonelyReason(rec, lonelyAfter); !strings.Contains(got, "--dht") {
		t.Errorf("got %q, want it to name --dht", got)
	}
	f.dht = true
	if got := f.lonelyReason(rec, lonelyAfter); strings.Contains(got, "--dht") || !strings.Contains(got, "--peer") {
		t.Errorf("with the DHT: got %q, want it to name --peer", got)
	}
}

func TestStartRemovesOrphans(t *testing.T) {
	cfg := Config{Data: t.TempDir()}
	_, stop := startDaemon(t, cfg)
	stop()
	orphan := filepath.Join(cfg.Data, "incoming", someHash)
	if err := os.MkdirAll(orphan, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(orphan, "0"), []byte("left"), 0o600); err != nil {
		t.Fatal(err)
	}
	startDaemon(t, cfg)
	if _, err := os.Stat(orphan); !os.IsNotExist(err) {
		t.Errorf("the orphan stayed (%v)", err)
	}
}

func mustHash(t *testing.T, s string) magnets.Hash {
	t.Helper()
	h, err := magnets.ParseHash(s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// A repeated request is answered by the transfer that is there, but what it pins
// holds all the same: while that waits, and once it is ready.
func TestAddAgainKeepsItsPins(t *testing.T) {
	a, _ := startDaemon(t, Config{Swarm: loopback})
	b, _ := startDaemon(t, Config{})
	r := publish(t, a, writeTree(t, smallModel()), "author/model")
	link, err := magnets.Parse(r.Magnet)
	if err != nil {
		t.Fatal(err)
	}
	link.Manifest[0] ^= 1
	other := "blake3:" + verify.Sum([]byte("other")).Hex()
	again := func(when string) {
		t.Helper()
		for what, req := range map[string]web.AddRequest{
			"expect": {Link: r.Magnet, Expect: other},
			"x.b3":   {Link: link.String()},
		} {
			if _, err := b.fetch.Add(t.Context(), req, "test"); err == nil {
				t.Errorf("%s, another %s: got no error", when, what)
			} else {
				wantCode(t, err, client.CodeVerification)
			}
		}
		for what, req := range map[string]web.AddRequest{
			"the same":      {Link: r.Magnet},
			"its digest":    {Link: r.Magnet, Expect: r.Version},
			"only its hash": {Link: r.Infohash},
		} {
			if _, err := b.fetch.Add(t.Context(), req, "test"); err != nil {
				t.Errorf("%s, %s: got %v", when, what, err)
			}
		}
	}
	tr, err := b.fetch.Add(t.Context(), web.AddRequest{Link: r.Magnet, Peers: []string{a.SwarmAddr()}, Paused: true}, "test")
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, b, tr.Id, registry.StatePaused)
	again("paused")
	_, err = b.fetch.Add(t.Context(), web.AddRequest{Link: r.Magnet, Only: []string{"*.json"}}, "test")
	wantCode(t, err, client.CodeConflict)
	if _, err := b.fetch.Resume(t.Context(), tr.Id); err != nil {
		t.Fatal(err)
	}
	waitFor(t, b, tr.Id, registry.StateReady)
	again("ready")
}
