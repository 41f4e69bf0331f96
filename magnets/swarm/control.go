package swarm

import (
	"errors"
	"fmt"
	"slices"

	"samara/verify"
)

// A FileState is one file's progress.
type FileState struct {
	Path string       // where its bytes lie: a numbered file or a blob; "" where skipped or a pad
	Size int64        // bytes
	Done int64        // bytes in verified pieces
	Tree *verify.Tree // of a fetched file: complete once Done is closed; nil for blobs, skipped files and pads
}

// Files returns the files in torrent order, nil before Start.
func (t *Torrent) Files() []FileState {
	if st := t.opened(); st != nil {
		return st.states()
	}
	return nil
}

func (t *Torrent) opened() *store {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.store
}

// usesIncoming reports whether files under Dir are in use.
func (t *Torrent) usesIncoming() bool {
	st := t.opened()
	if st == nil {
		return false
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.file != nil
}

// Trouble returns what paused the transfer: a *DiskFullError, or another
// failure of the disk. It is nil while all is well, and after Resume.
func (t *Torrent) Trouble() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.trouble
}

// Pause stops the transfer in both directions and lets its peers go.
func (t *Torrent) Pause() {
	t.op.Lock()
	defer t.op.Unlock()
	t.mu.Lock()
	t.paused = true
	t.mu.Unlock()
	t.t.DisallowDataDownload()
	t.t.DisallowDataUpload()
	t.t.SetMaxEstablishedConns(0)
}

// Resume goes on after Pause or after trouble.
func (t *Torrent) Resume() {
	t.op.Lock()
	defer t.op.Unlock()
	t.mu.Lock()
	t.paused, t.trouble = false, nil
	st := t.store
	t.mu.Unlock()
	if st != nil {
		st.retry()
	}
	t.t.SetMaxEstablishedConns(connsPerTorrent)
	t.t.AllowDataUpload()
	t.t.AllowDataDownload()
	wake(t.dial)
}

// AddPeers adds HOST:PORT that the user named; they may be private or
// loopback.
func (t *Torrent) AddPeers(peers []string) {
	t.mu.Lock()
	for _, p := range peers {
		if !slices.Contains(t.peers, p) {
			t.peers = append(t.peers, p)
		}
	}
	t.mu.Unlock()
	wake(t.dial)
}

// Rebase reads file i from paths[i] from now on, after its bytes were
// committed there, and goes on seeding. Where paths[i] is "" the file is gone:
// pieces that need it are not offered any more. A pad's path does not matter.
// Call it once Done is closed; RemoveIncoming may follow.
func (t *Torrent) Rebase(paths []string) error {
	st := t.opened()
	switch {
	case st == nil:
		return errors.New("rebase: the torrent was not started")
	case len(paths) != len(st.files):
		return fmt.Errorf("rebase %s: %d paths for %d files", st.info.Name, len(paths), len(st.files))
	}
	if !isClosed(st.finished) {
		return fmt.Errorf("rebase %s: it is still being fetched", st.info.Name)
	}
	t.op.Lock()
	defer t.op.Unlock()
	lost, err := st.rebase(slices.Clone(paths))
	for _, p := range lost {
		t.t.Piece(p).UpdateCompletion()
	}
	return err
}

// Drop forgets the torrent and closes its files; they stay where they are.
func (t *Torrent) Drop() error {
	t.halt()
	t.op.Lock()
	defer t.op.Unlock()
	var err error
	if st := t.opened(); st != nil {
		err = st.close() // before the client does it with its lock held
	}
	t.t.Drop()
	t.s.remove(t)
	return err
}

// halt ends what the torrent does beside the client.
func (t *Torrent) halt() {
	t.cancel()
	t.work.Wait()
	t.mu.Lock()
	named := t.named
	t.named = map[string]bool{}
	t.mu.Unlock()
	for addr := range named {
		t.s.guard.unname(addr)
	}
}
