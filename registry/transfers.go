package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"samara/magnets"
)

// MaxTransferID bounds the identifier of a transfer, in characters.
const MaxTransferID = 64

// PutTransfer stores t under its ID, in place of what was there.
func (s *Store) PutTransfer(ctx context.Context, t Transfer) error {
	if t.ID == "" || len(t.ID) > MaxTransferID {
		return fmt.Errorf("store transfer: identifier of %d characters, want 1 to %d", len(t.ID), MaxTransferID)
	}
	if _, err := encode("transfer "+t.ID, t); err != nil {
		return err
	}
	if err := errors.Join(ctx.Err(), s.writable("store transfer "+t.ID)); err != nil {
		return err
	}
	return s.index.update(func(x tx) error { return x.put(keyTransfer+t.ID, t) })
}

// Transfer returns the transfer whose identifier is id, or the only one whose
// identifier begins so. It returns a *NotFoundError or an *AmbiguousError.
func (s *Store) Transfer(ctx context.Context, id string) (Transfer, error) {
	var found []Transfer
	err := s.index.view(func(x tx) error {
		if id == "" {
			return nil
		}
		return x.scan(keyTransfer+id, "", func(key string, value func(any) error) error {
			var t Transfer
			if err := value(&t); err != nil {
				return err
			}
			found = append(found, t)
			if key == keyTransfer+id || len(found) == maxAmong {
				return errStop
			}
			return nil
		})
	})
	switch {
	case err != nil:
		return Transfer{}, err
	case ctx.Err() != nil:
		return Transfer{}, ctx.Err()
	case len(found) == 0:
		return Transfer{}, &NotFoundError{"transfer", id}
	case len(found) > 1:
		among := make([]string, len(found))
		for i, t := range found {
			among[i] = t.ID
		}
		return Transfer{}, &AmbiguousError{"transfer", id, among}
	}
	return found[0], nil
}

// Transfers returns all transfers, the oldest first.
func (s *Store) Transfers(ctx context.Context) ([]Transfer, error) {
	var all []Transfer
	err := s.index.view(func(x tx) error {
		return x.scan(keyTransfer, "", func(_ string, value func(any) error) error {
			var t Transfer
			if err := value(&t); err != nil {
				return err
			}
			all = append(all, t)
			return ctx.Err()
		})
	})
	slices.SortStableFunc(all, func(a, b Transfer) int {
		if c := a.Added.Compare(b.Added); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return all, err
}

// DeleteTransfer forgets a transfer by its whole identifier. One that is not
// there is no error.
func (s *Store) DeleteTransfer(ctx context.Context, id string) error {
	if err := errors.Join(ctx.Err(), s.writable("delete transfer "+id)); err != nil {
		return err
	}
	return s.index.update(func(x tx) error { return x.delete(keyTransfer + id) })
}

// PutTorrent keeps an info dictionary that h names, by SHA-1 or by the beginning
// of its SHA-256, and the trackers and web seeds known for it. It returns a
// *ChecksumError where the bytes are others.
func (s *Store) PutTorrent(ctx context.Context, h magnets.Hash, info []byte, trackers, webseeds []string) error {
	if err := checkURLs(trackers, webseeds); err != nil {
		return err
	}
	done, err := s.begin(ctx, "store torrent "+h.String(), s.writable)
	if err != nil {
		return err
	}
	defer done()
	if err := s.files.putTorrent(h, info); err != nil {
		return err
	}
	return s.index.update(func(t tx) error {
		return t.putTorrentRecord(h, torrentRecord{trackers, webseeds})
	})
}

// Torrent returns the info dictionary that h names and the trackers and web seeds
// known for it, or a *NotFoundError.
func (s *Store) Torrent(ctx context.Context, h magnets.Hash) (info []byte, trackers, webseeds []string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, nil, err
	}
	if info, err = s.files.torrent(h); err != nil {
		return nil, nil, nil, err
	}
	var r torrentRecord
	err = s.index.view(func(t tx) error {
		_, err := t.get(keyTorrent+string(h[:]), &r)
		return err
	})
	return info, r.Trackers, r.WebSeeds, err
}
