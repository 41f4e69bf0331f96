package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"path/filepath"
	"syscall"
	"time"

	"samara/daemon"
	"samara/web/client"
)

// How a verb that finds no daemon starts the one inside itself.
type swarmUse bool

const (
	noSwarm   swarmUse = false // it only reads or changes the folder
	withSwarm swarmUse = true  // it fetches
)

// A session is a connection to a daemon: the one that holds the data folder,
// one inside this process, or one elsewhere.
type session struct {
	*client.Client
	embedded *daemonInside // nil unless the daemon runs inside this process
	passing  bool          // the daemon is another verb's and ends with it
	use      swarmUse      // what the verb needs of a daemon inside
}

// with runs f with a session and ends it.
func (a *app) with(use swarmUse, f func(*session) error) error {
	s, err := a.connect(use, a.startPatience)
	if err != nil {
		return err
	}
	s.use = use
	return firstError(f(s), s.close())
}

// withRunning runs f with a session of a daemon that runs already; where none
// does, it starts none and the error's code is unavailable.
func (a *app) withRunning(op string, f func(*session) error) error {
	if a.opts.Server != "" {
		return a.with(noSwarm, f)
	}
	data, err := localPath(a.opts.Data)
	if err != nil {
		return err
	}
	s, err := a.connectSocket(filepath.Join(data, daemon.SocketName))
	if err != nil {
		return err
	}
	if s == nil {
		return client.Errorf(op, client.CodeUnavailable, "%s: no daemon holds %s", op, data).
			WithHint("samara serve starts one")
	}
	return f(s)
}

// close ends the daemon inside this process, if there is one.
func (s *session) close() error {
	if s.embedded == nil {
		return nil
	}
	return s.embedded.stop()
}

// connect finds or starts the daemon that a verb talks to. It waits for a
// daemon that is starting or ending, but not longer than patience.
func (a *app) connect(use swarmUse, patience time.Duration) (*session, error) {
	if a.opts.Server != "" {
		c, err := client.Remote(a.opts.Server, a.opts.Token)
		if err != nil {
			return nil, usage(fmt.Sprintf("connect to %s: %v", a.opts.Server, err), "")
		}
		return &session{Client: c}, nil
	}
	data, err := localPath(a.opts.Data)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(patience); ; {
		s, err := a.connectSocket(filepath.Join(data, daemon.SocketName))
		if s != nil || err != nil {
			return s, err
		}
		inside, err := a.startInside(data, use)
		if err == nil {
			return a.connectInside(inside)
		}
		if codeOf(err) != client.CodeLocked || time.Now().After(deadline) {
			return nil, err
		}
		// Another process holds the folder and does not listen: it is just
		// starting or ending.
		select {
		case <-a.ctx.Done():
			return nil, a.ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// maxReconnects bounds how many daemons that end one request may outlive.
const maxReconnects = 5

// outlive calls f, and again with another daemon where the one that f talked
// to is gone: another verb's ends with that verb. F may be repeated.
func (a *app) outlive(s *session, f func() error) error {
	for range maxReconnects {
		err := f()
		gone := codeOf(err) == client.CodeUnavailable && s.passing && a.ctx.Err() == nil
		if !gone {
			return err
		}
		// What still asks that daemon may hold it up while it ends.
		next, err := a.connect(s.use, a.startPatience+daemon.DefaultDrain)
		if err != nil {
			return err
		}
		next.use = s.use
		*s = *next
	}
	return f()
}

// connectSocket connects to a running daemon; nil and no error where nobody
// listens, an error with code unavailable where somebody does and is silent.
func (a *app) connectSocket(path string) (*session, error) {
	c, err := unixClient(path)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(a.ctx, a.answerPatience)
	defer cancel()
	info, err := client.Decode[client.SystemInfo](c.GetInfo(ctx))
	switch {
	case err == nil:
		a.warnIgnored()
		return &session{Client: c, passing: info.Listen == ""}, nil
	case a.ctx.Err() != nil:
		return nil, a.ctx.Err()
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, client.Errorf("", client.CodeUnavailable,
			"connect to %s: a daemon holds the folder and did not answer within %s", path, a.answerPatience).
			WithHint("stop that daemon and start it again")
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return nil, nil
	}
	return nil, err
}

// unixClient speaks to the socket at path, which may be longer than a socket's
// address.
func unixClient(path string) (*client.Client, error) {
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return daemon.DialSocket(ctx, path)
		},
		DisableCompression: true,
	}
	return client.NewClient(client.SocketURL(), client.WithHTTPClient(&http.Client{Transport: transport}))
}

// warnIgnored tells that a running daemon keeps its own settings.
func (a *app) warnIgnored() {
	for _, key := range settingsFlags() {
		if a.set[key] && key != "threads" && key != "context" {
			a.warn("--%s has no effect: a daemon is running and keeps its own settings", key)
		}
	}
}

// A daemonInside is a daemon in this process, for as long as a verb lasts.
type daemonInside struct {
	*daemon.Daemon
	cancel context.CancelFunc
	ended  chan error
}

// startInside opens the folder and waits until its daemon answers.
func (a *app) startInside(data string, use swarmUse) (*daemonInside, error) {
	cfg := a.opts.config()
	cfg.Data, cfg.Listen = data, ""
	cfg.NoSwarm = use == noSwarm
	if cfg.Swarm == daemon.DefaultSwarm {
		cfg.Swarm = "" // only a daemon that stays needs to be found
	}
	d, err := daemon.New(a.ctx, cfg, a.log)
	if err != nil {
		return nil, err
	}
	// The daemon outlives an interrupt until the verb has said its last word.
	ctx, cancel := context.WithCancel(context.WithoutCancel(a.ctx))
	in := &daemonInside{Daemon: d, cancel: cancel, ended: make(chan error, 1)}
	go func() { in.ended <- d.Run(ctx) }()
	select {
	case <-d.Ready():
		return in, nil
	case err := <-in.ended:
		cancel()
		if err == nil {
			err = errors.New("start the daemon: it ended at once")
		}
		return nil, err
	}
}

// connectInside connects to the daemon in this process.
func (a *app) connectInside(in *daemonInside) (*session, error) {
	c, err := unixClient(in.SocketPath())
	if err != nil {
		return nil, errors.Join(err, in.stop())
	}
	return &session{Client: c, embedded: in}, nil
}

// stop ends the daemon and waits for everything that it started.
func (in *daemonInside) stop() error {
	in.cancel()
	if err := <-in.ended; err != nil {
		return fmt.Errorf("close the data folder: %w", err)
	}
	return nil
}

// do sends a request to a route that the generated client does not know.
func (s *session) do(ctx context.Context, req *http.Request) (*http.Response, error) {
	for _, edit := range s.RequestEditors {
		if err := edit(ctx, req); err != nil {
			return nil, err
		}
	}
	return s.Client.Client.Do(req)
}
