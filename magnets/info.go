package magnets

// A File is one file of a torrent, in torrent order.
type File struct {
	Path   string   // slash path without the torrent's name; a single file's own name
	Size   int64    // bytes
	Blake3 [32]byte // set where Info.HasBlake3 and not Pad
	Pad    bool     // BEP 47 padding: zeros that are never stored
}

// An Info is a checked info dictionary.
type Info struct {
	Name        string // the torrent's name; a label, never a path
	PieceLength int64  // bytes
	Pieces      int
	Files       []File
	Private     bool // BEP 27
	HasBlake3   bool // the files carry digests
	SingleFile  bool
	V1, V2      bool
	InfoHash    Hash   // SHA-1 of Bytes; zero unless V1
	InfoHashV2  HashV2 // SHA-256 of Bytes; zero unless V2
	Bytes       []byte // the dictionary as it came
}

// Length returns the bytes of all files, pads included.
func (i *Info) Length() int64 {
	var n int64
	for _, f := range i.Files {
		n += f.Size
	}
	return n
}

// An InfoError says what is wrong with an info dictionary or .torrent file.
type InfoError struct {
	Reason string
}

func (e *InfoError) Error() string { return "read torrent: " + e.Reason }

// Code returns the error's row in the table of errors.
func (e *InfoError) Code() string { return "invalid_request" }

// ParseInfo reads an info dictionary.
func ParseInfo(b []byte) (*Info, error) { panic("unwritten") }
