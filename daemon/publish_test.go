package daemon

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"samara/magnets"
	"samara/registry"
	"samara/verify"
	"samara/web"
	"samara/web/client"
)

// goldenFiles are what the golden vector of publishing is made of.
func goldenFiles() map[string][]byte {
	return map[string][]byte{
		"config.json":       []byte(`{"model_type": "none"}` + "\n"),
		"weights/a.bin":     pattern(1, 3<<20),
		"weights/b.bin":     pattern(2, 17<<10),
		"weights/empty.bin": {},
		"weights.txt":       []byte("two files and an empty one\n"),
		".hidden":           []byte("left out"),
		".git/config":       []byte("left out"),
	}
}

func TestPublishIsDeterministic(t *testing.T) {
	var results [2]web.PublishResult
	for i := range results {
		d, _ := startDaemon(t, Config{NoSwarm: true})
		results[i] = publish(t, d, writeTree(t, goldenFiles()), "golden/small")
	}
	a, b := results[0], results[1]
	if a.Infohash != b.Infohash || a.Version != b.Version || a.Magnet != b.Magnet {
		t.Fatalf("two data folders disagree:\n%+v\n%+v", a, b)
	}
	const (
		infohash = "1b5cc63f113aaeee06320d18fa1d0f634b8be674"
		version  = "blake3:aeab05157147afccc0b0ef24ea9ff6f4b273f9a119018ef637ad8a9f894adca1"
	)
	if a.Infohash != infohash || a.Version != version {
		t.Errorf("got infohash %s and version %s, want %s and %s", a.Infohash, a.Version, infohash, version)
	}
	link, err := magnets.Parse(a.Magnet)
	if err != nil {
		t.Fatal(err)
	}
	if !link.HasManifest || verify.Digest(link.Manifest).String() != a.Version {
		t.Errorf("magnet %s does not name manifest %s", a.Magnet, a.Version)
	}
	if len(link.Peers) != 0 || link.Name != "small" || a.Reference != "golden/small:main" || a.Files != 5 {
		t.Errorf("got %+v, magnet %+v", a, link)
	}
}

func TestPublishStoresAndLeavesTheSource(t *testing.T) {
	d, _ := startDaemon(t, Config{NoSwarm: true})
	files := goldenFiles()
	dir := writeTree(t, files)
	r := publish(t, d, dir, "ns/model:v1")
	ref, err := registry.ParseReference("ns/model:v1")
	if err != nil {
		t.Fatal(err)
	}
	detail, err := d.catalog.Show(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if detail.Version != r.Version || detail.Magnet != r.Magnet || detail.State != versionReady {
		t.Errorf("show: got %+v, want what publish said: %+v", detail, r)
	}
	src, err := d.catalog.Source(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range src.Files {
		got, err := os.ReadFile(f.Disk)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, files[f.Path]) {
			t.Errorf("blob of %s differs from the source", f.Path)
		}
		if sha := detail.Files[i].Sha256; sha != sha256Hex(files[f.Path]) {
			t.Errorf("sha256 of %s: got %s, want %s", f.Path, sha, sha256Hex(files[f.Path]))
		}
		if source, err := os.ReadFile(filepath.Join(dir, f.Path)); err != nil || !bytes.Equal(source, files[f.Path]) {
			t.Errorf("source %s was changed (%v)", f.Path, err)
		}
	}
	report, err := d.catalog.Verify(t.Context(), ref, func(int64, int64) {})
	if err != nil || !report.Ok {
		t.Errorf("verify: %+v, %v", report, err)
	}
}

func TestPublishFailsWhole(t *testing.T) {
	d, _ := startDaemon(t, Config{NoSwarm: true})
	dir := writeTree(t, map[string][]byte{"a.bin": pattern(1, 8<<20), "b.bin": pattern(2, 8<<20)})
	for _, stage := range []string{stageScan, stageHash, stageStore} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := d.catalog.Publish(ctx, web.PublishRequest{Path: dir, Name: "ns/model"}, "test", func(e web.PublishEvent) {
			if e.Stage == stage {
				cancel()
			}
		})
		wantCode(t, err, client.CodeCanceled)
		list, err := d.catalog.List(t.Context(), registry.ListOptions{})
		if err != nil || len(list.Versions) != 0 {
			t.Errorf("%s: got versions %v (%v), want none", stage, list.Versions, err)
		}
		left, err := os.ReadDir(d.store.Blobs().Incoming())
		if err != nil || len(left) != 0 {
			t.Errorf("%s: incoming holds %v (%v), want nothing", stage, left, err)
		}
	}
}

func TestPublishNoticesChanges(t *testing.T) {
	d, _ := startDaemon(t, Config{NoSwarm: true})
	for name, change := range map[string]func(path string) error{
		"longer":  func(path string) error { return os.WriteFile(path, pattern(1, 2<<20), 0o600) },
		"shorter": func(path string) error { return os.Truncate(path, 10) },
		"another": func(path string) error {
			return errors.Join(os.Remove(path), os.WriteFile(path, pattern(2, 1<<20), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := writeTree(t, map[string][]byte{"a.bin": pattern(1, 1<<20)})
			_, err := d.catalog.Publish(t.Context(), web.PublishRequest{Path: dir, Name: "ns/" + name}, "test", func(e web.PublishEvent) {
				if e.Stage == stageHash && e.BytesDone == 0 { // listed, not opened yet
					if err := change(filepath.Join(dir, "a.bin")); err != nil {
						t.Error(err)
					}
				}
			})
			wantCode(t, err, client.CodeConflict)
		})
	}
}

// TestPassNoticesTheEnd has the file end early while it is read.
func TestPassNoticesTheEnd(t *testing.T) {
	p := newPass(1<<20, func(int64) {})
	_, err := p.file(t.Context(), bytes.NewReader(pattern(1, 3<<20)), nil, 4<<20)
	wantCode(t, err, client.CodeConflict)
	if len(p.free) != cap(p.free) {
		t.Errorf("got %d free chunks, want all %d", len(p.free), cap(p.free))
	}
	full := errors.New("full")
	_, err = p.file(t.Context(), bytes.NewReader(pattern(1, 64<<20)), failingWriter{full}, 64<<20)
	if !errors.Is(err, full) || len(p.free) != cap(p.free) {
		t.Errorf("got %v and %d free chunks, want the writer's error and all %d", err, len(p.free), cap(p.free))
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestPublishRefuses(t *testing.T) {
	d, _ := startDaemon(t, Config{NoSwarm: true})
	publish(t, d, writeTree(t, map[string][]byte{"a": []byte("one")}), "taken/name")
	outside := writeTree(t, map[string][]byte{"secret": []byte("secret")})
	link := func(to string) string {
		dir := writeTree(t, map[string][]byte{"a": []byte("two")})
		if err := os.Symlink(to, filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for name, c := range map[string]struct {
		path, name, code string
	}{
		"another version's name":  {writeTree(t, map[string][]byte{"a": []byte("two")}), "taken/name", client.CodeConflict},
		"a digest for a name":     {outside, "ns/n@blake3:123456", client.CodeInvalidRequest},
		"no name":                 {outside, "..", client.CodeInvalidRequest},
		"a relative path":         {"models", "ns/n", client.CodeInvalidRequest},
		"nothing there":           {filepath.Join(outside, "none"), "ns/n", client.CodeNotFound},
		"an empty folder":         {t.TempDir(), "ns/n", client.CodeInvalidRequest},
		"a link out of it":        {link(filepath.Join(outside, "secret")), "ns/n", client.CodeInvalidRequest},
		"a link to nothing":       {link("/none/there"), "ns/n", client.CodeInvalidRequest},
		"a link to a folder":      {link("."), "ns/n", client.CodeInvalidRequest},
		"names equal but in case": {writeTree(t, map[string][]byte{"a": nil, "A": nil}), "ns/n", client.CodeInvalidRequest},
		"a device's name":         {writeTree(t, map[string][]byte{"con.bin": nil}), "ns/n", client.CodeInvalidRequest},
		"a device":                {"/dev/null", "ns/n", client.CodeInvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := d.catalog.Publish(t.Context(), web.PublishRequest{Path: c.path, Name: c.name}, "test", func(web.PublishEvent) {})
			wantCode(t, err, c.code)
		})
	}
}

func TestPublishFollowsLinks(t *testing.T) {
	cache := writeTree(t, map[string][]byte{
		"models--a--b/blobs/1234":              []byte("weights"),
		"models--a--b/snapshots/5678/real.txt": []byte("real"),
	})
	snapshot := filepath.Join(cache, "models--a--b/snapshots/5678")
	if err := os.Symlink("../../blobs/1234", filepath.Join(snapshot, "model.bin")); err != nil {
		t.Fatal(err)
	}
	files, err := walkSource(snapshot, false)
	if err != nil || len(files) != 2 {
		t.Errorf("hub snapshot: got %v, %v", files, err)
	}
	outside := writeTree(t, map[string][]byte{"in/file": []byte("x")})
	dir := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	files, err = walkSource(dir, true)
	if err != nil || len(files) != 1 || files[0].Path != "out/in/file" {
		t.Errorf("followed: got %v, %v", files, err)
	}
	if err := os.Symlink(dir, filepath.Join(dir, "loop")); err != nil {
		t.Fatal(err)
	}
	_, err = walkSource(dir, true)
	wantCode(t, err, client.CodeInvalidRequest)
}

// BenchmarkPass is what publishing computes, from memory and without a copy.
func BenchmarkPass(b *testing.B) {
	data := pattern(1, 64<<20)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		p := newPass(1<<20, func(int64) {})
		if _, err := p.file(b.Context(), bytes.NewReader(data), nil, int64(len(data))); err != nil {
			b.Fatal(err)
		}
	}
}
