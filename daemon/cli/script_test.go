package cli_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"samara/daemon/cli"
)

// tinyModel is the embedded model's folder, seen from this package.
const tinyModel = "../../testdata/tiny/model"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"samara": func() { os.Exit(cli.Main(os.DirFS(os.Getenv("TINY")))) },
	})
}

// TestScripts runs every script twice: each verb with a daemon of its own
// inside, and all of them against one running daemon.
func TestScripts(t *testing.T) {
	t.Run("inside", func(t *testing.T) { runScripts(t, "testdata/script", false) })
	t.Run("running", func(t *testing.T) { runScripts(t, "testdata/script", true) })
}

// TestAlone runs the scripts that start their daemons themselves.
func TestAlone(t *testing.T) { runScripts(t, "testdata/alone", false) }

func runScripts(t *testing.T, dir string, running bool) {
	tiny, err := filepath.Abs(tinyModel)
	if err != nil {
		t.Fatal(err)
	}
	_, tinyErr := os.Stat(tiny)
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(env *testscript.Env) error {
			env.Setenv("TINY", tiny)
			env.Setenv("SAMARA_DATA", filepath.Join(env.WorkDir, "data"))
			env.Setenv("XDG_CONFIG_HOME", filepath.Join(env.WorkDir, "config"))
			if !running {
				return nil
			}
			p, err := startServe(env.Vars, env.WorkDir, env.Getenv("SAMARA_DATA"))
			if err != nil {
				return err
			}
			env.Defer(func() { p.stop(t) })
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "running":
				return running, nil
			case "tiny":
				return tinyErr == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":  cmdStatus,
			"serve":   func(ts *testscript.TestScript, _ bool, args []string) { cmdServe(t, ts, args) },
			"json":    cmdJSON,
			"flip":    cmdFlip,
			"torrent": cmdTorrent,
		},
	})
}

// cmdStatus runs a command and wants a certain exit status: status N cmd args…
func cmdStatus(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: status N command args...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v: %v", args[1:], err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("%v: got exit status %d, want %d\n%s%s", args[1:], got, want, ts.ReadFile("stdout"), ts.ReadFile("stderr"))
	}
}

// cmdServe starts a daemon that ends with the script: serve NAME flags…
// Its data folder is $WORK/NAME; $NAME_swarm, $NAME_url, $NAME_addr and
// $NAME_token say where it is and how to get in.
func cmdServe(t *testing.T, ts *testscript.TestScript, args []string) {
	if len(args) < 1 {
		ts.Fatalf("usage: serve NAME flags...")
	}
	name := args[0]
	vars := append(os.Environ(), "SAMARA_CONFIG=")
	p, err := startServe(vars, ts.MkAbs("."), ts.MkAbs(name), args[1:]...)
	ts.Check(err)
	ts.Defer(func() { p.stop(t) })
	ts.Setenv(name+"_swarm", p.Swarm)
	ts.Setenv(name+"_url", p.URL)
	ts.Setenv(name+"_addr", strings.TrimPrefix(p.URL, "http://"))
	token, err := os.ReadFile(filepath.Join(ts.MkAbs(name), "tokens", "admin"))
	ts.Check(err)
	ts.Setenv(name+"_token", strings.TrimSpace(string(token)))
}

// cmdJSON reads fields of the last output's last line: json VAR FIELD VAR FIELD…
func cmdJSON(ts *testscript.TestScript, _ bool, args []string) {
	lines := strings.Split(strings.TrimSpace(ts.ReadFile("stdout")), "\n")
	var v map[string]any
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &v); err != nil {
		ts.Fatalf("last line of stdout is no JSON object: %v: %q", err, lines[len(lines)-1])
	}
	for i := 0; i+1 < len(args); i += 2 {
		field, ok := v[args[i+1]]
		if !ok {
			ts.Fatalf("no field %q in %s", args[i+1], lines[len(lines)-1])
		}
		ts.Setenv(args[i], fmt.Sprint(field))
	}
}

// cmdFlip changes one byte in the middle of the blob with a digest, as a disk
// does that goes bad: flip DATA blake3:HEX
func cmdFlip(ts *testscript.TestScript, _ bool, args []string) {
	hex := strings.TrimPrefix(args[1], "blake3:")
	path := filepath.Join(ts.MkAbs(args[0]), "blobs", hex[:2], hex)
	ts.Check(os.Chmod(path, 0o600))
	text, err := os.ReadFile(path)
	ts.Check(err)
	text[len(text)/2] ^= 1
	ts.Check(os.WriteFile(path, text, 0o600))
}

// A served is a daemon process of a test.
type served struct {
	URL, Swarm string
	cmd        *exec.Cmd
	stdin      io.Closer
	stderr     *strings.Builder
}

// startServe starts "samara serve" on free ports and waits until it answers.
func startServe(vars []string, dir, data string, flags ...string) (*served, error) {
	args := append([]string{
		"serve", "--json", "--until-eof", "--data", data,
		"--listen", "127.0.0.1:0", "--swarm", "127.0.0.1:0",
	}, flags...)
	p := &served{cmd: exec.Command("samara", args...), stderr: &strings.Builder{}}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = dir, vars, p.stderr
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.stdin = stdin
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, p)
	}
	if err != nil {
		_ = stdin.Close()
		_ = p.cmd.Wait()
		return nil, fmt.Errorf("samara serve: %w: %s%s", err, line, p.stderr)
	}
	return p, nil
}

// stop ends the daemon and wants an orderly end.
func (p *served) stop(t *testing.T) {
	_ = p.stdin.Close()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("samara serve ended with %v: %s", err, p.stderr)
	}
}
