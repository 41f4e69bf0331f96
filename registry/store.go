package registry

import (
	"context"
	"errors"
	"time"

	"samara/magnets"
	"samara/registry/blobs"
	"samara/registry/journal"
	"samara/verify"
)

// Options are the settings of a Store. The zero Options are right for a daemon
// that has no socket.
type Options struct {
	Socket      string           // of the holder's API, told to whoever finds the folder locked
	DiskReserve int64            // bytes kept free; 0 means 5 % of the disk, 32 MiB to 1 GiB
	Now         func() time.Time // the clock; nil means time.Now
}

// Store is one open data folder.
type Store struct{}

var errNotYet = errors.New("registry: not written")

func Open(ctx context.Context, dir string, o Options) (*Store, error) { return nil, errNotYet }
func Rebuild(ctx context.Context, dir string, o Options) error        { return errNotYet }
func (s *Store) Blobs() *blobs.Store                                  { return nil }
func (s *Store) Journal() *journal.Journal                            { return nil }
func (s *Store) Dir() string                                          { return "" }
func (s *Store) Close() error                                         { return nil }
func (s *Store) CheckRoom(need int64) error                           { return errNotYet }
func (s *Store) AddVersion(ctx context.Context, v NewVersion) (Entry, error) {
	return Entry{}, errNotYet
}
func (s *Store) Lookup(ctx context.Context, r Reference) (Entry, error) { return Entry{}, errNotYet }
func (s *Store) List(ctx context.Context, o ListOptions) ([]Entry, string, error) {
	return nil, "", errNotYet
}
func (s *Store) EachVersion(ctx context.Context, fn func(Version) error) error { return errNotYet }
func (s *Store) ByInfoHash(ctx context.Context, h magnets.Hash) (Version, error) {
	return Version{}, errNotYet
}
func (s *Store) Torrent(ctx context.Context, h magnets.Hash) (info []byte, trackers, webseeds []string, err error) {
	return nil, nil, nil, errNotYet
}
func (s *Store) PutTorrent(ctx context.Context, h magnets.Hash, info []byte, trackers, webseeds []string) error {
	return errNotYet
}
func (s *Store) Tag(ctx context.Context, target, name Reference, move bool, actor string) error {
	return errNotYet
}
func (s *Store) Remove(ctx context.Context, r Reference, actor string) error { return errNotYet }
func (s *Store) GC(ctx context.Context, o GCOptions, actor string) (GCResult, error) {
	return GCResult{}, errNotYet
}
func (s *Store) Log(ctx context.Context, r Reference, limit int) ([]journal.Entry, error) {
	return nil, errNotYet
}
func (s *Store) BlobFacts(ctx context.Context, d verify.Digest) (BlobFacts, error) {
	return BlobFacts{}, errNotYet
}
func (s *Store) PutBlobFacts(ctx context.Context, d verify.Digest, f BlobFacts) error {
	return errNotYet
}
func (s *Store) PutTransfer(ctx context.Context, t Transfer) error { return errNotYet }
func (s *Store) Transfer(ctx context.Context, id string) (Transfer, error) {
	return Transfer{}, errNotYet
}
func (s *Store) Transfers(ctx context.Context) ([]Transfer, error)   { return nil, errNotYet }
func (s *Store) DeleteTransfer(ctx context.Context, id string) error { return errNotYet }
