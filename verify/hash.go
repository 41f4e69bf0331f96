package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// stretchGroups is how many groups a worker reads at once: 1 MiB.
const stretchGroups = 64

// HashFile reads size bytes from r and returns their complete tree. The work is
// shared by workers goroutines, which read 1 MiB at a time; 0 means one a core.
// Size is that of the file: a shorter file is a *SizeError, and longer ones are
// not noticed.
func HashFile(ctx context.Context, r io.ReaderAt, size int64, workers int) (*Tree, error) {
	if size < 0 || size > MaxFileSize {
		return nil, fmt.Errorf("hash file: size %d, want 0 to %d", size, int64(MaxFileSize))
	}
	t := NewTree(size)
	if err := t.Fill(ctx, r, workers); err != nil {
		return nil, err
	}
	return t, nil
}

// Fill sets the groups that are not set yet from r, as HashFile does. Nobody
// else may set groups meanwhile.
func (t *Tree) Fill(ctx context.Context, r io.ReaderAt, workers int) error {
	return t.stretches(ctx, workers, func(first, end int, buf []byte) error {
		for first < end && t.Has(first) {
			first++
		}
		for first < end && t.Has(end-1) {
			end--
		}
		if first == end {
			return nil
		}
		got, err := t.read(r, first, end, buf)
		if err != nil {
			return fmt.Errorf("hash file: %w", err)
		}
		if got < t.span(first, end) {
			return &SizeError{Got: int64(first)*GroupSize + got, Want: t.size}
		}
		for i := first; i < end; i++ {
			if !t.Has(i) {
				t.SetGroup(i, buf[(i-first)*GroupSize:][:t.GroupLen(i)])
			}
		}
		return nil
	})
}

// stretches calls do for every run of groups [first, end) of the file, from
// workers goroutines, each with a buffer of its own that holds one stretch.
func (t *Tree) stretches(ctx context.Context, workers int, do func(first, end int, buf []byte) error) error {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	count := (t.Groups() + stretchGroups - 1) / stretchGroups
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range min(workers, count) {
		g.Go(func() error {
			buf := make([]byte, min(t.size, stretchGroups*GroupSize))
			for i := int(next.Add(1)) - 1; i < count; i = int(next.Add(1)) - 1 {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := do(i*stretchGroups, min((i+1)*stretchGroups, t.Groups()), buf); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// span returns the bytes of groups [first, end).
func (t *Tree) span(first, end int) int64 {
	return min(int64(end)*GroupSize, t.size) - int64(first)*GroupSize
}

// read fills buf with groups [first, end) and returns how many bytes there were;
// fewer than span means that the file ends there.
func (t *Tree) read(r io.ReaderAt, first, end int, buf []byte) (int64, error) {
	want := t.span(first, end)
	n, err := r.ReadAt(buf[:want], int64(first)*GroupSize)
	if int64(n) < want && err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	return int64(n), nil
}

// A BadRange is a range of a file that is not what its tree says.
type BadRange struct {
	Offset int64 `json:"offset"` // bytes, from the start of the file
	Length int64 `json:"length"` // bytes
}

// Check reads a file of size bytes and returns the ranges, in order and joined
// where they touch, that are not what t says; none means that the file is whole.
// Bytes past the end of a file that is too short are bad; a file that is too
// long is for the caller to notice. A nil t, or one that is not of want, gives
// one range over the whole file where its digest is not want.
//
// Progress, where not nil, is called from several goroutines with the number of
// bytes that were checked since its last call. An error means that the file
// could not be read or ctx ended, never that bytes are bad.
func Check(ctx context.Context, r io.ReaderAt, size int64, t *Tree, want Digest, workers int, progress func(int64)) ([]BadRange, error) {
	if progress == nil {
		progress = func(int64) {}
	}
	if !t.proves(size, want) {
		return checkWhole(ctx, r, size, want, workers, progress)
	}
	bad := make([]atomic.Bool, t.Groups())
	err := t.stretches(ctx, workers, func(first, end int, buf []byte) error {
		got, err := t.read(r, first, end, buf)
		if err != nil {
			return fmt.Errorf("check file: %w", err)
		}
		for i := first; i < end; i++ {
			at := int64(i-first) * GroupSize
			data := buf[min(at, got):min(at+int64(t.GroupLen(i)), got)]
			bad[i].Store(!t.VerifyGroup(i, data))
		}
		progress(t.span(first, end))
		return nil
	})
	if err != nil {
		return nil, err
	}
	var ranges []BadRange
	for i := range bad {
		if !bad[i].Load() {
			continue
		}
		off, n := int64(i)*GroupSize, int64(t.GroupLen(i))
		if last := len(ranges) - 1; last >= 0 && ranges[last].Offset+ranges[last].Length == off {
			ranges[last].Length += n
		} else {
			ranges = append(ranges, BadRange{off, n})
		}
	}
	return slices.Clip(ranges), nil
}

// proves reports whether t is the complete tree of a file with that size and
// digest.
func (t *Tree) proves(size int64, want Digest) bool {
	if t == nil || t.size != size {
		return false
	}
	got, err := t.Root()
	return err == nil && got == want
}

func checkWhole(ctx context.Context, r io.ReaderAt, size int64, want Digest, workers int, progress func(int64)) ([]BadRange, error) {
	t, err := HashFile(ctx, r, size, workers)
	var short *SizeError
	if err != nil && !errors.As(err, &short) {
		return nil, err
	}
	progress(size)
	if short == nil {
		if got, err := t.Root(); err != nil || got == want {
			return nil, err
		}
	}
	return []BadRange{{0, size}}, nil
}
