package cli_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// libtorrentPeer is the peer that Samara's authors did not write.
const libtorrentPeer = "../../magnets/swarm/testdata/libtorrent_peer.py"

// The answers that transformers gives for the same file, greedily and through
// its own template; see testdata/smollm2.
const (
	japanQuestion = "What is the capital of Japan?"
	japanAnswer   = "The capital of Japan is Tokyo."
)

// TestRealModel does the main job on weights that somebody else made:
// libtorrent makes the torrent of SmolLM2 and seeds it, "samara add" fetches it
// by magnet, b3sum agrees with the digest, and the model answers on the command
// line and to the openai client, streamed and not.
func TestRealModel(t *testing.T) {
	gguf := os.Getenv("SAMARA_SMOLLM2")
	if gguf == "" {
		t.Skip("SAMARA_SMOLLM2 does not name the SmolLM2 file: docs/development.md says how to get it")
	}
	for _, need := range [][]string{{"/usr/bin/python3", "-c", "import libtorrent"}, {"b3sum", "--version"}} {
		if err := exec.Command(need[0], need[1:]...).Run(); err != nil {
			t.Skipf("%v: %v: install python3-libtorrent and b3sum", need, err)
		}
	}
	work := t.TempDir()
	folder := filepath.Join(work, "smollm2")
	if err := os.Mkdir(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(gguf, filepath.Join(folder, "model.gguf")); err != nil {
		t.Fatal(err)
	}
	magnet, peer := seedByLibtorrent(t, folder)

	d := serveFor(t, work, "data")
	var last struct{ State, Reference, Version string }
	lastLine(t, samara(t, d.env, "add", magnet, "--peer", peer, "--name", "hf/smollm2", "--wait", "--json"), &last)
	if last.State != "ready" || last.Reference != "hf/smollm2:main" {
		t.Fatalf("add ended with %+v", last)
	}
	var shown struct {
		Files []struct{ Path, Digest string }
	}
	lastLine(t, samara(t, d.env, "show", "hf/smollm2", "--json"), &shown)
	sum, err := exec.Command("b3sum", "--no-names", gguf).Output()
	if err != nil {
		t.Fatal(err)
	}
	if len(shown.Files) != 1 || shown.Files[0].Digest != "blake3:"+strings.TrimSpace(string(sum)) {
		t.Errorf("show says %+v, b3sum says %s", shown.Files, sum)
	}
	if got := samara(t, d.env, "run", "hf/smollm2", japanQuestion, "--temperature", "0"); strings.TrimSpace(got) != japanAnswer {
		t.Errorf("run answered %q, want %q", got, japanAnswer)
	}
	t.Run("openai", func(t *testing.T) { askByOpenAI(t, d.URL, d.data) })
}

// seedByLibtorrent makes a torrent of folder and seeds it until the test ends;
// it returns the magnet and the seeder's address.
func seedByLibtorrent(t *testing.T, folder string) (magnet, peer string) {
	t.Helper()
	script, err := filepath.Abs(libtorrentPeer)
	if err != nil {
		t.Fatal(err)
	}
	torrent := folder + ".torrent"
	out, err := exec.Command("/usr/bin/python3", script, "make", "v1", folder, torrent).Output()
	if err != nil {
		t.Fatalf("libtorrent makes the torrent: %v", err)
	}
	seeder := exec.Command("/usr/bin/python3", script, "seed", torrent, filepath.Dir(folder))
	stdin, err := seeder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := seeder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := seeder.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close(); _ = seeder.Wait() })
	line, err := bufio.NewReader(stdout).ReadString('\n')
	port, ok := strings.CutPrefix(strings.TrimSpace(line), "port ")
	if err != nil || !ok {
		t.Fatalf("libtorrent seeds: got %q, %v", line, err)
	}
	return strings.TrimSpace(string(out)), "127.0.0.1:" + port
}

// samara runs a verb and returns its stdout.
func samara(t *testing.T, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command("samara", args...)
	cmd.Env = env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("samara %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// lastLine decodes the last line of a verb's JSON.
func lastLine(t *testing.T, out string, v any) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), v); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func askByOpenAI(t *testing.T, url, data string) {
	python := os.Getenv("SAMARA_TEST_PYTHON")
	if python == "" {
		t.Skip("SAMARA_TEST_PYTHON does not name a python with the openai package: docs/development.md says how to make one")
	}
	token, err := os.ReadFile(filepath.Join(data, "tokens", "admin"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "testdata/ask.py", url+"/v1", "hf/smollm2", japanQuestion)
	cmd.Env = append(os.Environ(), "OPENAI_API_KEY="+strings.TrimSpace(string(token)))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("openai client: %v\n%s", err, out)
	}
	var got struct {
		Whole, Streamed, Finish string
		Models                  []string
		Tokens                  int
		Unknown                 string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got.Whole != japanAnswer || got.Streamed != japanAnswer || got.Finish != "stop" {
		t.Errorf("openai client got %+v, want %q twice", got, japanAnswer)
	}
	if len(got.Models) != 1 || got.Models[0] != "hf/smollm2:main" {
		t.Errorf("models: got %v", got.Models)
	}
	if got.Tokens < 5 || got.Unknown != "model_not_found" {
		t.Errorf("usage %d tokens, unknown model says %q", got.Tokens, got.Unknown)
	}
}
