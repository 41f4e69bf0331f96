package blobs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"samara/registry/disk"
	"samara/verify"
)

// maxMarkRanges bounds how many bad ranges a mark lists.
const maxMarkRanges = 100

// Check reads a blob from the disk and returns the ranges that are not what its
// digest names, as verify.Check does, with progress as there. Size is what the
// manifest says: a blob that is longer is bad from there on. A damaged tree costs
// exactness: the blob is then good or bad as a whole.
// It returns a *NotFoundError where there is no blob.
//
// What it finds lasts: a blob with bad ranges is marked and from then on a
// *DamagedError to everybody else, one without loses the mark that it had.
// Where the mark cannot be written, the ranges are returned with the error.
func (s *Store) Check(ctx context.Context, d verify.Digest, size int64, progress func(int64)) ([]verify.BadRange, error) {
	f, err := s.open(d)
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
	return ranges, s.setMark(d, st, ranges)
}

// marked reports whether a blob is known to be damaged.
func (s *Store) marked(d verify.Digest) bool {
	_, err := os.Lstat(s.Path(d) + markSuffix)
	return err == nil
}

// setMark writes down which ranges of a blob are bad, or that none is. It says
// nothing of a file that has taken the place of the checked one meanwhile.
func (s *Store) setMark(d verify.Digest, checked fs.FileInfo, bad []verify.BadRange) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now, err := os.Lstat(s.Path(d)); err != nil || !os.SameFile(now, checked) {
		return nil
	}
	if len(bad) == 0 {
		return s.unmark(d)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "checked %s\n", time.Now().UTC().Format(time.RFC3339))
	for _, r := range bad[:min(len(bad), maxMarkRanges)] {
		fmt.Fprintf(&text, "bytes %d-%d are not what the digest names\n", r.Offset, r.Offset+r.Length-1)
	}
	if more := len(bad) - maxMarkRanges; more > 0 {
		fmt.Fprintf(&text, "and %d ranges more\n", more)
	}
	err := disk.WriteFile(s.Path(d)+markSuffix, []byte(text.String()), 0o600)
	return disk.Wrap("mark blob "+d.String(), s.dir, err)
}

// unmark takes a mark away where there is one. The caller holds mu.
func (s *Store) unmark(d verify.Digest) error {
	if err := os.Remove(s.Path(d) + markSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("unmark blob: %w", err)
	}
	return nil
}
