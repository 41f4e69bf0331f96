package swarm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/anacrolix/torrent"

	"samara/magnets"
)

// Pieces that are fetched before the others: what tells a model's kind.
const (
	smallFile = 32 << 20 // bytes of a file that is fetched early as a whole
	headBytes = 8 << 20  // bytes at the beginning of every file
)

// A Torrent is one torrent of a Swarm. Its methods may be called from any
// goroutine.
type Torrent struct {
	s    *Swarm
	hash magnets.Hash
	t    *torrent.Torrent

	ctx    context.Context // ends with the torrent
	cancel context.CancelFunc
	work   sync.WaitGroup // run and redial
	kick   chan struct{}  // tells run to look around
	dial   chan struct{}  // tells redial to try peers now
	ready  chan struct{}  // closed when t is set
	done   chan struct{}

	link    magnets.Link  // what names the torrent
	gotInfo chan struct{} // closed when info or infoErr is set

	// op is held while the client is told to change; callbacks never take it.
	op sync.Mutex

	mu        sync.Mutex // never held while the client is called
	info      *magnets.Info
	infoErr   error
	offered   []byte // an info dictionary with the right hash, not looked at yet
	store     *store
	peers     []string        // named by the user
	linkPeers []string        // named by the link
	named     map[string]bool // addresses that the guard knows as named
	paused    bool
	trouble   error
	reports   []report
	rates     meter
}

// A report is a failure that the store or the client met.
type report struct {
	err  error
	lost []int // pieces that are not here any more
}

func newTorrent(s *Swarm) *Torrent {
	t := &Torrent{
		s:    s,
		kick: make(chan struct{}, 1), dial: make(chan struct{}, 1), ready: make(chan struct{}), done: make(chan struct{}),
		gotInfo: make(chan struct{}), named: map[string]bool{},
	}
	t.ctx, t.cancel = context.WithCancel(context.Background())
	return t
}

// take checks an info dictionary against the link and keeps it.
func (t *Torrent) take(b []byte, l magnets.Link) error {
	info, err := magnets.ParseInfo(slices.Clone(b))
	if err != nil {
		return err
	}
	if l.HasV1 && l.InfoHash != info.InfoHash || l.HasV2 && l.InfoHashV2 != info.InfoHashV2 {
		return &magnets.InfoError{Reason: "the info dictionary is not the one that the link names"}
	}
	t.info = info
	close(t.gotInfo)
	return nil
}

// InfoHash returns the v1 infohash, or the first 20 bytes of the v2 one, as
// the torrent was added.
func (t *Torrent) InfoHash() magnets.Hash { return t.hash }

// Metadata waits for the info dictionary, from whichever peer has it. It
// returns a *magnets.InfoError where it came and cannot be accepted, ErrClosed
// where the torrent was dropped.
func (t *Torrent) Metadata(ctx context.Context) (*magnets.Info, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-t.ctx.Done():
		return nil, ErrClosed
	case <-t.gotInfo:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.info, t.infoErr
}

// A Layout says where each file of the info dictionary goes.
type Layout struct {
	Files []LayoutFile // one for each of magnets.Info.Files, pads included
}

// A LayoutFile is one file's place; for a pad only Size counts.
type LayoutFile struct {
	Size int64  // bytes; must equal the info dictionary's
	Skip bool   // not wanted
	Blob string // a file that has these bytes already; "" = to be fetched
}

// Start opens the storage and downloads the wanted files: small files and the
// heads of all files first. It returns a *DiskFullError, and leaves no file
// behind, where there is no room. Pieces that an earlier run verified are kept;
// after another boot they are hashed again first.
func (t *Torrent) Start(ctx context.Context, l Layout) error {
	info, err := t.Metadata(ctx)
	if err != nil {
		return err
	}
	if len(l.Files) != len(info.Files) {
		return fmt.Errorf("start %s: a layout of %d files, want %d", info.Name, len(l.Files), len(info.Files))
	}
	for i, f := range l.Files {
		if f.Size != info.Files[i].Size {
			return fmt.Errorf("start %s: file %d has %d bytes in the layout, want %d", info.Name, i, f.Size, info.Files[i].Size)
		}
	}
	t.op.Lock()
	defer t.op.Unlock()
	t.mu.Lock()
	started := t.store != nil
	t.mu.Unlock()
	if started {
		return fmt.Errorf("start %s: it was started already", info.Name)
	}
	st, err := openIncoming(t.s.cache, t.s.incoming(t.hash), info, l.Files, t.report)
	if err != nil {
		return fmt.Errorf("start %s: %w", info.Name, err)
	}
	if err := t.t.OpenStorage(ctx, st); err != nil {
		return errors.Join(fmt.Errorf("start %s: %w", info.Name, err), st.close())
	}
	t.prioritize(st)
	t.mu.Lock()
	t.store = st
	t.mu.Unlock()
	wake(t.kick)
	wake(t.dial)
	return nil
}

// prioritize asks the client for the wanted pieces.
func (t *Torrent) prioritize(st *store) {
	for i := range st.files {
		f := &st.files[i]
		if !f.fetched() || f.Size == 0 {
			continue
		}
		early := f.Size
		if early > smallFile {
			early = headBytes
		}
		begin := int(st.starts[i] / st.info.PieceLength)
		earlyEnd := int((st.starts[i]+early-1)/st.info.PieceLength) + 1
		end := int((st.starts[i]+f.Size-1)/st.info.PieceLength) + 1
		for p := begin; p < earlyEnd; p++ {
			t.t.Piece(p).SetPriority(torrent.PiecePriorityHigh)
		}
		t.t.DownloadPieces(earlyEnd, end)
	}
}

// Done is closed once every wanted piece is verified and the trees of the
// wanted files are complete.
func (t *Torrent) Done() <-chan struct{} { return t.done }

// run owns the torrent's housekeeping: metadata that was offered, failures that
// were reported, the end of the transfer.
func (t *Torrent) run() {
	for {
		t.acceptOffer()
		t.handleReports()
		var finished chan struct{}
		if st := t.opened(); st != nil && !isClosed(t.done) {
			finished = st.finished
		}
		select {
		case <-t.ctx.Done():
			return
		case <-t.kick:
		case <-finished:
			close(t.done)
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// wake makes whoever waits for c look around; it never waits itself.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// report takes a failure from a callback: it must not wait for the client.
func (t *Torrent) report(err error, lost []int) {
	t.mu.Lock()
	t.reports = append(t.reports, report{err, lost})
	t.mu.Unlock()
	wake(t.kick)
}

// handleReports pauses the transfer for the first failure that was reported.
func (t *Torrent) handleReports() {
	t.mu.Lock()
	reports := t.reports
	t.reports = nil
	var first error
	for _, r := range reports {
		if first == nil && !errors.Is(r.err, ErrClosed) {
			first = r.err
		}
	}
	if first != nil && t.trouble == nil {
		t.trouble = first
	}
	t.mu.Unlock()
	if first == nil {
		return
	}
	t.op.Lock()
	defer t.op.Unlock()
	t.t.DisallowDataDownload()
	for _, r := range reports {
		for _, p := range r.lost {
			t.t.Piece(p).UpdateCompletion()
		}
	}
}
