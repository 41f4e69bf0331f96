package daemon

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"samara/magnets"
	"samara/registry"
	"samara/verify"
	"samara/web"
	"samara/web/client"
)

func mustRef(t *testing.T, s string) registry.Reference {
	t.Helper()
	ref, err := registry.ParseReference(s)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// damage overwrites bytes of a blob, as a failing disk would.
func damage(t *testing.T, path string, off int64, b []byte) {
	t.Helper()
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(b, off); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyFindsBadRanges(t *testing.T) {
	d, _ := startDaemon(t, Config{NoSwarm: true})
	files := smallModel()
	publish(t, d, writeTree(t, files), "ns/model")
	ref := mustRef(t, "ns/model")
	damage(t, d.store.Blobs().Path(verify.Sum(files["a.bin"])), 100_000, []byte("damaged"))
	if err := os.Remove(d.store.Blobs().Path(verify.Sum(files["b.bin"]))); err != nil {
		t.Fatal(err)
	}
	var done, total int64
	report, err := d.catalog.Verify(t.Context(), ref, func(n, of int64) { done, total = n, of })
	if err != nil {
		t.Fatal(err)
	}
	want := []web.BadRange{
		{Path: "a.bin", Offset: 100_000 / verify.GroupSize * verify.GroupSize, Length: verify.GroupSize},
		{Path: "b.bin", Offset: 0, Length: int64(len(files["b.bin"]))},
		{Path: "sub/b.bin", Offset: 0, Length: int64(len(files["b.bin"]))},
	}
	if report.Ok || !slices.Equal(report.Bad, want) {
		t.Errorf("got %+v, want bad ranges %+v", report, want)
	}
	if done != total || total != report.Bytes {
		t.Errorf("progress ended at %d of %d, want %d", done, total, report.Bytes)
	}
	_, err = d.catalog.Verify(t.Context(), mustRef(t, "ns/none"), func(int64, int64) {})
	wantCode(t, err, client.CodeNotFound)
}

func TestRemovedVersionsAreNeitherSeededNorKept(t *testing.T) {
	d, _ := startDaemon(t, Config{Swarm: loopback})
	files := map[string][]byte{"a.bin": pattern(31, 1<<20), "shared.bin": pattern(32, 1<<20)}
	r := publish(t, d, writeTree(t, files), "ns/first")
	publish(t, d, writeTree(t, map[string][]byte{"shared.bin": files["shared.bin"]}), "ns/second")
	if _, err := d.catalog.Tag(t.Context(), mustRef(t, "ns/first"), mustRef(t, "ns/copy:v2"), false, "test"); err != nil {
		t.Fatal(err)
	}
	_, err := d.catalog.Tag(t.Context(), mustRef(t, "ns/second"), mustRef(t, "ns/copy:v2"), false, "test")
	wantCode(t, err, client.CodeConflict)

	now := int64(0)
	remove := func(ref string) {
		if err := d.catalog.Remove(t.Context(), mustRef(t, ref), "test"); err != nil {
			t.Fatal(err)
		}
	}
	remove("ns/first")
	if d.seeds.get(mustHash(t, r.Infohash)) == nil {
		t.Error("a version with a tag left is not seeded any more")
	}
	detail, err := d.catalog.Show(t.Context(), mustRef(t, r.Version))
	if err != nil || detail.Reference != "ns/copy:v2" || !detail.Seeding {
		t.Errorf("by digest: got %+v, %v", detail, err)
	}
	remove("ns/copy:v2")
	if d.seeds.get(mustHash(t, r.Infohash)) != nil {
		t.Error("a version without a tag is still seeded")
	}
	dry, err := d.catalog.GC(t.Context(), web.GCRequest{DryRun: true, GraceSeconds: &now}, "test")
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.catalog.GC(t.Context(), web.GCRequest{GraceSeconds: &now}, "test")
	if err != nil {
		t.Fatal(err)
	}
	if got.Blobs != 1 || got.Bytes != 1<<20 || got.Versions != 1 || dry.Bytes != got.Bytes || !dry.DryRun {
		t.Errorf("got %+v after a dry run of %+v, want one version and one blob", got, dry)
	}
	checkVersion(t, d, "ns/second", map[string][]byte{"shared.bin": files["shared.bin"]})
	_, err = d.catalog.Show(t.Context(), mustRef(t, r.Version))
	wantCode(t, err, client.CodeNotFound)

	log, err := d.catalog.Log(t.Context(), registry.Reference{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	var ops []string
	for _, e := range log.Entries {
		ops = append(ops, e.Op)
	}
	for _, op := range []string{"version.added", "tag.moved", "tag.removed", "gc.removed"} {
		if !slices.Contains(ops, op) {
			t.Errorf("the log has %v, want %s too", ops, op)
		}
	}
}

func TestTorrentIsWhatWasPublished(t *testing.T) {
	d, _ := startDaemon(t, Config{NoSwarm: true})
	r, err := d.catalog.Publish(t.Context(), web.PublishRequest{
		Path: writeTree(t, smallModel()), Name: "ns/model", Private: true,
		Trackers: []string{"http://tracker.example/announce"}, WebSeeds: []string{"http://seed.example/"},
	}, "test", func(web.PublishEvent) {})
	if err != nil {
		t.Fatal(err)
	}
	_, b, err := d.catalog.Torrent(t.Context(), mustRef(t, "ns/model"))
	if err != nil {
		t.Fatal(err)
	}
	torrent, err := magnets.ParseTorrent(b)
	if err != nil {
		t.Fatal(err)
	}
	if torrent.Info.InfoHash.String() != r.Infohash || !torrent.Info.Private || !torrent.Info.HasBlake3 {
		t.Errorf("got %+v", torrent.Info)
	}
	if len(torrent.Trackers) != 1 || len(torrent.WebSeeds) != 1 || !strings.Contains(r.Magnet, "tracker.example") {
		t.Errorf("got trackers %v and web seeds %v, magnet %s", torrent.Trackers, torrent.WebSeeds, r.Magnet)
	}
}

func TestSumsOfFetchedFiles(t *testing.T) {
	files := smallModel()
	a, _ := startDaemon(t, Config{Swarm: loopback})
	b, _ := startDaemon(t, Config{})
	r := publish(t, a, writeTree(t, files), "author/model")
	tr := addAndWait(t, b, web.AddRequest{Link: r.Magnet, Peers: []string{a.SwarmAddr()}})
	await(t, "sha-256 of every file", func() bool {
		detail, err := b.catalog.Show(t.Context(), mustRef(t, tr.Reference))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range detail.Files {
			if f.Sha256 == "" {
				return false
			}
			if f.Sha256 != sha256Hex(files[f.Path]) {
				t.Fatalf("%s: got %s, want %s", f.Path, f.Sha256, sha256Hex(files[f.Path]))
			}
		}
		return true
	})
}

func TestDoctor(t *testing.T) {
	d, _ := startDaemon(t, Config{Listen: loopback, Swarm: loopback})
	report, err := system{d}.Doctor(t.Context())
	if err != nil || !report.Ok {
		t.Errorf("got %+v (%v), want a sound folder", report, err)
	}
	names := map[string]bool{}
	for _, c := range report.Checks {
		if c.Detail == "" || names[c.Name] {
			t.Errorf("check %+v: no detail, or twice", c)
		}
		names[c.Name] = true
	}
	info := system{d}.Info(t.Context())
	if info.Listen != d.Addr() || info.Swarm != d.SwarmAddr() || info.Data != d.cfg.Data || info.DiskFree == 0 {
		t.Errorf("got %+v", info)
	}
}

func TestMetrics(t *testing.T) {
	d, _ := startDaemon(t, Config{Swarm: loopback})
	publish(t, d, writeTree(t, smallModel()), "ns/model")
	r := prometheus.NewRegistry()
	if err := d.registerMetrics(r); err != nil {
		t.Fatal(err)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		got[f.GetName()] += f.GetMetric()[0].GetGauge().GetValue()
	}
	if got["samara_seeding_torrents"] != 1 || got["samara_disk_free_bytes"] == 0 {
		t.Errorf("got %v", got)
	}
}

func TestHubDropsForTheSlow(t *testing.T) {
	h := newHub()
	slow := h.Subscribe(t.Context())
	for i := range subscriberBuffer + 10 {
		h.publish("n", i)
	}
	for i := range subscriberBuffer {
		if e := <-slow; e.Data != i {
			t.Fatalf("got %v, want %d", e.Data, i)
		}
	}
	select {
	case e := <-slow:
		t.Errorf("got %v, want nothing more", e)
	default:
	}
}
