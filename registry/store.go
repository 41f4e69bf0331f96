package registry

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"samara/registry/blobs"
	"samara/registry/disk"
	"samara/registry/journal"
)

// Folders of a data folder that the registry owns; blobs owns the others.
const (
	journalDir  = "journal"
	indexDir    = "index"
	manifestDir = "manifests"
	torrentDir  = "torrents"
)

// Options are the settings of a Store. The zero Options are right for a daemon
// that has no socket.
type Options struct {
	Socket      string           // of the holder's API, told to whoever finds the folder locked
	DiskReserve int64            // bytes kept free; 0 means 5 % of the disk, 32 MiB to 1 GiB
	Now         func() time.Time // the clock; nil means time.Now

	// Space says how much room the disk of a folder has; nil means to ask the
	// system.
	Space func(dir string) (disk.Space, error)
}

// Store is one open data folder.
type Store struct {
	dir     string
	opts    Options
	reserve uint64
	lock    *flock.Flock
	journal *journal.Journal
	blobs   *blobs.Store
	index   *index
	files   immutables

	// mu is held by every change, so that the journal and the index see changes
	// in one order and GC never races AddVersion.
	mu     sync.Mutex
	behind bool // the journal has entries that the index lacks
	closed bool
}

// Open opens the data folder dir and holds it until Close. It makes a new folder
// where there is none, finishes what a crash interrupted, and makes the index
// again where it is missing or cannot be opened twice.
//
// It returns a *LockedError where another process holds the folder, a
// *disk.FullError where less than the disk reserve is free, a *FormatError where
// the folder is of a newer kind, and a *journal.BrokenError where the journal
// does not hold.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Space == nil {
		o.Space = disk.SpaceOf
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	if err := disk.MkdirAll(dir); err != nil {
		return nil, disk.Wrap("open "+dir, dir, err)
	}
	lock, err := lockDir(dir, o.Socket)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, opts: o, lock: lock}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	if err := s.checkReserve(); err != nil {
		return err
	}
	if err := checkFormat(s.dir); err != nil {
		return err
	}
	var err error
	if s.files, err = openImmutables(s.dir); err != nil {
		return err
	}
	if s.blobs, err = blobs.Open(s.dir); err != nil {
		return err
	}
	if s.journal, err = journal.Open(filepath.Join(s.dir, journalDir)); err != nil {
		return err
	}
	s.holdBallast(s.reserve)
	s.journal.SetClock(s.opts.Now)
	if seq, _ := s.journal.Head(); seq == 0 {
		if _, err := s.journal.Append(opFormatCreated, actorSelf, formatCreated{Format}); err != nil {
			return err
		}
	}
	return s.openIndex(ctx)
}

// Blobs returns the files of the store.
func (s *Store) Blobs() *blobs.Store { return s.blobs }

// Journal returns the journal. Entries of operations that the registry does not
// know may be appended to it.
func (s *Store) Journal() *journal.Journal { return s.journal }

// Dir returns the absolute path of the data folder.
func (s *Store) Dir() string { return s.dir }

// Close waits for the changes and queries that are running, closes everything
// and lets go of the folder.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	var errs []error
	if s.index != nil {
		full := s.writable("close") != nil
		if full {
			s.dropBallast()
		}
		errs = append(errs, s.index.close())
		if full {
			s.holdBallast(0)
		}
	}
	if s.journal != nil {
		errs = append(errs, s.journal.Close())
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

// Rebuild makes the index of the data folder dir again from journal, manifests,
// torrents and blobs. Nobody may hold the folder. Transfers in flight and the
// SHA-256 of blobs are only in the index and are lost.
func Rebuild(ctx context.Context, dir string, o Options) error {
	if _, err := os.Stat(filepath.Join(dir, "FORMAT")); err != nil {
		return fmt.Errorf("rebuild index: %w", err)
	}
	lock, err := lockDir(dir, o.Socket)
	if err != nil {
		return err
	}
	err = os.RemoveAll(filepath.Join(dir, indexDir))
	if err := errors.Join(err, lock.Close()); err != nil {
		return fmt.Errorf("rebuild index: %w", err)
	}
	s, err := Open(ctx, dir, o)
	if err != nil {
		return fmt.Errorf("rebuild index: %w", err)
	}
	return s.Close()
}
