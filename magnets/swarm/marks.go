package swarm

import (
	"fmt"
	"io"
	"os"

	"samara/verify"
)

// mark sets piece p in have and counts its bytes.
func (s *store) mark(p int) {
	if s.have.has(p) {
		return
	}
	s.have.set(p)
	s.count(p, 1)
}

// unmark clears piece p in have, in the file too.
func (s *store) unmark(p int) error {
	if s.have.has(p) {
		s.have.clear(p)
		s.count(p, -1)
	}
	if s.hashed.has(p) {
		s.hashed.clear(p)
		if s.wanted.has(p) && s.left > 0 {
			s.left++
		}
	}
	if s.file == nil {
		return nil
	}
	return s.put(p)
}

// put writes the mark of piece p to the bitmap file. A piece in doubt stays
// marked there until its hash fails.
func (s *store) put(p int) error {
	return s.file.put(p/8, s.have[p/8]|s.doubtful[p/8])
}

func (s *store) count(p int, sign int64) {
	for seg := range s.segments(s.pieceStart(p), s.pieceLen(p)) {
		s.files[seg.file].done.Add(sign * seg.n)
	}
}

// settle ends the doubt about piece p; when the last one is gone this boot
// vouches for the whole bitmap file.
func (s *store) settle(p int) {
	if !s.doubtful.has(p) {
		return
	}
	s.doubtful.clear(p)
	if s.doubts--; s.doubts == 0 && s.file != nil {
		if err := s.file.confirm(s.info, s.boot); err != nil {
			s.trouble(err, nil)
		}
	}
}

// verified notes that piece p passed its hash: in memory, in the bitmap file,
// and in the trees. When it was the last wanted one, finished is closed.
func (s *store) verified(p int) error {
	s.mu.Lock()
	s.settle(p)
	if !s.have.has(p) {
		s.mark(p)
		s.unsynced = append(s.unsynced, p)
		if s.file != nil {
			if err := s.put(p); err != nil {
				s.mu.Unlock()
				return err
			}
		}
	}
	s.startSync()
	s.mu.Unlock()
	return s.join(p)
}

// join hashes the groups that piece p shares with neighbours whose own groups
// are hashed, then counts p as hashed. Of two neighbours the later one finds
// the other, whichever order they come in.
func (s *store) join(p int) error {
	s.mu.Lock()
	if s.hashed.has(p) {
		s.mu.Unlock()
		return nil
	}
	s.hashed.set(p)
	before := p > 0 && s.hashed.has(p-1)
	after := p+1 < s.info.Pieces && s.hashed.has(p+1)
	s.mu.Unlock()

	var err error
	if before {
		err = s.hashAcross(p)
	}
	if after && err == nil {
		err = s.hashAcross(p + 1)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.hashed.clear(p) // for retry
		return err
	}
	if s.wanted.has(p) {
		if s.left--; s.left == 0 {
			close(s.finished)
		}
	}
	return nil
}

// hashAcross sets the group that begins in piece p-1 and ends in piece p.
func (s *store) hashAcross(p int) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.end()
	for seg := range s.segments(s.pieceStart(p), 1) {
		t := s.files[seg.file].tree
		over := seg.off % verify.GroupSize
		if t == nil || over == 0 {
			return nil
		}
		g := int(seg.off / verify.GroupSize)
		b := make([]byte, t.GroupLen(g))
		head := segment{seg.file, seg.off - over, over}
		tail := segment{seg.file, seg.off, int64(len(b)) - over}
		if err := s.accessSegment(p-1, head, b[:over], false); err != nil {
			return err
		}
		if err := s.accessSegment(p, tail, b[over:], false); err != nil {
			return err
		}
		t.SetGroup(g, b)
	}
	return nil
}

// retry hashes the groups of wanted pieces that are here and not hashed: they
// come from an earlier start, or their hashing failed.
func (s *store) retry() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var pieces []int
	for p := range s.info.Pieces {
		if s.wanted.has(p) && s.have.has(p) && !s.hashed.has(p) {
			pieces = append(pieces, p)
		}
	}
	if len(pieces) > 0 && !s.filling && !s.stop.Load() {
		s.filling = true
		s.work.Go(func() { s.backfill(pieces) })
	}
}

// backfill hashes the groups of pieces that are here already.
func (s *store) backfill(pieces []int) {
	defer func() {
		s.mu.Lock()
		s.filling = false
		s.mu.Unlock()
	}()
	for _, p := range pieces {
		if s.stop.Load() {
			return
		}
		_, err := s.readPiece(p, s.pieceLen(p), io.Discard)
		if err == nil {
			err = s.join(p)
		}
		if err != nil {
			if !s.stop.Load() {
				s.trouble(fmt.Errorf("hash piece %d of %s: %w", p, s.info.Name, err), nil)
			}
			return
		}
	}
}

// startSync writes verified pieces to the disk once there are enough of them.
// The bitmap file follows the bytes, so that after a power cut it is not
// behind by more.
func (s *store) startSync() {
	if s.syncing || s.file == nil || s.stop.Load() || int64(len(s.unsynced))*s.info.PieceLength < s.syncAt {
		return
	}
	s.syncing = true
	pieces := s.unsynced
	s.unsynced = nil
	s.work.Go(func() {
		err := s.sync(pieces)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.syncing = false
		if err == nil {
			return
		}
		// What the failed sync threw away is unknown: the pieces are not here.
		for _, p := range pieces {
			_ = s.unmark(p) // the sync's own error says more
		}
		s.trouble(err, pieces)
	})
}

// sync writes the files that hold pieces to the disk, then the bitmap file.
func (s *store) sync(pieces []int) error {
	if err := s.begin(); err != nil {
		return nil // closed: the next start does it
	}
	defer s.end()
	done := map[string]bool{}
	for _, p := range pieces {
		for seg := range s.segments(s.pieceStart(p), s.pieceLen(p)) {
			path, writable, err := s.place(p, seg)
			if err != nil || !writable || s.files[seg.file].Pad || done[path] {
				continue
			}
			done[path] = true
			f, err := s.cache.acquire(path, os.O_RDWR)
			if err != nil {
				return writeError(path, err)
			}
			err = datasync(f.File)
			s.cache.release(f)
			if err != nil {
				return writeError(path, err)
			}
		}
	}
	s.mu.Lock()
	file := s.file
	s.mu.Unlock()
	if file == nil {
		return nil
	}
	if err := datasync(file.f); err != nil {
		return writeError(file.f.Name(), err)
	}
	return nil
}
