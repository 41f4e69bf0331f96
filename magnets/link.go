package magnets

// A Link is a magnet link, taken apart.
type Link struct {
	InfoHash    Hash     // set where HasV1
	InfoHashV2  HashV2   // set where HasV2
	HasV1       bool     // the link has an urn:btih
	HasV2       bool     // the link has an urn:btmh
	Name        string   // dn: what the sender calls it; never a path
	Trackers    []string // tr, in the link's order
	WebSeeds    []string // ws, in the link's order
	Peers       []string // x.pe, HOST:PORT, in the link's order
	Manifest    [32]byte // x.b3: the manifest's digest, set where HasManifest
	HasManifest bool
	Warnings    []string // what was skipped and why; never part of String
}

// Parse reads a magnet link.
func Parse(s string) (Link, error) { panic("unwritten") }

// String returns the link.
func (l Link) String() string { panic("unwritten") }
