package daemon

import (
	"context"
	"crypto/sha1" //nolint:gosec // BitTorrent v1 pieces are SHA-1; BLAKE3 is what is trusted
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"samara/verify"
	"samara/web/client"
)

// chunkSize is how many bytes a pass reads at a time: whole groups, small
// enough that a chunk stays in a core's cache while it is hashed.
const chunkSize = 64 * verify.GroupSize

// A pass computes every digest that publishing needs while it reads each byte
// once: the BLAKE3 tree of each file on all cores, its SHA-256, the SHA-1 of
// the torrent's pieces across files, and, where the file has to be copied, the
// copy. Files are handed to it in torrent order.
type pass struct {
	pieces   pieceHasher
	free     chan *chunk // buffers nobody uses
	workers  int
	progress func(n int64) // told of n more bytes; called from one goroutine
}

// A chunk is a buffer that several goroutines read at once.
type chunk struct {
	off  int64 // bytes from the start of the file
	data []byte
	buf  []byte
	uses atomic.Int32
}

// newPass prepares for pieces of pieceLength bytes; with 0 nobody asks for
// pieces.
func newPass(pieceLength int64, progress func(int64)) *pass {
	p := &pass{
		pieces:   pieceHasher{length: pieceLength, h: sha1.New()}, //nolint:gosec // see the import
		workers:  runtime.GOMAXPROCS(0),
		progress: progress,
	}
	n := p.workers + 4 // one for the reader and each other consumer, so that none starves
	p.free = make(chan *chunk, n)
	for range n {
		p.free <- &chunk{buf: make([]byte, chunkSize)}
	}
	return p
}

// digests are what a pass learns of one file.
type digests struct {
	Tree   *verify.Tree
	SHA256 [sha256.Size]byte
}

// file reads exactly size bytes of r, and writes them to w unless it is nil.
// It fails where r ends before, and with what w says.
func (p *pass) file(ctx context.Context, r io.Reader, w io.Writer, size int64) (digests, error) {
	d := digests{Tree: verify.NewTree(size)}
	if size == 0 {
		d.Tree.SetGroup(0, nil)
	}
	sum := sha256.New()
	g, ctx := errgroup.WithContext(ctx)

	// Consumers that want the bytes in order, then those that do not care.
	ordered := []func([]byte) error{hashInto(sum)}
	if p.pieces.length > 0 {
		ordered = append(ordered, p.pieces.write)
	}
	if w != nil {
		ordered = append(ordered, func(b []byte) error { _, err := w.Write(b); return err })
	}
	var feeds []chan *chunk
	for _, consume := range ordered {
		feed := make(chan *chunk, cap(p.free))
		feeds = append(feeds, feed)
		g.Go(func() error { return p.each(feed, func(c *chunk) error { return consume(c.data) }) })
	}
	groups := make(chan *chunk, cap(p.free))
	feeds = append(feeds, groups)
	for range p.workers {
		g.Go(func() error { return p.each(groups, func(c *chunk) error { setGroups(d.Tree, c); return nil }) })
	}
	g.Go(func() error { return p.read(ctx, r, size, feeds) })
	if err := g.Wait(); err != nil {
		return digests{}, err
	}
	sum.Sum(d.SHA256[:0])
	return d, nil
}

// read hands every chunk of r to all feeds and closes them.
func (p *pass) read(ctx context.Context, r io.Reader, size int64, feeds []chan *chunk) error {
	defer func() {
		for _, f := range feeds {
			close(f)
		}
	}()
	for off := int64(0); off < size; {
		var c *chunk
		select {
		case c = <-p.free:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		c.off, c.data = off, c.buf[:min(size-off, chunkSize)]
		if _, err := io.ReadFull(r, c.data); err != nil {
			p.free <- c
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				err = errorf(client.CodeConflict, "try again once nobody writes to it", "the file became shorter while it was read")
			}
			return err
		}
		off += int64(len(c.data))
		n := int64(len(c.data))
		c.uses.Store(int32(len(feeds))) //nolint:gosec // four at most
		for _, f := range feeds {
			f <- c // has room for every chunk there is
		}
		p.progress(n)
	}
	return nil
}

// each calls f for every chunk of the feed and gives the chunk back. After an
// error it goes on giving back, so that the reader never waits for good.
func (p *pass) each(feed <-chan *chunk, f func(*chunk) error) error {
	var failed error
	for c := range feed {
		if failed == nil {
			failed = f(c)
		}
		if c.uses.Add(-1) == 0 {
			p.free <- c
		}
	}
	return failed
}

func hashInto(h hash.Hash) func([]byte) error {
	return func(b []byte) error { _, err := h.Write(b); return err }
}

func setGroups(t *verify.Tree, c *chunk) {
	first := int(c.off / verify.GroupSize)
	for i := 0; i*verify.GroupSize < len(c.data); i++ {
		end := min((i+1)*verify.GroupSize, len(c.data))
		t.SetGroup(first+i, c.data[i*verify.GroupSize:end])
	}
}

// A pieceHasher cuts a stream into pieces of equal length and keeps the SHA-1
// of each.
type pieceHasher struct {
	length int64 // bytes of a piece
	filled int64 // bytes of the present one
	h      hash.Hash
	sums   []byte // 20 bytes a piece
}

func (p *pieceHasher) write(b []byte) error {
	for len(b) > 0 {
		n := min(int64(len(b)), p.length-p.filled)
		if _, err := p.h.Write(b[:n]); err != nil {
			return fmt.Errorf("hash piece: %w", err)
		}
		p.filled += n
		b = b[n:]
		if p.filled == p.length {
			p.finish()
		}
	}
	return nil
}

// finish closes the present piece, the last one of the stream too.
func (p *pieceHasher) finish() {
	if p.filled > 0 {
		p.sums = p.h.Sum(p.sums)
		p.h.Reset()
		p.filled = 0
	}
}
