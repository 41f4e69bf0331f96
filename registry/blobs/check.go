package blobs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"samara/verify"
)

// Check reads a blob from the disk and returns the ranges that are not what its
// digest names, as verify.Check does, with progress as there. Size is what the
// manifest says: a blob that is longer is bad from there on. A damaged tree costs
// exactness: the blob is then good or bad as a whole.
// It returns a *NotFoundError where there is no blob.
func (s *Store) Check(ctx context.Context, d verify.Digest, size int64, progress func(int64)) ([]verify.BadRange, error) {
	f, err := s.Open(d)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("check blob: %w", err)
	}
	tree, err := s.Tree(d)
	var bad *verify.TreeError
	var other *verify.MismatchError
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.As(err, &bad) && !errors.As(err, &other) {
		return nil, err
	}
	ranges, err := verify.Check(ctx, f, size, tree, d, 0, progress)
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", d, err)
	}
	if extra := st.Size() - size; extra > 0 {
		ranges = append(ranges, verify.BadRange{Offset: size, Length: extra})
	}
	return ranges, nil
}
