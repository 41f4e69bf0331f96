// Package magnets holds what a torrent is before any network is involved:
// magnet links, infohashes, info dictionaries and .torrent files, as values.
//
// Everything here reads bytes that strangers wrote. [Parse], [ParseInfo] and
// [ParseTorrent] bound what they accept and check every path under POSIX and
// Windows rules, so that what they return can be shown and stored as it is.
// [Build] makes the info dictionary that Samara publishes: the same files
// under the same name give the same bytes on every machine.
//
//	link, err := magnets.Parse("magnet:?xt=urn:btih:…")
//	info, err := magnets.ParseInfo(bytesFromPeers)
//	raw, err := magnets.Build(magnets.BuildInfo{Name: "qwen3-0.6b", …})
package magnets

// Bounds on what a stranger may hand us.
const (
	MaxInfoBytes    = 8 << 20     // bytes of an info dictionary
	MaxTorrentBytes = 16 << 20    // bytes of a .torrent file
	MaxFiles        = 10_000      // files of a torrent, pads not counted
	MaxPieces       = 400_000     // pieces of a torrent (MaxInfoBytes at 20 bytes each)
	MaxPieceFiles   = 400_000_000 // pieces times files, pads included: clients compare each with each
	MinPieceLength  = 16 << 10    // bytes
	MaxPieceLength  = 64 << 20    // bytes
	MaxTotalLength  = 1 << 50     // bytes of all files together
	MaxPathBytes    = 1024        // bytes of one file's slash path
	MaxLinkBytes    = 64 << 10    // bytes of a magnet link
	MaxTrackers     = 100         // trackers of a link or torrent
	MaxWebSeeds     = 100         // web seeds of a link or torrent
	MaxPeers        = 200         // peers that a link names
)
