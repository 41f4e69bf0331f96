package registry

import (
	"time"

	"samara/magnets"
	"samara/verify"
)

// Facts is what is known of a model from the headers of its files. Unknown
// fields are empty.
type Facts struct {
	Format        string `json:"format,omitempty"` // gguf, safetensors or other
	Layout        string `json:"layout,omitempty"`
	Architecture  string `json:"architecture,omitempty"`
	Parameters    int64  `json:"parameters,omitempty"`
	Quantization  string `json:"quantization,omitempty"`
	License       string `json:"license,omitempty"`
	ContextLength int    `json:"context_length,omitempty"` // tokens
	MemoryBytes   int64  `json:"memory_bytes,omitempty"`   // needed to run it
	Tokenizer     string `json:"tokenizer,omitempty"`
}

// A Binding ties a version to its names in the swarm. For a torrent that is v2
// alone InfoHash holds the first 20 bytes of InfoHashV2, by which peers find it.
type Binding struct {
	InfoHash   magnets.Hash   `json:"infohash,omitzero"`
	InfoHashV2 magnets.HashV2 `json:"infohash_v2,omitzero"`
	Magnet     string         `json:"magnet,omitempty"`
}

// TrustUnsigned is the trust of a version that nobody vouches for.
const TrustUnsigned = "unsigned"

// A Version is an immutable list of files and what is known about them.
type Version struct {
	Digest    verify.Digest   `json:"digest"` // of Manifest
	Manifest  verify.Manifest `json:"manifest"`
	Added     time.Time       `json:"added"`
	FirstSeen bool            `json:"first_seen,omitempty"` // digests were computed here, nobody gave them
	Missing   []string        `json:"missing,omitempty"`    // paths of Manifest that are not in the store
	Facts     Facts           `json:"facts"`
	Bindings  []Binding       `json:"bindings,omitempty"` // the newest last
	Name      string          `json:"name,omitempty"`     // of the newest torrent
	Seed      bool            `json:"seed,omitempty"`     // offer it to the swarm
	Trust     string          `json:"trust"`

	// Damaged says why the manifest cannot be read, in what List and EachVersion
	// return; Manifest and Missing are then empty.
	Damaged string `json:"damaged,omitempty"`
}

// An Entry is one tag and the version it points to. A version that was looked up
// by digest may have no tag: Reference then carries the digest.
type Entry struct {
	Reference Reference `json:"reference"`
	Version   Version   `json:"version"`
}

// BlobFacts is what is known of a blob beside its digest; none of it is part of
// an identity. It is not in the journal: a rebuilt index lacks the SHA-256.
type BlobFacts struct {
	SHA256    [32]byte `json:"sha256,omitzero"`
	HasSHA256 bool     `json:"has_sha256,omitempty"`
	Size      int64    `json:"size"` // bytes
}

// NewVersion is what AddVersion stores.
type NewVersion struct {
	Manifest  verify.Manifest
	Facts     Facts
	Binding   Binding // zero where there is no torrent
	InfoBytes []byte  // info dictionary of Binding; nil where PutTorrent has it already
	Name      string  // the torrent's name
	FirstSeen bool
	Missing   []string // paths of Manifest whose blobs are not in the store
	Seed      bool
	Trackers  []string
	WebSeeds  []string
	Blobs     map[verify.Digest]BlobFacts // what is known of the blobs; sizes come from Manifest
	Reference Reference                   // the tag to set
	Move      bool                        // Reference may point elsewhere now
	Actor     string                      // who asks, for the journal
}

// ListOptions says which entries List returns.
type ListOptions struct {
	After  string // the last reference of the page before, as List returned it
	Limit  int    // entries; 0 means DefaultLimit, at most MaxLimit
	Prefix string // of the reference, in any case
}

// Pages of List.
const (
	DefaultLimit = 100
	MaxLimit     = 1000
)

// GCOptions says what GC removes.
type GCOptions struct {
	Grace  time.Duration              // younger things stay
	DryRun bool                       // only count
	Keep   func(d verify.Digest) bool // further blobs and versions in use; may be nil
	Actor  string                     // who asks, for the journal
}

// GCResult is what GC removed, or would have.
type GCResult struct {
	Blobs    int   `json:"blobs"`
	Bytes    int64 `json:"bytes"`
	Versions int   `json:"versions"`
}

// States of a Transfer.
const (
	StateResolving = "resolving"
	StateFetching  = "fetching"
	StateVerifying = "verifying"
	StateReady     = "ready"
	StatePaused    = "paused"
	StateFailed    = "failed"
)

// A Transfer is one running or finished fetch. Its info dictionary, once known,
// is kept by PutTorrent.
type Transfer struct {
	ID         string        `json:"id"`
	Link       string        `json:"link,omitempty"`
	InfoHash   magnets.Hash  `json:"infohash,omitzero"` // as Binding.InfoHash
	Reference  Reference     `json:"reference,omitzero"`
	Named      bool          `json:"named,omitempty"` // the user chose Reference
	State      string        `json:"state"`
	Reason     string        `json:"reason,omitempty"` // why it is paused or waits
	Only       []string      `json:"only,omitempty"`   // patterns; all files where empty
	Expect     verify.Digest `json:"expect,omitzero"`  // a digest the user demands
	Peers      []string      `json:"peers,omitempty"`
	Trackers   []string      `json:"trackers,omitempty"`
	WebSeeds   []string      `json:"webseeds,omitempty"`
	Manifest   verify.Digest `json:"manifest,omitzero"` // x.b3 of the link
	Move       bool          `json:"move,omitempty"`
	Added      time.Time     `json:"added,omitzero"`
	Finished   time.Time     `json:"finished,omitzero"`
	Version    verify.Digest `json:"version,omitzero"`
	Error      string        `json:"error,omitempty"`
	ErrorCode  string        `json:"error_code,omitempty"`
	Hint       string        `json:"hint,omitempty"` // what to do about Error
	BytesTotal int64         `json:"bytes_total"`
	BytesDone  int64         `json:"bytes_done"`
	BytesHere  int64         `json:"bytes_here,omitempty"` // of BytesTotal, in the store before
}
