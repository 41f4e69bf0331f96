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
	if err := s.recall(); err != nil {
		return nil, err
	}
	if err := s.makeFiles(); err != nil {
		return nil, err
	}
	file, err := openHave(dir)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	s.file = file
	s.retry()
	return s, nil
}

// recall takes over what the bitmap file says and writes it anew.
func (s *store) recall() error {
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
		onDisk, viaBlob := s.onDisk(p, sizes)
		switch {
		case s.fromBlob.has(p) && (!marked.has(p) || !sameBoot):
			s.doubt(p) // the blobs are right, but are they this piece?
		case !marked.has(p) || !onDisk:
		case viaBlob:
			s.fromBlob.set(p)
			s.doubt(p)
		case !sameBoot:
			s.doubt(p)
		default:
			s.mark(p)
		}
	}
	boot, bits := s.boot, newBitmap(s.info.Pieces)
	for i := range bits {
		bits[i] = s.have[i] | s.doubtful[i]
	}
	if s.doubts > 0 {
		boot = "" // nobody vouches for the bits yet
	}
	return writeHave(s.dir, s.info, boot, bits)
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

// doubt has piece p hashed again before anyone relies on it.
func (s *store) doubt(p int) {
	s.doubtful.set(p)
	s.doubts++
}

// onDisk reports whether the bytes of piece p may be here, and whether some of
// them lie in a blob now: a file that was committed just before a kill has left
// its number.
func (s *store) onDisk(p int, sizes []int64) (ok, viaBlob bool) {
	if s.fromBlob.has(p) {
		return true, false
	}
	for seg := range s.segments(s.pieceStart(p), s.pieceLen(p)) {
		f := &s.files[seg.file]
		switch {
		case f.Pad || sizes[seg.file] >= seg.off+seg.n:
		case f.blob != "" && sizes[seg.file] < 0:
			viaBlob = true
		default:
			return false, false
		}
	}
	return true, viaBlob
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
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
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
