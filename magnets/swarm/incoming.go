package swarm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"samara/magnets"
)

// openIncoming opens or makes the folder dir of a torrent in flight: bitmap
// file first, then every wanted file with its room taken, so that a disk that
// is too small says so now. Pieces that an earlier run verified are kept.
func openIncoming(cache *fileCache, dir string, info *magnets.Info, layout []LayoutFile, trouble func(error, []int)) (*store, error) {
	s := newStore(cache, dir, info, layout)
	s.trouble = trouble
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, writeError(dir, err)
	}
	old, err := s.recall()
	if err != nil {
		return nil, err
	}
	if err := s.makeFiles(); err != nil {
		return nil, err
	}
	if s.file, err = openHave(dir); err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	s.work.Go(func() { s.backfill(old) })
	return s, nil
}

// recall takes over what the bitmap file says and writes it anew. It returns
// the wanted pieces that are known to be right.
func (s *store) recall() (known []int, err error) {
	marked, sameBoot, ok := readHave(s.dir, s.info, s.boot)
	if !ok {
		sameBoot = false
		marked = newBitmap(s.info.Pieces)
		if s.anyFile() { // files without a bitmap: hash them all
			copy(marked, s.wanted)
		}
	}
	sizes := s.sizes()
	for p := range s.info.Pieces {
		switch {
		case !marked.has(p) || !s.onDisk(p, sizes):
		case sameBoot:
			s.mark(p)
			if s.wanted.has(p) {
				known = append(known, p)
			}
		default:
			s.doubtful.set(p)
			s.doubts++
		}
	}
	for p := range s.info.Pieces { // blobs are right, but are they these pieces?
		if s.blobOnly.has(p) && !s.have.has(p) && !s.doubtful.has(p) {
			s.doubtful.set(p)
			s.doubts++
		}
	}
	boot, bits := s.boot, newBitmap(s.info.Pieces)
	for i := range bits {
		bits[i] = s.have[i] | s.doubtful[i]
	}
	if s.doubts > 0 {
		boot = "" // nobody vouches for the bits yet
	}
	return known, writeHave(s.dir, s.info, boot, bits)
}

// sizes returns how long each numbered file is, -1 where there is none.
func (s *store) sizes() []int64 {
	sizes := make([]int64, len(s.files))
	for i := range s.files {
		sizes[i] = -1
		if s.files[i].numbered == "" {
			continue
		}
		if st, err := os.Lstat(s.files[i].numbered); err == nil && st.Mode().IsRegular() {
			sizes[i] = st.Size()
		}
	}
	return sizes
}

func (s *store) anyFile() bool {
	for _, size := range s.sizes() {
		if size >= 0 {
			return true
		}
	}
	return false
}

// onDisk reports whether the files of piece p are long enough to hold it.
func (s *store) onDisk(p int, sizes []int64) bool {
	if s.blobOnly.has(p) {
		return true
	}
	for seg := range s.segments(s.pieceStart(p), s.pieceLen(p)) {
		if !s.files[seg.file].Pad && sizes[seg.file] < seg.off+seg.n {
			return false
		}
	}
	return true
}

// makeFiles makes the wanted files and takes room for them. When that fails,
// the files that it made are removed again.
func (s *store) makeFiles() error {
	var made []string
	for i := range s.files {
		f := &s.files[i]
		if !f.fetched() {
			continue
		}
		_, err := os.Lstat(f.numbered)
		if errors.Is(err, fs.ErrNotExist) {
			made = append(made, f.numbered)
		}
		if err := makeFile(f.numbered, f.Size); err != nil {
			for _, path := range made {
				_ = os.Remove(path) // the error that brought us here says more
			}
			return writeError(f.numbered, err)
		}
	}
	return nil
}

// makeFile makes path size bytes long, what it holds already included.
func makeFile(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600) //nolint:gosec // a path of ours
	if err != nil {
		return err
	}
	st, err := f.Stat()
	switch {
	case err != nil:
	case st.Size() > size:
		err = f.Truncate(size)
	case st.Size() < size:
		err = preallocate(f, size)
	}
	return errors.Join(err, f.Close())
}
