package swarm

import (
	"context"

	"samara/magnets"
	"samara/verify"
)

// A Torrent is one torrent of a Swarm.
type Torrent struct{}

// A Layout says where each file of the info dictionary goes, pads included.
type Layout struct {
	Files []LayoutFile // one for each of magnets.Info.Files
}

// A LayoutFile is one file's place.
type LayoutFile struct {
	Size int64  // bytes; must equal the info dictionary's
	Skip bool   // not wanted
	Blob string // an existing verified file to read from; "" = a numbered file under incoming
}

// States of a torrent, for Stats.State.
const (
	StateResolving = "resolving" // metadata is not here yet
	StateResolved  = "resolved"  // metadata is here, Start was not called
	StateChecking  = "checking"  // pieces of an earlier boot are hashed again
	StateFetching  = "fetching"
	StateSeeding   = "seeding" // every wanted piece is here
	StatePaused    = "paused"  // by Pause, or by trouble
	StateDropped   = "dropped"
)

// Stats is a torrent's present state.
type Stats struct {
	State       string
	BytesDone   int64 // of the wanted files, in verified pieces
	BytesTotal  int64 // of the wanted files
	PiecesDone  int   // of the whole torrent
	PiecesTotal int
	Peers       int
	Seeds       int
	DownRate    float64 // bytes/s, smoothed
	UpRate      float64 // bytes/s, smoothed
	Uploaded    int64   // bytes of blocks sent
	Downloaded  int64   // bytes of blocks received
	Wasted      int64   // bytes of blocks received and thrown away
	Have        []byte  // verified pieces, piece 0 in the highest bit; a copy
}

// A FileState is one file's progress.
type FileState struct {
	Path string       // where the bytes lie on disk; "" where skipped or a pad
	Size int64        // bytes
	Done int64        // bytes in verified pieces
	Tree *verify.Tree // Complete once every group was hashed; nil for skipped files, pads and blobs
}

// InfoHash returns the v1 infohash, or the first 20 bytes of the v2 one.
func (t *Torrent) InfoHash() magnets.Hash { panic("unwritten") }

// Metadata waits for the info dictionary.
func (t *Torrent) Metadata(ctx context.Context) (*magnets.Info, error) { panic("unwritten") }

// Start opens the storage and downloads the wanted files.
func (t *Torrent) Start(ctx context.Context, l Layout) error { panic("unwritten") }

// Stats returns the torrent's present state.
func (t *Torrent) Stats() Stats { panic("unwritten") }

// Done is closed once every wanted piece is verified and on disk.
func (t *Torrent) Done() <-chan struct{} { panic("unwritten") }

// Files returns the files in torrent order.
func (t *Torrent) Files() []FileState { panic("unwritten") }

// Trouble returns what paused the torrent, or nil.
func (t *Torrent) Trouble() error { panic("unwritten") }

// Pause stops the transfer in both directions.
func (t *Torrent) Pause() { panic("unwritten") }

// Resume goes on after Pause or after trouble.
func (t *Torrent) Resume() { panic("unwritten") }

// AddPeers adds HOST:PORT that the user named.
func (t *Torrent) AddPeers(peers []string) { panic("unwritten") }

// Rebase reads file i from paths[i] from now on and goes on seeding.
func (t *Torrent) Rebase(paths []string) error { panic("unwritten") }

// Drop forgets the torrent; its files stay.
func (t *Torrent) Drop() error { panic("unwritten") }
