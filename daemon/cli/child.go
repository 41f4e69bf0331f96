package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"samara/daemon"
	"samara/web/client"
)

// A child is a daemon that runs as a process of its own, of this same program,
// for as long as its parent lives.
type child struct {
	listening
	session *session  // over its socket
	stdin   io.Closer // its end is the child's
	cmd     *exec.Cmd
	ended   chan error // carries one value
	log     string     // file with what it wrote to stderr
}

// childPatience bounds how long a child may take to start and to stop.
const childPatience = 20 * time.Second

// startChild starts a daemon with the data folder dir/name on free ports of
// loopback. It takes nothing from this process's settings and contacts nobody
// outside this machine.
func (a *app) startChild(dir, name string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start a daemon: %w", err)
	}
	c := &child{ended: make(chan error, 1), log: filepath.Join(dir, name+".log")}
	settings := filepath.Join(dir, "samara.toml")
	if err := os.WriteFile(settings, nil, 0o600); err != nil {
		return nil, fmt.Errorf("start a daemon: %w", err)
	}
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start a daemon: %w", err)
	}
	defer log.Close()
	// #nosec G204 -- this very program
	c.cmd = exec.Command(self, "serve", "--json", "--until-eof", "--airgap",
		"--config", settings, "--data", filepath.Join(dir, name),
		"--listen", "127.0.0.1:0", "--swarm", "127.0.0.1:0")
	c.cmd.Args[0] = os.Args[0]
	c.cmd.Env, c.cmd.Stderr = ownEnv(), log
	c.cmd.SysProcAttr = ownGroup()
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start a daemon: %w", err)
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start a daemon: %w", err)
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a daemon: %w", err)
	}
	if err := c.greet(stdout); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// greet reads the line in which the child says where it listens. From then on
// the child's end is in c.ended.
func (c *child) greet(stdout io.Reader) error {
	line := make(chan []byte, 1)
	go func() {
		r := bufio.NewReader(stdout)
		text, _ := r.ReadBytes('\n') // an early end gives what was there: no JSON
		line <- text
		_, _ = io.Copy(io.Discard, r)
		c.ended <- c.cmd.Wait()
	}()
	var text []byte
	select {
	case text = <-line:
	case <-time.After(childPatience):
		return fmt.Errorf("start a daemon: it did not answer within %s%s", childPatience, c.lastWords())
	}
	var failed struct{ Error *client.Error }
	if json.Unmarshal(text, &failed) == nil && failed.Error != nil {
		return failed.Error
	}
	if err := json.Unmarshal(text, &c.listening); err != nil || c.Socket == "" {
		return fmt.Errorf("start a daemon: it did not say where it listens%s", c.lastWords())
	}
	api, err := unixClient(c.Socket)
	c.session = &session{Client: api}
	return err
}

// lastWords is the end of the child's log, for an error.
func (c *child) lastWords() string {
	text, err := os.ReadFile(c.log)
	if err != nil || len(bytes.TrimSpace(text)) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return ": " + lines[len(lines)-1]
}

// stop ends the child in order, or by force where it does not; stopping twice,
// or one that was never started, does nothing.
func (c *child) stop() error {
	if c == nil || c.stdin == nil {
		return nil
	}
	// The closed pipe is the request to stop; it may be gone already.
	_ = c.stdin.Close()
	c.stdin = nil
	select {
	case err := <-c.ended:
		if err != nil {
			return fmt.Errorf("stop a daemon: %w%s", err, c.lastWords())
		}
		return nil
	case <-time.After(childPatience):
		return errors.Join(fmt.Errorf("stop a daemon: it went on for %s and was killed", childPatience),
			c.cmd.Process.Kill(), <-c.ended)
	}
}

// tokenFile holds the child's admin token.
func (c *child) tokenFile() string {
	return filepath.Join(c.Data, filepath.FromSlash(daemon.AdminTokenName))
}

// overHTTP connects to the child as any other program would: by TCP and token.
func (c *child) overHTTP() (*session, error) {
	token, err := os.ReadFile(c.tokenFile())
	if err != nil {
		return nil, fmt.Errorf("read admin token: %w", err)
	}
	api, err := client.Remote(c.URL, strings.TrimSpace(string(token)))
	return &session{Client: api}, err
}

// ownEnv is this process's environment without Samara's settings.
func ownEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "SAMARA_") {
			env = append(env, kv)
		}
	}
	return env
}
