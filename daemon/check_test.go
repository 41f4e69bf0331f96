package daemon

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"samara/registry"
	"samara/verify"
	"samara/web"
	"samara/web/client"
)

// isSound verifies a version and fails unless it is as sound as wanted.
func isSound(t *testing.T, d *Daemon, name string, want bool) {
	t.Helper()
	report, err := d.catalog.Verify(t.Context(), mustRef(t, name), func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	if report.Ok != want {
		t.Errorf("verify %s: got %+v, want ok %v", name, report, want)
	}
}

// hasState fails unless show, list and transfer's start agree on a state.
func hasState(t *testing.T, d *Daemon, name, want string) {
	t.Helper()
	detail, err := d.catalog.Show(t.Context(), mustRef(t, name))
	if err != nil {
		t.Fatal(err)
	}
	list, err := d.catalog.List(t.Context(), registry.ListOptions{Prefix: name})
	if err != nil {
		t.Fatal(err)
	}
	if detail.State != want || len(list.Versions) != 1 || list.Versions[0].State != want {
		t.Errorf("%s: got state %s and list %+v, want %s", name, detail.State, list.Versions, want)
	}
}

// TestBadFilesAreFetchedAgain damages and removes files of a version and adds
// its link again.
func TestBadFilesAreFetchedAgain(t *testing.T) {
	files := smallModel()
	a, _ := startDaemon(t, Config{Swarm: loopback})
	b, _ := startDaemon(t, Config{})
	r := publish(t, a, writeTree(t, files), "author/model")
	request := web.AddRequest{Link: r.Magnet, Peers: []string{a.SwarmAddr()}, Name: "mine/model"}
	first := addAndWait(t, b, request)
	if again := addAndWait(t, b, request); again.Id != first.Id || again.BytesHere != 0 {
		t.Errorf("a sound version was fetched again: %+v", again)
	}
	blob := b.store.Blobs().Path(verify.Sum(files["a.bin"]))
	offered := func() bool {
		b.seeds.mu.Lock()
		defer b.seeds.mu.Unlock()
		for _, path := range b.seeds.torrents[mustHash(t, r.Infohash)].paths {
			if path == blob {
				return true
			}
		}
		return false
	}
	for name, spoil := range map[string]func(){
		"damaged": func() { damage(t, blob, 100_000, []byte("damaged")) },
		"gone": func() {
			if err := os.Remove(blob); err != nil {
				t.Fatal(err)
			}
		},
		"cut": func() {
			if err := os.Truncate(blob, 1000); err != nil {
				t.Fatal(err)
			}
		},
	} {
		spoil()
		isSound(t, b, "mine/model", false)
		hasState(t, b, "mine/model", versionPartial)
		if offered() {
			t.Errorf("%s: the file is still offered to peers", name)
		}
		tr := addAndWait(t, b, request)
		if here := r.Bytes - int64(len(files["a.bin"])); tr.State != registry.StateReady || tr.BytesHere != here {
			t.Fatalf("%s: got %+v, want ready with %d bytes that were here", name, tr, here)
		}
		if task := b.fetch.task(tr.Id); task != nil {
			<-task.done
		}
		isSound(t, b, "mine/model", true)
		hasState(t, b, "mine/model", versionReady)
		if !offered() {
			t.Errorf("%s: the file that came back is not offered", name)
		}
	}
	checkVersion(t, b, "mine/model", files)
}

// TestPublishMendsDamage publishes a folder again one of whose blobs is bad;
// another version offers the same file.
func TestPublishMendsDamage(t *testing.T) {
	d, _ := startDaemon(t, Config{Swarm: loopback})
	files := smallModel()
	dir := writeTree(t, files)
	publish(t, d, dir, "ns/model")
	other := publish(t, d, writeTree(t, map[string][]byte{"a.bin": files["a.bin"]}), "ns/other")
	blob := d.store.Blobs().Path(verify.Sum(files["a.bin"]))
	damage(t, blob, 7, []byte("damaged"))
	isSound(t, d, "ns/model", false)
	hasState(t, d, "ns/other", versionPartial)
	if paths := d.seeds.torrents[mustHash(t, other.Infohash)].paths; paths[0] != "" {
		t.Errorf("another version still offers the file: %v", paths)
	}
	publish(t, d, dir, "ns/model")
	isSound(t, d, "ns/model", true)
	hasState(t, d, "ns/other", versionReady)
	if paths := d.seeds.torrents[mustHash(t, other.Infohash)].paths; paths[0] != blob {
		t.Errorf("another version does not offer the mended file: %v", paths)
	}
}

// TestLostFilesAreSaid removes a model's weights behind the daemon's back.
func TestLostFilesAreSaid(t *testing.T) {
	cfg := Config{NoSwarm: true, Data: filepath.Join(t.TempDir(), "data")}
	d, stop := startDaemon(t, cfg)
	publish(t, d, tinyModel(t), "ns/tiny")
	src, err := d.catalog.Source(t.Context(), mustRef(t, "ns/tiny"))
	if err != nil {
		t.Fatal(err)
	}
	doctorSays := func(status, text string) {
		t.Helper()
		report, err := system{d}.Doctor(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range report.Checks {
			if c.Name == "blobs" && c.Status == status && strings.Contains(c.Detail, text) {
				return
			}
		}
		t.Errorf("doctor says %+v, want a check blobs with status %s and %q", report.Checks, status, text)
	}
	doctorSays(checkOK, "")
	for _, f := range src.Files {
		if f.Path == "model.safetensors" {
			if err := os.Remove(f.Disk); err != nil {
				t.Fatal(err)
			}
		}
	}
	isLost := func() {
		t.Helper()
		hasState(t, d, "ns/tiny", versionPartial)
		doctorSays(checkFail, "ns/tiny:main: model.safetensors")
		_, err := d.engine.Generate(t.Context(), "ns/tiny", hello(), discard)
		wantCode(t, err, client.CodeVerification)
		if !strings.HasPrefix(err.Error(), "load ns/tiny:main: file model.safetensors: ") {
			t.Errorf("the engine says %q", err)
		}
		_, err = d.catalog.Source(t.Context(), mustRef(t, "ns/tiny"))
		wantCode(t, err, client.CodeVerification)
		models, err := d.engine.Models(t.Context())
		if err != nil || len(models) != 0 {
			t.Errorf("got models %v (%v), want none", models, err)
		}
	}
	isLost()
	stop()
	if err := registry.Rebuild(t.Context(), cfg.Data, registry.Options{}); err != nil {
		t.Fatal(err)
	}
	d, _ = startDaemon(t, cfg)
	isLost()
}

// TestLostRecordsAreSaid removes a manifest and a torrent: other versions go on.
func TestLostRecordsAreSaid(t *testing.T) {
	cfg := Config{Swarm: loopback, Data: filepath.Join(t.TempDir(), "data")}
	d, stop := startDaemon(t, cfg)
	lost := publish(t, d, writeTree(t, map[string][]byte{"a": []byte("one")}), "ns/lost")
	bare := publish(t, d, writeTree(t, map[string][]byte{"a": []byte("two")}), "ns/bare")
	publish(t, d, writeTree(t, map[string][]byte{"a": []byte("three")}), "ns/sound")
	stop()
	for _, path := range []string{
		filepath.Join(cfg.Data, "manifests", strings.TrimPrefix(lost.Version, "blake3:")),
		filepath.Join(cfg.Data, "torrents", bare.Infohash),
	} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	d, _ = startDaemon(t, cfg)
	list, err := d.catalog.List(t.Context(), registry.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, v := range list.Versions {
		got[v.Reference] = v.State
	}
	want := map[string]string{"ns/lost:main": versionDamaged, "ns/bare:main": versionReady, "ns/sound:main": versionReady}
	if !maps.Equal(got, want) {
		t.Errorf("got states %v, want %v", got, want)
	}
	if _, err := d.engine.Models(t.Context()); err != nil {
		t.Error(err)
	}
	_, err = d.catalog.Show(t.Context(), mustRef(t, "ns/lost"))
	wantCode(t, err, client.CodeVerification)
	detail, err := d.catalog.Show(t.Context(), mustRef(t, "ns/bare"))
	if err != nil || detail.Magnet != "" || len(detail.Files) != 1 {
		t.Errorf("without its torrent: got %+v, %v", detail, err)
	}
	check := d.checkBlobs(t.Context())
	for _, text := range []string{"ns/lost:main: its manifest", "ns/bare:main: torrent " + bare.Infohash} {
		if check.Status != checkFail || !strings.Contains(check.Detail, text) {
			t.Errorf("doctor says %+v, want %q", check, text)
		}
	}
	if err := d.catalog.Remove(t.Context(), mustRef(t, "ns/lost"), "test"); err != nil {
		t.Error(err)
	}
}
