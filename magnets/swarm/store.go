package swarm

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/anacrolix/torrent/metainfo"
	"github.com/anacrolix/torrent/storage"

	"samara/magnets"
	"samara/verify"
)

// How many bytes of verified pieces may be missing on the disk after a power
// cut: a share of the torrent, but no less than syncEvery.
const (
	syncEvery = 128 << 20 // bytes
	syncShare = 50        // the fiftieth part
)

// A store is where one torrent's bytes lie. It is the torrent client's
// storage: the client calls it from many goroutines, never with a lock of
// ours held.
//
// Torrent paths never reach the file system. A wanted file is the file number
// i under dir. A file that is known already is read where it lies (its blob);
// only a piece that it shares with a wanted file is fetched whole, and then
// its part of that piece goes to a sparse file number i. The same holds for
// files that are not wanted.
type store struct {
	cache   *fileCache
	dir     string // incoming/<infohash>; "" where nothing can be fetched
	info    *magnets.Info
	files   []storedFile
	starts  []int64                     // offset of each file in the torrent, bytes
	length  int64                       // bytes of the torrent
	wanted  bitmap                      // pieces to fetch
	trouble func(err error, lost []int) // told of failures; takes no lock and does not wait

	io       sync.RWMutex // held to read or write files; to write while their places change
	closed   bool         // under io
	fromBlob bitmap       // under io: pieces whose parts of blobs are read there

	mu       sync.Mutex
	have     bitmap // pieces that passed their hash
	hashed   bitmap // pieces whose BLAKE3 groups are in the trees
	doubtful bitmap // pieces marked by an earlier boot, to be hashed again
	doubts   int    // bits in doubtful
	left     int    // wanted pieces that are not hashed yet
	file     *haveFile
	boot     string
	syncAt   int64 // bytes of unsynced pieces that start a sync
	unsynced []int // pieces verified since the last sync
	syncing  bool
	filling  bool          // a backfill runs
	finished chan struct{} // closed when left is 0

	work sync.WaitGroup // syncs and the backfill
	stop atomic.Bool    // written under mu
}

// A storedFile is one file of the torrent, in torrent order.
type storedFile struct {
	magnets.File
	skip     bool
	blob     string       // a verified file to read, "" = none
	numbered string       // its number under dir, "" = none
	rebased  bool         // blob holds all of it
	tree     *verify.Tree // nil where nothing is hashed
	done     atomic.Int64 // bytes in verified pieces
}

// fetched reports whether the file is wanted and not known already.
func (f *storedFile) fetched() bool { return !f.Pad && !f.skip && f.blob == "" }

func newStore(cache *fileCache, dir string, info *magnets.Info, layout []LayoutFile) *store {
	s := &store{
		cache: cache, dir: dir, info: info,
		files: make([]storedFile, len(info.Files)), starts: make([]int64, len(info.Files)),
		wanted: newBitmap(info.Pieces), fromBlob: newBitmap(info.Pieces),
		have: newBitmap(info.Pieces), hashed: newBitmap(info.Pieces), doubtful: newBitmap(info.Pieces),
		boot: bootID(), finished: make(chan struct{}), trouble: func(error, []int) {},
	}
	for i := range s.files {
		f := &s.files[i]
		f.File = info.Files[i]
		f.skip, f.blob = layout[i].Skip, layout[i].Blob
		if dir != "" && !f.Pad {
			f.numbered = fmt.Sprintf("%s/%d", dir, i)
		}
		if f.fetched() && dir != "" {
			f.tree = verify.NewTree(f.Size)
			if f.Size == 0 {
				f.tree.SetGroup(0, nil)
			}
		}
		s.starts[i] = s.length
		s.length += f.Size
	}
	for p := range info.Pieces {
		blobs := true
		for seg := range s.segments(s.pieceStart(p), s.pieceLen(p)) {
			f := &s.files[seg.file]
			if f.fetched() {
				s.wanted.set(p)
			}
			blobs = blobs && (f.Pad || f.blob != "")
		}
		if blobs {
			s.fromBlob.set(p)
		}
	}
	s.syncAt = max(syncEvery, s.length/syncShare)
	s.left = s.wanted.count()
	if s.left == 0 {
		close(s.finished)
	}
	return s
}

func (s *store) pieceStart(p int) int64 { return int64(p) * s.info.PieceLength }

// pieceLen returns the bytes of piece p, padding at the torrent's end apart.
func (s *store) pieceLen(p int) int64 {
	return min(s.info.PieceLength, s.length-s.pieceStart(p))
}

// A segment is a stretch of the torrent that lies in one file.
type segment struct {
	file int
	off  int64 // in the file, bytes
	n    int64 // bytes
}

// segments yields the parts of n bytes at off of the torrent, in order.
func (s *store) segments(off, n int64) func(yield func(segment) bool) {
	return func(yield func(segment) bool) {
		i := sort.Search(len(s.starts), func(i int) bool { return s.starts[i] > off }) - 1
		for ; n > 0 && i < len(s.files); i++ {
			inFile := off - s.starts[i]
			size := min(n, s.files[i].Size-inFile)
			if size <= 0 {
				continue
			}
			if !yield(segment{i, inFile, size}) {
				return
			}
			off += size
			n -= size
		}
	}
}

// place returns the path where a segment of piece p lies, and whether it may
// be written. Call it with io held.
func (s *store) place(p int, seg segment) (path string, writable bool, err error) {
	f := &s.files[seg.file]
	switch {
	case f.rebased, f.blob != "" && s.fromBlob.has(p):
		return f.blob, false, nil
	case f.numbered != "":
		return f.numbered, true, nil
	}
	return "", false, fs.ErrNotExist
}

// begin holds the store open for reading or writing files; end must follow.
func (s *store) begin() error {
	s.io.RLock()
	if s.closed {
		s.io.RUnlock()
		return ErrClosed
	}
	return nil
}

func (s *store) end() { s.io.RUnlock() }

// OpenTorrent hands the store to the torrent client.
func (s *store) OpenTorrent(context.Context, *metainfo.Info, metainfo.Hash) (storage.TorrentImpl, error) {
	return storage.TorrentImpl{
		Piece:     func(p metainfo.Piece) storage.PieceImpl { return &piece{s, p.Index(), p.Length()} },
		NewReader: func() storage.TorrentReader { return reader{s} },
		Close:     s.close,
	}, nil
}

// close waits for whoever uses files and closes them. Files stay.
func (s *store) close() error {
	s.mu.Lock()
	s.stop.Store(true) // under mu: no sync starts from here on
	s.mu.Unlock()
	s.work.Wait()
	s.io.Lock()
	defer s.io.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.forget()
	return s.closeHave()
}

// forget closes every file of the torrent; io is held for writing.
func (s *store) forget() {
	for i := range s.files {
		s.cache.forget(s.files[i].numbered)
		s.cache.forget(s.files[i].blob)
	}
}

func (s *store) closeHave() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	err := s.file.f.Close()
	s.file = nil
	return err
}

// rebase reads file i from paths[i] from now on, "" = it is not there any
// more. It returns the pieces that are lost with files that are not there.
func (s *store) rebase(paths []string) (lost []int, err error) {
	s.work.Wait()
	s.io.Lock()
	defer s.io.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	s.forget()
	s.mu.Lock()
	for p := range s.info.Pieces {
		if !s.have.has(p) {
			continue
		}
		for seg := range s.segments(s.pieceStart(p), s.pieceLen(p)) {
			if !s.files[seg.file].Pad && paths[seg.file] == "" {
				_ = s.unmark(p) // the bitmap file ends here anyway
				lost = append(lost, p)
				break
			}
		}
	}
	s.mu.Unlock()
	for i := range s.files {
		f := &s.files[i]
		f.blob, f.rebased, f.numbered = paths[i], paths[i] != "", ""
	}
	return lost, s.closeHave()
}

// states returns the files in torrent order.
func (s *store) states() []FileState {
	s.io.RLock()
	defer s.io.RUnlock()
	states := make([]FileState, len(s.files))
	for i := range s.files {
		f := &s.files[i]
		st := FileState{Size: f.Size, Done: f.done.Load(), Tree: f.tree, Path: f.numbered}
		switch {
		case f.Pad, f.skip:
			st.Path = ""
		case f.blob != "":
			st.Path = f.blob
			st.Done = f.Size
		}
		states[i] = st
	}
	return states
}

// totals returns the bytes of wanted files, and those in verified pieces.
func (s *store) totals() (done, total int64) {
	for _, st := range s.states() {
		if st.Path != "" {
			done += st.Done
			total += st.Size
		}
	}
	return done, total
}

// seeded is a store for files that are known to be right; paths[i] is "" where
// file i is absent.
func seeded(cache *fileCache, info *magnets.Info, paths []string) (*store, error) {
	layout := make([]LayoutFile, len(info.Files))
	for i, path := range paths {
		layout[i] = LayoutFile{Size: info.Files[i].Size, Blob: path, Skip: path == ""}
		if path == "" || info.Files[i].Pad {
			continue
		}
		st, err := os.Stat(path)
		if err != nil {
			return nil, fmt.Errorf("seed %s: %w", info.Name, err)
		}
		if st.Size() != info.Files[i].Size {
			return nil, fmt.Errorf("seed %s: %s has %d bytes, want %d", info.Name, path, st.Size(), info.Files[i].Size)
		}
	}
	s := newStore(cache, "", info, layout)
	for i := range s.files {
		s.files[i].rebased = s.files[i].blob != ""
	}
	for p := range info.Pieces {
		if s.fromBlob.has(p) {
			s.mark(p)
		}
	}
	return s, nil
}
