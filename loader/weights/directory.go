package weights

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Directory is the tensors of a release with their bytes mapped read-only.
// It is safe for use by several goroutines. Tensor data may be read only
// between Acquire and the release it returns.
type Directory struct {
	*Header
	maps [][]byte // one per weight file

	mu     sync.Mutex
	idle   *sync.Cond // users became 0
	users  int
	closed bool
}

// Map maps the weight files of a header, each an *os.File of exactly the size
// the header was read with. The files may be closed afterwards.
func Map(h *Header) (*Directory, error) {
	d := &Directory{Header: &Header{}}
	*d.Header = *h
	d.Tensors = make(map[string]Tensor, len(h.Tensors))
	d.idle = sync.NewCond(&d.mu)
	for _, f := range h.files {
		m, err := mapFile(f)
		if err != nil {
			return nil, errors.Join(err, d.Close())
		}
		d.maps = append(d.maps, m)
	}
	for name, t := range h.Tensors {
		d.Tensors[name] = t.mapped(d.maps)
	}
	return d, nil
}

// mapped is the tensor with its bytes, and those of what belongs to it.
func (t Tensor) mapped(maps [][]byte) Tensor {
	if t.Parts == nil {
		t.Data = t.in(maps)
	}
	t.Parts = slices.Clone(t.Parts)
	for i := range t.Parts {
		t.Parts[i].Data = t.Parts[i].in(maps)
	}
	if t.Scale != nil {
		t.Scale = &Scale{t.Scale.mapped(maps), t.Scale.Rows, t.Scale.Cols}
	}
	if t.Groups != nil {
		g := *t.Groups
		g.Scales, g.Zeros = g.Scales.mapped(maps), g.Zeros.mapped(maps)
		if g.Index != nil {
			index := g.Index.mapped(maps)
			g.Index = &index
		}
		t.Groups = &g
	}
	return t
}

// mapFile maps one file after checking that it has its size.
func mapFile(f File) ([]byte, error) {
	file, ok := f.R.(*os.File)
	if !ok {
		return nil, fmt.Errorf("map %s: got no file descriptor, want one", f.Path)
	}
	st, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", f.Path, err)
	}
	if st.Size() != f.Size || int64(int(f.Size)) != f.Size {
		return nil, &FormatError{File: f.Path, Object: "file", Reason: fmt.Sprintf("got %d bytes, want %d", st.Size(), f.Size)}
	}
	m, err := unix.Mmap(int(file.Fd()), 0, int(f.Size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", f.Path, err)
	}
	adviseHuge(m)
	return m, nil
}

// Acquire holds the mapping until release is called. After Close it fails with
// ErrClosed.
func (d *Directory) Acquire() (release func(), err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, ErrClosed
	}
	d.users++
	return sync.OnceFunc(func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.users--; d.users == 0 {
			d.idle.Broadcast()
		}
	}), nil
}

// Close refuses new holders, waits for those there are, and unmaps. A second
// Close waits too and does nothing more.
func (d *Directory) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for d.users > 0 {
		d.idle.Wait()
	}
	var errs []error
	for _, m := range d.maps {
		errs = append(errs, unix.Munmap(m))
	}
	d.maps = nil
	return errors.Join(errs...)
}

// contains tells whether an address lies in the mapping.
func (d *Directory) contains(addr uintptr) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.maps {
		start := uintptr(unsafe.Pointer(unsafe.SliceData(m)))
		if addr >= start && addr-start < uintptr(len(m))+uintptr(os.Getpagesize()) {
			return true
		}
	}
	return false
}

// HugePages tells whether the kernel has put part of the mapping into huge
// pages; false where that cannot be known.
func (d *Directory) HugePages() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, m := range d.maps {
		if hugeMapped(m) {
			return true
		}
	}
	return false
}

// PanicOnFault makes reads of memory that is gone panic in this goroutine
// instead of ending the process. Its result is for CatchFault.
func PanicOnFault() (before bool) { return debug.SetPanicOnFault(true) }

// CatchFault undoes PanicOnFault when it is deferred, and turns the panic of a
// read from this mapping into a *FaultError; other panics go on.
//
//	defer dir.CatchFault(weights.PanicOnFault(), &err)
func (d *Directory) CatchFault(before bool, err *error) {
	debug.SetPanicOnFault(before)
	switch p := recover().(type) {
	case nil:
	case interface{ Addr() uintptr }:
		if !d.contains(p.Addr()) {
			panic(p)
		}
		*err = &FaultError{Address: p.Addr()}
	default:
		panic(p)
	}
}
