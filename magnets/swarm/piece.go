package swarm

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/anacrolix/torrent/storage"

	"samara/verify"
)

// bulkRead is how many bytes of a piece are read at once: small enough that
// SHA-1 and BLAKE3 find them in the processor's cache, a multiple of a group.
const bulkRead = 16 * verify.GroupSize

var bulkBuffers = sync.Pool{New: func() any { return new([bulkRead]byte) }}

// A piece is one piece of a store, as the torrent client sees it.
type piece struct {
	s   *store
	i   int
	len int64 // bytes that peers send: padding at a file's end apart
}

// A reader reads the whole torrent, for uploads.
type reader struct{ s *store }

// ReadAt reads verified bytes; off counts from the torrent's start.
func (r reader) ReadAt(b []byte, off int64) (int, error) {
	p := int(off / r.s.info.PieceLength)
	if err := r.s.access(p, b, off, false); err != nil {
		return 0, err
	}
	return len(b), nil
}

// Close does nothing: the store owns the files.
func (r reader) Close() error { return nil }

// ReadAt reads what was written to the piece.
func (p *piece) ReadAt(b []byte, off int64) (int, error) {
	if err := p.s.access(p.i, b, p.s.pieceStart(p.i)+off, false); err != nil {
		return 0, err
	}
	return len(b), nil
}

// WriteAt stores a block that a peer sent.
func (p *piece) WriteAt(b []byte, off int64) (int, error) {
	if err := p.s.access(p.i, b, p.s.pieceStart(p.i)+off, true); err != nil {
		return 0, err
	}
	return len(b), nil
}

// access reads or writes the bytes of piece p at offset off of the torrent.
// Padding reads as zeros and is not written.
func (s *store) access(p int, b []byte, off int64, write bool) error {
	if off < 0 || off+int64(len(b)) > s.length {
		return io.EOF
	}
	if err := s.begin(); err != nil {
		return err
	}
	defer s.end()
	for seg := range s.segments(off, int64(len(b))) {
		part := b[:seg.n]
		b = b[seg.n:]
		if err := s.accessSegment(p, seg, part, write); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) accessSegment(p int, seg segment, b []byte, write bool) error {
	if s.files[seg.file].Pad {
		if !write {
			clear(b)
		}
		return nil
	}
	path, writable, err := s.place(p, seg)
	if err != nil {
		return fmt.Errorf("file %d of %s: %w", seg.file, s.info.Name, err)
	}
	if !write {
		return s.cache.readFull(path, openFlags(writable), b, seg.off)
	}
	if !writable {
		return fmt.Errorf("write %s: it is a verified file", path)
	}
	f, err := s.cache.acquire(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return writeError(path, err)
	}
	defer s.cache.release(f)
	if _, err := f.WriteAt(b, seg.off); err != nil {
		return writeError(path, err)
	}
	return nil
}

func openFlags(writable bool) int {
	if writable {
		return os.O_RDWR
	}
	return os.O_RDONLY
}

// WriteTo writes the piece's bytes to w, the client's SHA-1, and hashes the
// BLAKE3 groups that lie wholly inside it from the same read. Should the piece
// fail, it is read again before anyone relies on them. A piece that nobody has
// asked for is not read: the client wants every piece of a v2 torrent hashed
// whose hash it learned before the storage was there.
func (p *piece) WriteTo(w io.Writer) (int64, error) {
	if !p.s.holds(p.i) {
		return 0, errNotFetched
	}
	n, err := p.s.readPiece(p.i, p.len, w)
	if err != nil && err != ErrClosed {
		p.s.trouble(fmt.Errorf("hash piece %d of %s: %w", p.i, p.s.info.Name, err), nil)
	}
	return n, err
}

// errNotFetched is no failure: the piece fails its hash and stays absent.
var errNotFetched = errors.New("nothing of the piece is fetched")

// holds reports whether bytes of piece p may be here.
func (s *store) holds(p int) bool {
	s.io.RLock()
	blob := s.fromBlob.has(p)
	s.io.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return blob || s.wanted.has(p) || s.have.has(p) || s.doubtful.has(p)
}

func (s *store) readPiece(p int, n int64, w io.Writer) (written int64, err error) {
	if err := s.begin(); err != nil {
		return 0, err
	}
	defer s.end()
	buf := bulkBuffers.Get().(*[bulkRead]byte)
	defer bulkBuffers.Put(buf)
	for seg := range s.segments(s.pieceStart(p), n) {
		for seg.n > 0 {
			part := seg
			part.n = min(seg.n, bulkRead-seg.off%verify.GroupSize) // ends where a group ends
			b := buf[:part.n]
			if err := s.accessSegment(p, part, b, false); err != nil {
				return written, err
			}
			if _, err := w.Write(b); err != nil {
				return written, err
			}
			written += part.n
			s.hashGroups(part, b)
			seg.off += part.n
			seg.n -= part.n
		}
	}
	return written, nil
}

// hashGroups sets the groups of a file that lie wholly in a segment.
func (s *store) hashGroups(seg segment, b []byte) {
	t := s.files[seg.file].tree
	if t == nil {
		return
	}
	if over := seg.off % verify.GroupSize; over != 0 {
		skip := min(verify.GroupSize-over, seg.n)
		b = b[skip:]
		seg.off += skip
	}
	for g := int(seg.off / verify.GroupSize); len(b) > 0 && len(b) >= t.GroupLen(g); g++ {
		t.SetGroup(g, b[:t.GroupLen(g)])
		b = b[t.GroupLen(g):]
	}
}

// MarkComplete notes that the piece passed its hash.
func (p *piece) MarkComplete() error {
	err := p.s.verified(p.i)
	if err != nil {
		p.s.trouble(err, nil)
	}
	return err
}

// MarkNotComplete notes that the piece failed its hash.
func (p *piece) MarkNotComplete() error {
	s := p.s
	if s.wanted.has(p.i) {
		s.io.Lock()
		s.fromBlob.clear(p.i) // to be fetched whole, beside the blobs
		s.io.Unlock()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(p.i)
	return s.unmark(p.i)
}

// Completion says whether the piece passed its hash, or that it is not known.
func (p *piece) Completion() storage.Completion {
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	return storage.Completion{Ok: !s.doubtful.has(p.i), Complete: s.have.has(p.i)}
}
