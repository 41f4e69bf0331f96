package swarm

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"

	"samara/magnets"
)

// The file "have" remembers which pieces passed their hash, so that none of
// them is fetched or hashed again after a kill. Its layout is in
// docs/torrents.md: a header of haveHeader bytes, then one bit a piece.
//
// A bit is written after the piece's bytes were written, which is enough
// while the machine stays up: both are in the page cache. After another boot
// the disk may lack either, so marked pieces are hashed again.
const (
	haveMagic  = "samara have 1\n"
	haveHeader = 128 // bytes
	bootIDSize = 64  // bytes, padded with zeros
	haveName   = "have"
)

// A haveFile is an open bitmap file. Its methods are called with the store's
// lock held.
type haveFile struct {
	f *os.File
}

// haveHead returns the header of a torrent's bitmap file.
func haveHead(info *magnets.Info, boot string) []byte {
	b := make([]byte, 0, haveHeader)
	b = append(b, haveMagic...)
	id := make([]byte, bootIDSize)
	copy(id, boot)
	b = append(b, id...)
	h := info.ShortHash()
	b = append(b, h[:]...)
	b = fmt.Appendf(b, "%d", info.Pieces)
	return append(b, make([]byte, haveHeader-len(b))...)
}

// readHave reads a bitmap file. ok is false where there is none for this
// torrent; sameBoot says whether this boot wrote it.
func readHave(dir string, info *magnets.Info, boot string) (have bitmap, sameBoot, ok bool) {
	f, err := os.OpenFile(filepath.Join(dir, haveName), os.O_RDONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, false, false
	}
	defer f.Close()
	want := haveHead(info, boot)
	have = newBitmap(info.Pieces)
	b, err := io.ReadAll(io.LimitReader(f, int64(haveHeader+len(have)+1)))
	if err != nil || len(b) != haveHeader+len(have) {
		return nil, false, false
	}
	const bootEnd = len(haveMagic) + bootIDSize
	if !bytes.Equal(b[:len(haveMagic)], want[:len(haveMagic)]) || !bytes.Equal(b[bootEnd:haveHeader], want[bootEnd:]) {
		return nil, false, false
	}
	copy(have, b[haveHeader:])
	if spare := info.Pieces % 8; spare != 0 {
		have[len(have)-1] &= 0xff << (8 - spare)
	}
	return have, boot != "" && bytes.Equal(b[:haveHeader], want), true
}

// writeHave replaces the bitmap file as a whole.
func writeHave(dir string, info *magnets.Info, boot string, have bitmap) error {
	path := filepath.Join(dir, haveName)
	if err := renameio.WriteFile(path, append(haveHead(info, boot), have...), 0o600); err != nil {
		return writeError(path, err)
	}
	return nil
}

// openHave opens the bitmap file for changes.
func openHave(dir string) (*haveFile, error) {
	f, err := os.OpenFile(filepath.Join(dir, haveName), os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	return &haveFile{f}, nil
}

// put writes byte i of the bitmap.
func (h *haveFile) put(i int, b byte) error {
	_, err := h.f.WriteAt([]byte{b}, int64(haveHeader+i))
	if err != nil {
		return writeError(h.f.Name(), err)
	}
	return nil
}

// confirm notes that this boot vouches for every bit.
func (h *haveFile) confirm(info *magnets.Info, boot string) error {
	_, err := h.f.WriteAt(haveHead(info, boot), 0)
	if err != nil {
		return writeError(h.f.Name(), err)
	}
	return nil
}
