package cli

import (
	"fmt"
	"strings"
	"time"

	"samara/web/client"
)

// addCmd fetches what a link names.
type addCmd struct {
	Link    string   `arg:"" help:"Magnet link, .torrent file or infohash."`
	Name    string   `help:"What the version will be called: ns/name[:tag]." placeholder:"NAME"`
	Peer    []string `help:"Peer to ask first; may be on a private network." placeholder:"HOST:PORT" sep:"none"`
	Tracker []string `help:"Further tracker." placeholder:"URL" sep:"none"`
	Webseed []string `help:"Further web seed." placeholder:"URL" sep:"none"`
	Only    []string `help:"Fetch only files that match." placeholder:"GLOB" sep:"none"`
	Expect  string   `help:"Digest that the version must have." placeholder:"blake3:…"`
	From    string   `help:"Folder whose files are taken where they fit." placeholder:"DIR"`
	Move    bool     `help:"Take the name from another version."`
	Paused  bool     `help:"Resolve the link and wait."`
	Wait    bool     `help:"Wait until it is there; implied where no daemon runs."`
}

// Help is the verb's page.
func (*addCmd) Help() string {
	return helpText(`
Fetches what a magnet link, a .torrent file or an infohash names, verifies it and stores it as a version. A link of Samara's carries the digests of its files and is checked against them; any other is recorded as first seen. Without --name the version is called incoming/ and the first 8 digits of the infohash.

With a running daemon the transfer goes on by itself unless --wait is given; without one this command fetches until it is there. With --json, lines of {"id", "state", "bytes_done", "bytes_total", "peers", "reference", "version", "error"}.`,
		`
samara add "magnet:?xt=urn:btih:…" --name mistral/mixtral
samara add model.torrent --peer 192.168.1.7:7378 --wait
samara add 5546272da9065eddeb6fcd7ffddeef5b75be79a7 --dht --only "*.json"`, 3, 4)
}

// Run adds and, where asked or needed, waits.
func (c *addCmd) Run(a *app) error {
	req, err := c.request(a)
	if err != nil {
		return err
	}
	return a.with(withSwarm, func(s *session) error {
		t, err := a.add(s, c.Link, req)
		if err != nil {
			return err
		}
		if c.Wait || s.embedded != nil || s.passing {
			_, err := a.wait(s, t, c.Paused)
			return err
		}
		if a.opts.JSON {
			return a.json(t)
		}
		a.say("%s %s", t.Id, t.State)
		a.hint("samara transfers --watch shows how it comes")
		return nil
	})
}

// request turns the options into what the daemon takes.
func (c *addCmd) request(a *app) (client.AddRequest, error) {
	req := client.AddRequest{
		Name: c.Name, Peers: c.Peer, Trackers: c.Tracker, WebSeeds: c.Webseed,
		Only: c.Only, Expect: c.Expect, Move: c.Move, Paused: c.Paused,
	}
	var err error
	if req.Link, req.Torrent, err = readLink(c.Link); err != nil {
		return req, err
	}
	if c.From != "" {
		if a.opts.Server != "" {
			return req, usage("add: --from names a folder of this machine, and --server is another", "drop --from")
		}
		req.From, err = localPath(c.From)
	}
	return req, err
}

// readLink tells a link from a .torrent file, and reads the file.
func readLink(link string) (text string, torrent []byte, err error) {
	lower := strings.ToLower(link)
	switch {
	case strings.HasPrefix(lower, "magnet:"), isInfoHash(link):
		return link, nil, nil
	case strings.Contains(lower, "://"):
		return "", nil, client.NewError("", client.CodeUnsupported,
			fmt.Sprintf("read link %s: got an address, want a magnet link, a .torrent file or an infohash", link)).
			WithHint("fetch the .torrent file and give its name")
	case isLink(link):
		path, err := localPath(link)
		if err != nil {
			return "", nil, err
		}
		torrent, err := readBounded(path, maxTorrent)
		return "", torrent, err
	}
	return "", nil, usage(fmt.Sprintf("read link %q: got neither a magnet link nor a .torrent file nor an infohash", link),
		"a magnet link starts with magnet:? and needs quotes in a shell")
}

// ofTorrent names the file in an error about a torrent: the daemon knows only
// its bytes.
func ofTorrent(file string, err error) error {
	const op = "read torrent: "
	e := client.FromError("", err)
	rest, ok := strings.CutPrefix(e.Message, op)
	if !ok {
		return err
	}
	e.Message = fmt.Sprintf("read torrent %s: %s", file, rest)
	return e
}

// add starts a transfer and tells its warnings; file is what the user called
// the link or torrent.
func (a *app) add(s *session, file string, req client.AddRequest) (client.Transfer, error) {
	var t client.Transfer
	err := a.outlive(s, func() (err error) {
		t, err = client.Decode[client.Transfer](s.AddTransfer(a.ctx, req))
		return err
	})
	if err != nil {
		return t, ofTorrent(file, err)
	}
	for _, w := range t.Warnings {
		a.warn("%s", w)
	}
	return t, nil
}

// wait follows a transfer to its end, or with untilPaused until it is paused,
// and tells how it goes. With --json it writes a line whenever something
// changed.
func (a *app) wait(s *session, t client.Transfer, untilPaused bool) (client.Transfer, error) {
	bar := a.progress()
	defer bar.clear()
	var last client.Transfer
	var writeErr error
	wasThere := t.State == "ready"
	t, err := a.follow(s, t, untilPaused, func(t client.Transfer) {
		if a.opts.JSON {
			if changed(last, t) {
				writeErr = firstError(writeErr, a.json(t))
			}
		} else if bar.set(stage(t), t.BytesDone, t.BytesTotal); t.Reason != "" && t.Reason != last.Reason {
			bar.clear()
			a.note("%s: %s", t.State, t.Reason)
		}
		last = t
	})
	bar.clear()
	switch {
	case err != nil && a.ctx.Err() != nil:
		a.leave(s, t)
		return t, a.ctx.Err()
	case err != nil || writeErr != nil:
		return t, firstError(err, writeErr)
	case t.State == "failed":
		return t, a.failed(t)
	}
	if t.State == "ready" {
		a.arrived(s, t, wasThere)
	}
	return t, nil
}

// follow asks for a transfer until it is ready or failed, or with untilPaused
// until it is paused, and shows each state.
func (a *app) follow(s *session, t client.Transfer, untilPaused bool, show func(client.Transfer)) (client.Transfer, error) {
	for pause := pollEvery / 16; ; pause = min(2*pause, pollEvery) {
		// What only the page draws would make every line long.
		t.Have, t.Files = nil, nil
		show(t)
		if t.State == "ready" || t.State == "failed" || untilPaused && t.State == "paused" {
			return t, nil
		}
		if err := a.sleep(pause); err != nil {
			return t, err
		}
		var next client.Transfer
		err := a.outlive(s, func() (err error) {
			next, err = client.Decode[client.Transfer](s.GetTransfer(a.ctx, t.Id))
			return err
		})
		if err != nil {
			return t, err
		}
		t = next
	}
}

// changed reports whether a transfer moved enough for a further line.
func changed(a, b client.Transfer) bool {
	return a.State != b.State || a.BytesDone != b.BytesDone || a.BytesTotal != b.BytesTotal ||
		a.Peers != b.Peers || a.Reason != b.Reason
}

// stage is the bar's text.
func stage(t client.Transfer) string {
	return t.State + ", " + plural(t.Peers, "peer")
}

// arrived tells what is there now, and how much of it was there before.
func (a *app) arrived(s *session, t client.Transfer, wasThere bool) {
	if a.opts.JSON {
		return
	}
	span := ""
	if !t.Finished.IsZero() && !t.Added.IsZero() {
		span = " in " + took(max(t.Finished.Sub(t.Added), time.Millisecond))
	}
	origin := "verified against the digests in its torrent"
	if t.FirstSeen {
		origin = "first seen: the link named no digests"
	}
	a.say("%s %s", t.Reference, t.Version)
	switch {
	case wasThere || t.BytesHere == t.BytesTotal:
		a.note("%s, all of it there already: nothing was fetched", size(t.BytesTotal))
	case t.BytesHere > 0:
		a.note("%s%s, %s; %s were there already", size(t.BytesTotal), span, origin, size(t.BytesHere))
	default:
		a.note("%s%s, %s", size(t.BytesTotal), span, origin)
	}
	a.hint("samara run %s", t.Reference)
	if s.embedded != nil || s.passing {
		a.hint("samara serve goes on seeding it")
	}
}

// failed is the error of a transfer that failed; with --json it stood in the
// last line already.
func (a *app) failed(t client.Transfer) error {
	e := t.Error
	if e == nil {
		e = client.NewError("add", client.CodeInternal, "add: the transfer failed and says no reason")
	}
	if a.opts.JSON {
		return errSilent(e.ExitStatus())
	}
	return e
}

// leave says what becomes of a transfer that is not waited for any more.
func (a *app) leave(s *session, t client.Transfer) {
	if s.embedded != nil || s.passing {
		a.note("what is there stays; samara serve, or the same command again, goes on")
		return
	}
	a.note("transfer %s goes on in the daemon", t.Id)
}
