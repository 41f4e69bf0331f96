package admin

import (
	"context"

	"samara/registry"
	"samara/web/client"
)

// A Catalog is the registry with what the daemon does to it. Errors carry a
// code (client.Coder): not_found for an unknown reference, conflict for a tag
// that names another version. The actor is written to the journal.
type Catalog interface {
	// List returns one page of tags, sorted by reference; Limit 0 means the
	// registry's default.
	List(ctx context.Context, o registry.ListOptions) (client.VersionList, error)
	// Show returns one version with its files and magnet.
	Show(ctx context.Context, ref registry.Reference) (client.VersionDetail, error)
	// Tag gives target the name; an existing one moves only with move.
	Tag(ctx context.Context, target, name registry.Reference, move bool, actor string) (client.Version, error)
	// Remove removes a tag, or for a digest the version and its tags.
	Remove(ctx context.Context, ref registry.Reference, actor string) error
	// GC deletes what no version names.
	GC(ctx context.Context, r client.GCRequest, actor string) (client.GCResult, error)
	// Log returns journal entries, the newest first; a zero ref means all.
	Log(ctx context.Context, ref registry.Reference, limit int) (client.Log, error)
	// Verify hashes a version's files again. progress is called from one
	// goroutine at a time and must not be kept. Bad ranges are in the report,
	// not an error.
	Verify(ctx context.Context, ref registry.Reference, progress func(done, total int64)) (client.VerifyReport, error)
	// Torrent returns a version's .torrent and the file name to offer.
	Torrent(ctx context.Context, ref registry.Reference) (name string, torrent []byte, err error)
	// Source says where a version's files lie on this machine.
	Source(ctx context.Context, ref registry.Reference) (client.Source, error)
	// Publish stores a local path as a version. progress is called from one
	// goroutine at a time with Stage, File, BytesDone and BytesTotal set.
	Publish(ctx context.Context, r client.PublishRequest, actor string, progress func(client.PublishEvent)) (client.PublishResult, error)
}

// Transfers are the running and finished fetches. An id may be a unique prefix.
type Transfers interface {
	// Add starts a transfer that goes on after the call, or returns the one
	// that fetches the same torrent already.
	Add(ctx context.Context, r client.AddRequest, actor string) (client.Transfer, error)
	// Peek resolves a link's metadata and stores nothing; it gives up when ctx
	// ends.
	Peek(ctx context.Context, r client.PeekRequest) (client.Peek, error)
	// List returns all transfers, the newest first, without Files and Have.
	List(ctx context.Context) ([]client.Transfer, error)
	// Get returns one transfer with Files and Have.
	Get(ctx context.Context, id string) (client.Transfer, error)
	Pause(ctx context.Context, id string) (client.Transfer, error)
	Resume(ctx context.Context, id string) (client.Transfer, error)
	// Cancel stops a transfer and forgets it with its unfinished files.
	Cancel(ctx context.Context, id string) error
	AddPeers(ctx context.Context, id string, peers []string) (client.Transfer, error)
}

// An Engine holds the models in memory.
type Engine interface {
	Loaded(ctx context.Context) ([]client.EngineModel, error)
	// Unload returns once the model's memory is free; not_found where it is
	// not loaded.
	Unload(ctx context.Context, ref registry.Reference) error
}

// An Event says that something changed. Data is what the API returns for it:
// a client.Transfer for "transfer", a client.Version for "version", a
// client.EngineModel for "engine".
type Event struct {
	Type string
	Data any
}

// Events hands out what changes.
type Events interface {
	// Subscribe returns a channel that is closed some time after ctx ends. A
	// subscriber that does not keep up misses events.
	Subscribe(ctx context.Context) <-chan Event
}

// A System knows the process and the machine.
type System interface {
	Info(ctx context.Context) client.SystemInfo
	// Ready returns the checks of /readyz; one whose status is "fail" makes
	// the daemon not ready.
	Ready(ctx context.Context) []client.Check
	Doctor(ctx context.Context) (client.DoctorReport, error)
}
