package magnets

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pythonWithLibtorrent returns a python that imports libtorrent, or skips.
func pythonWithLibtorrent(t *testing.T) string {
	t.Helper()
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if exec.Command(python, "-c", "import libtorrent").Run() == nil {
			return python
		}
	}
	t.Skip("no python3 with libtorrent (apt install python3-libtorrent)")
	return ""
}

// Other clients must compute our infohash from the .torrent and from the
// magnet link, with the blake3 key in the info dictionary.
func TestOutsideClientsAgree(t *testing.T) {
	raw, err := Build(goldenBuild())
	if err != nil {
		t.Fatal(err)
	}
	info, err := ParseInfo(raw)
	if err != nil {
		t.Fatal(err)
	}
	tor := &Torrent{Info: info, Trackers: [][]string{{"http://tracker.example/announce"}}}
	path := filepath.Join(t.TempDir(), "golden.torrent")
	if err := os.WriteFile(path, tor.Marshal(), 0o600); err != nil {
		t.Fatal(err)
	}
	link := Link{InfoHash: info.InfoHash, HasV1: true, Name: "golden model", Trackers: []string{"http://tracker.example/announce"}, Peers: []string{"192.0.2.1:7378"}, HasManifest: true, Manifest: [32]byte{1}}

	t.Run("libtorrent", func(t *testing.T) {
		script := `import libtorrent as lt, sys
i = lt.torrent_info(sys.argv[1])
m = lt.parse_magnet_uri(sys.argv[2])
print(i.info_hash(), m.info_hash, m.name, m.trackers, m.peers)
print([i.files().file_path(n) for n in range(i.num_files())])`
		out, err := exec.Command(pythonWithLibtorrent(t), "-c", script, path, link.String()).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		want := info.InfoHash.String() + " " + info.InfoHash.String() + " golden model ['http://tracker.example/announce'] [('192.0.2.1', 7378)]\n" +
			"['golden/Readme', 'golden/config.json', 'golden/model-extra.bin', 'golden/model.safetensors', 'golden/sub/tokenizer.json']\n"
		if string(out) != want {
			t.Errorf("got  %s\nwant %s", out, want)
		}
	})
	t.Run("aria2c", func(t *testing.T) {
		if _, err := exec.LookPath("aria2c"); err != nil {
			t.Skip("no aria2c (apt install aria2)")
		}
		out, err := exec.Command("aria2c", "--show-files", path).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		m := regexp.MustCompile(`Info Hash: ([0-9a-f]{40})`).FindSubmatch(out)
		if m == nil || string(m[1]) != info.InfoHash.String() || !strings.Contains(string(out), "golden/sub/tokenizer.json") {
			t.Errorf("want %s in:\n%s", info.InfoHash, out)
		}
	})
}
