package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dgraph-io/badger/v4"

	"samara/registry/disk"
	"samara/registry/journal"
	"samara/verify"
)

// replayBatch is how many journal entries one transaction takes at most.
const replayBatch = 100

// openIndex opens the index and brings it to the end of the journal. An index
// that is no projection of this journal, or that ended the last process that
// opened it, is made again.
func (s *Store) openIndex(ctx context.Context) (err error) {
	aside := filepath.Join(s.dir, "quarantine", indexDir)
	done, err := guardIndex(s.dir, aside)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	if bad := checkTables(indexPath(s.dir)); bad != nil && !outsideTrouble(bad) {
		if err := setAside(indexPath(s.dir), aside); err != nil {
			return fmt.Errorf("open index: %w", err)
		}
		if err := os.WriteFile(aside+".reason", []byte(bad.Error()+"\n"), 0o600); err != nil {
			return disk.Wrap("open index", s.dir, err)
		}
	}
	if s.index, err = openIndexAt(indexPath(s.dir), aside); err != nil {
		return disk.Wrap("open index", s.dir, err)
	}
	err = s.catchUp(ctx)
	if !errors.Is(err, errForeign) {
		return err
	}
	if err := s.index.close(); err != nil {
		return err
	}
	if err := os.RemoveAll(indexPath(s.dir)); err != nil {
		return fmt.Errorf("open index: %w", err)
	}
	if s.index, err = openIndexAt(indexPath(s.dir), aside); err != nil {
		return disk.Wrap("open index", s.dir, err)
	}
	return s.catchUp(ctx)
}

// errForeign says that the index was not made from this journal.
var errForeign = errors.New("index does not follow from the journal")

// catchUp applies the journal entries that the index has not taken in.
func (s *Store) catchUp(ctx context.Context) error {
	var at seen
	if err := s.index.view(func(t tx) (err error) { at, err = t.seen(); return err }); err != nil {
		return err
	}
	seq, hash := s.journal.Head()
	if at.seq > seq || at.seq == seq && at.hash != hash {
		return errForeign
	}
	if at.seq == 0 {
		if err := s.recordBlobs(ctx); err != nil {
			return err
		}
	}
	var batch []journal.Entry
	flush := func() error {
		err := s.applyBatch(batch)
		batch = batch[:0]
		return errors.Join(err, ctx.Err())
	}
	if at.seq < seq {
		err := s.journal.Read(at.seq+1, func(e journal.Entry) error {
			if e.Seq == at.seq+1 && e.Prev != at.hash {
				return errForeign
			}
			if batch = append(batch, e); len(batch) < replayBatch {
				return nil
			}
			return flush()
		})
		if err := errors.Join(err, flush()); err != nil {
			return err
		}
	}
	s.behind = false
	return nil
}

// applyBatch applies entries in as few transactions as they fit.
func (s *Store) applyBatch(batch []journal.Entry) error {
	if len(batch) == 0 {
		return nil
	}
	err := s.index.update(func(t tx) error {
		for _, e := range batch {
			if err := t.apply(e); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, badger.ErrTxnTooBig) && len(batch) > 1 {
		half := len(batch) / 2
		if err := s.applyBatch(batch[:half]); err != nil {
			return err
		}
		return s.applyBatch(batch[half:])
	}
	return err
}

// recordBlobs gives every blob in the store its record.
func (s *Store) recordBlobs(ctx context.Context) error {
	known := map[verify.Digest]BlobFacts{}
	err := s.blobs.List(func(d verify.Digest, size int64) error {
		known[d] = BlobFacts{Size: size}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	return s.putBlobRecords(known)
}

// change makes one change: the entry in the journal, then in the index. It is
// called with mu held. Where the journal has the entry and the index does not,
// the next change or Open brings it in.
func (s *Store) change(op, actor string, data any, between func() error) error {
	e, err := s.journal.Append(op, actor, data)
	if err != nil {
		return err
	}
	s.behind = true
	if between != nil {
		if err := between(); err != nil {
			return err
		}
	}
	if err := s.index.update(func(t tx) error { return t.apply(e) }); err != nil {
		return err
	}
	s.behind = false
	return nil
}

// begin prepares for a change: it waits for its turn, asks room for room on the
// disk, and brings in what the index lacks. The caller calls done.
func (s *Store) begin(ctx context.Context, op string, room func(op string) error) (done func(), err error) {
	s.mu.Lock()
	err = ctx.Err()
	if err == nil && s.closed {
		err = fs.ErrClosed
	}
	if err == nil {
		err = room(op)
	}
	if err == nil && s.behind {
		err = s.catchUp(ctx)
	}
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	return s.mu.Unlock, nil
}
