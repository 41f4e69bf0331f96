package magnets

// A Torrent is a .torrent file: an info dictionary and where to find it.
type Torrent struct {
	Info        *Info
	Trackers    [][]string // by tier
	WebSeeds    []string
	PieceLayers []byte   // the bencoded "piece layers" of v2; nil without
	Warnings    []string // what was skipped and why
}

// ParseTorrent reads a .torrent file.
func ParseTorrent(b []byte) (*Torrent, error) { panic("unwritten") }

// Marshal returns the .torrent file's bytes.
func (t *Torrent) Marshal() []byte { panic("unwritten") }
