package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"

	"samara/daemon"
	"samara/web/client"
)

// serveCmd runs the daemon.
type serveCmd struct {
	UntilEOF bool `hidden:"" name:"until-eof" help:"Stop when stdin ends: for a parent process."`
}

// Help is the verb's page.
func (*serveCmd) Help() string {
	return helpText(`
Runs the daemon until it is interrupted: it fetches, seeds, answers HTTP and loads models. The first start makes the data folder with an admin token in tokens/admin. It listens on loopback until told otherwise, and prints a link that logs one browser in.

SIGINT and SIGTERM let open requests end and then close everything. Settings come from flags, then SAMARA_… in the environment, then samara.toml.`,
		`
samara serve
samara serve --data /var/lib/samara --swarm :7378 --dht
samara serve --listen 127.0.0.1:0 --json`)
}

// listening is what serve reports when it answers.
type listening struct {
	URL    string `json:"url"`
	Swarm  string `json:"swarm"`
	Socket string `json:"socket"`
	Data   string `json:"data"`
	Login  string `json:"login,omitempty"`
}

// Run serves until the context ends.
func (c *serveCmd) Run(a *app) error {
	if a.opts.Server != "" {
		return usage("serve: got --server, which names a daemon elsewhere", "drop --server")
	}
	level := slog.LevelInfo
	if a.opts.Verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level}))
	cfg := a.opts.config()
	data, err := localPath(cfg.Data)
	if err != nil {
		return err
	}
	cfg.Data = data
	d, err := daemon.New(a.ctx, cfg, log)
	if err != nil {
		return a.heldBy(data, err)
	}
	ctx, cancel := context.WithCancel(a.ctx)
	defer cancel()
	if c.UntilEOF {
		// Ends with the parent, or with this process.
		go func() {
			_, _ = io.Copy(io.Discard, a.in)
			cancel()
		}()
	}
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-d.Ready():
	}
	if err := a.announce(d, data); err != nil && ctx.Err() == nil {
		log.Warn("no login link", "error", err)
	}
	return <-ended
}

// heldBy adds to the error of a held folder what ends the wait, where another
// verb holds it.
func (a *app) heldBy(data string, err error) error {
	if codeOf(err) != client.CodeLocked {
		return err
	}
	s, serr := a.connectSocket(filepath.Join(data, daemon.SocketName))
	if serr != nil || s == nil || !s.passing {
		return err
	}
	return client.FromError("", err).WithHint("another verb of samara is at work there and ends by itself; start serve after it")
}

// announce says where the daemon answers.
func (a *app) announce(d *daemon.Daemon, data string) error {
	c, err := unixClient(d.SocketPath())
	if err != nil {
		return err
	}
	info, err := client.Decode[client.SystemInfo](c.GetInfo(a.ctx))
	if err != nil {
		return err
	}
	l := listening{URL: info.Url, Swarm: d.SwarmAddr(), Socket: d.SocketPath(), Data: data}
	link, linkErr := client.Decode[client.LoginLink](c.CreateLoginLink(a.ctx))
	l.Login = link.Url
	if a.opts.JSON {
		return errors.Join(a.json(l), linkErr)
	}
	a.say("samara answers at %s, peers reach it at %s, data in %s", orDash(l.URL), orDash(l.Swarm), l.Data)
	if l.Login != "" {
		a.say("open the page once with %s", l.Login)
	}
	return linkErr
}
