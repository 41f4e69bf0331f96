package swarm

import (
	"container/list"
	"fmt"
	"os"
	"sync"
	"syscall"
)

// maxOpenFiles bounds the descriptors that a swarm keeps open for its files.
const maxOpenFiles = 256

// A fileCache keeps the files that are read and written most recently open.
type fileCache struct {
	mu    sync.Mutex
	open  map[string]*list.Element // of *openFile, by path
	order *list.List               // most recently used first
}

// An openFile is a file and the number of calls that use it now.
type openFile struct {
	*os.File
	path  string
	flags int
	users int
	gone  bool // forgotten: the last user closes it
}

func newFileCache() *fileCache {
	return &fileCache{open: map[string]*list.Element{}, order: list.New()}
}

// acquire opens path, or finds it open; release must follow. A file that was
// opened for writing serves readers too.
func (c *fileCache) acquire(path string, flags int) (*openFile, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.open[path]; ok {
		f := e.Value.(*openFile)
		if f.flags&os.O_RDWR != 0 || flags&os.O_RDWR == 0 {
			f.users++
			c.order.MoveToFront(e)
			return f, nil
		}
		c.removeLocked(e)
	}
	file, err := os.OpenFile(path, flags|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	f := &openFile{File: file, path: path, flags: flags, users: 1}
	c.open[path] = c.order.PushFront(f)
	c.shrinkLocked()
	return f, nil
}

// release ends the use of f.
func (c *fileCache) release(f *openFile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.users--
	if f.gone && f.users == 0 {
		_ = f.Close() // written bytes are synced by name, not by this close
	}
}

// shrinkLocked closes the files that were not used for longest.
func (c *fileCache) shrinkLocked() {
	for e := c.order.Back(); e != nil && c.order.Len() > maxOpenFiles; {
		prev := e.Prev()
		if e.Value.(*openFile).users == 0 {
			c.removeLocked(e)
		}
		e = prev
	}
}

func (c *fileCache) removeLocked(e *list.Element) {
	f := e.Value.(*openFile)
	c.order.Remove(e)
	delete(c.open, f.path)
	f.gone = true
	if f.users == 0 {
		_ = f.Close() // see release
	}
}

// forget closes path as soon as nobody uses it.
func (c *fileCache) forget(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.open[path]; ok {
		c.removeLocked(e)
	}
}

// close closes every file.
func (c *fileCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for e := c.order.Front(); e != nil; e = c.order.Front() {
		c.removeLocked(e)
	}
}

// readFull fills b from path at offset off.
func (c *fileCache) readFull(path string, flags int, b []byte, off int64) error {
	f, err := c.acquire(path, flags)
	if err != nil {
		return err
	}
	defer c.release(f)
	if n, err := f.ReadAt(b, off); n < len(b) {
		return fmt.Errorf("read %s: bytes %d-%d: %w", path, off, off+int64(len(b)), err)
	}
	return nil
}
