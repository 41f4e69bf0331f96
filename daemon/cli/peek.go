package cli

import (
	"fmt"
	"time"

	"samara/web/client"
)

// peekCmd looks into a link.
type peekCmd struct {
	Link string   `arg:"" help:"Magnet link, .torrent file or infohash."`
	Peer []string `help:"Peer to ask first; may be on a private network." placeholder:"HOST:PORT" sep:"none"`
}

// Help is the verb's page.
func (*peekCmd) Help() string {
	return helpText(`Shows the files and sizes behind a link; nothing is stored. A magnet needs a peer that answers.`,
		"samara peek model.torrent\nsamara peek \"magnet:?xt=urn:btih:…\" --peer 192.168.1.7:7378", 3)
}

// peekPatience is how long a peek waits in silence.
const peekPatience = 30 * time.Second

// Run peeks.
func (c *peekCmd) Run(a *app) error {
	link, torrent, err := readLink(c.Link)
	if err != nil {
		return err
	}
	return a.with(swarmUse(torrent == nil), func(s *session) error {
		patience := time.AfterFunc(peekPatience, func() {
			a.note("nobody has answered for %s; --peer names somebody to ask, --dht looks for peers", peekPatience)
		})
		defer patience.Stop()
		var p client.Peek
		err := a.outlive(s, func() (err error) {
			p, err = client.Decode[client.Peek](s.Peek(a.ctx, client.PeekRequest{Link: link, Torrent: torrent, Peers: c.Peer}))
			return err
		})
		if err != nil {
			return ofTorrent(c.Link, err)
		}
		if a.opts.JSON {
			return a.json(p)
		}
		for _, w := range p.Warnings {
			a.warn("%s", w)
		}
		err = a.pairs(
			[2]string{"name", p.Name}, [2]string{"infohash", p.Infohash},
			[2]string{"size", fmt.Sprintf("%s in %s, %s here already", size(p.Bytes), plural(len(p.Files), "file"), size(p.BytesKnown))},
			[2]string{"pieces", fmt.Sprintf("%d of %s", p.Pieces, size(p.PieceLength))},
			[2]string{"version", p.Manifest})
		if err != nil {
			return err
		}
		a.blank()
		return a.files(p.Files)
	})
}
