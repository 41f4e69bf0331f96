package registry

import (
	"os"
	"path/filepath"

	"samara/registry/disk"
)

// Bounds of the disk reserve. Badger maps files that are larger than what is
// written in them, so a disk that fills up under it kills the process: nothing is
// fetched into the reserve, nothing is written once less than the smallest
// reserve is free, and a file of that size is held as ballast, for closing the
// index and removing models on a disk that others have filled.
const (
	MinDiskReserve = 32 << 20 // bytes
	MaxDiskReserve = 1 << 30  // bytes
	reservePercent = 5        // of the disk
	ballastSize    = MinDiskReserve
	indexRoom      = 24 << 20 // bytes that Badger may take at once: a log and a table
)

func (s *Store) ballastPath() string { return filepath.Join(s.dir, "ballast") }

// checkReserve refuses a disk with less room than the reserve.
func (s *Store) checkReserve() error {
	space, err := s.opts.Space(s.dir)
	if err != nil {
		return err
	}
	s.reserve = min(max(space.Total*reservePercent/100, MinDiskReserve), MaxDiskReserve)
	if s.opts.DiskReserve > 0 {
		s.reserve = uint64(s.opts.DiskReserve)
	}
	return s.room("open "+s.dir, s.reserve)
}

// CheckRoom says whether need more bytes fit on the disk with the reserve still
// free: nil, or a *disk.FullError.
func (s *Store) CheckRoom(need int64) error {
	return s.room("make room", s.reserve+uint64(max(need, 0)))
}

// writable says whether the index can be written without danger.
func (s *Store) writable(op string) error {
	return s.room(op, min(s.reserve, MinDiskReserve))
}

func (s *Store) room(op string, need uint64) error {
	space, err := s.opts.Space(s.dir)
	if err != nil {
		return err
	}
	if space.Free < need {
		return &disk.FullError{Op: op, Dir: s.dir, Free: space.Free, Need: need}
	}
	return nil
}

// holdBallast takes the ballast, or most of it, where there is none and it leaves
// keep bytes free.
func (s *Store) holdBallast(keep uint64) {
	if st, err := os.Lstat(s.ballastPath()); err == nil && st.Size() >= indexRoom {
		return
	}
	space, err := s.opts.Space(s.dir)
	if err != nil || space.Free < keep+indexRoom {
		return // all works without it until the disk is full
	}
	_ = disk.Allocate(s.ballastPath(), int64(min(ballastSize, space.Free-keep))) // as above
}

// dropBallast gives its room to whoever is about to write.
func (s *Store) dropBallast() {
	_ = os.Remove(s.ballastPath()) // it may be gone already; the room is looked at again
}

// freeable says whether a change that makes room can be written; it may use the
// ballast for it.
func (s *Store) freeable(op string) error {
	if s.writable(op) == nil {
		return nil
	}
	s.dropBallast()
	return s.room(op, min(s.reserve, indexRoom))
}
