package registry

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"samara/verify"
)

// MaxValue bounds one record of the index in bytes.
const MaxValue = 64 << 10

// batchSize is how many small records one transaction takes at most.
const batchSize = 2000

// Keys of the index: one letter and a name.
const (
	keySeq      = "m" // → number and hash of the last journal entry seen
	keyTag      = "t" // + Reference.Key → tagRecord
	keyVersion  = "v" // + digest → versionRecord
	keyTagsOf   = "r" // + digest + Reference.Key → nothing
	keyRepo     = "n" // + Repo in lower case + 0 + digest → nothing
	keyHash     = "i" // + 20 bytes of infohash → digest
	keyHashV2   = "j" // + 32 bytes of infohash → digest
	keyTorrent  = "h" // + 20 bytes of infohash → torrentRecord
	keyBlob     = "b" // + digest → BlobFacts
	keyTransfer = "x" // + id → Transfer
)

// index is the Badger database. Its functions must not be called from within
// their own callbacks.
type index struct {
	// life is read-locked by whoever uses db: closing unmaps what they read.
	life   sync.RWMutex
	closed bool
	db     *badger.DB
}

func openBadger(dir string) (*badger.DB, error) {
	o := badger.DefaultOptions(dir).
		WithSyncWrites(true).
		WithMemTableSize(8 << 20).
		WithNumMemtables(2).
		WithValueLogFileSize(64 << 20).
		WithBlockCacheSize(8 << 20).
		WithNumCompactors(2).
		WithChecksumVerificationMode(options.OnTableAndBlockRead).
		WithMetricsEnabled(false).
		WithLogger(nil)
	o.VerifyValueChecksum = true
	return badger.Open(o)
}

// openIndexAt opens the index in dir. Where that fails twice for reasons that
// lie in its files, it sets them aside and starts an empty one: after a kill the
// first try now and then fails, and the second works.
func openIndexAt(dir, aside string) (*index, error) {
	db, err := openBadger(dir)
	if err != nil {
		db, err = openBadger(dir)
	}
	if err != nil && !outsideTrouble(err) {
		if err := setAside(dir, aside); err != nil {
			return nil, err
		}
		db, err = openBadger(dir)
	}
	if err != nil {
		return nil, err
	}
	return &index{db: db}, nil
}

// setAside moves dir away, in place of what was moved there before.
func setAside(dir, aside string) error {
	if err := os.RemoveAll(aside); err != nil {
		return err
	}
	return os.Rename(dir, aside)
}

// outsideTrouble reports whether err comes from the system around the index
// rather than from its files.
func outsideTrouble(err error) bool {
	for _, e := range []error{fs.ErrPermission, syscall.ENOSPC, syscall.EDQUOT, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EROFS} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (x *index) close() error {
	x.life.Lock()
	defer x.life.Unlock()
	if x.closed {
		return nil
	}
	x.closed = true
	if err := x.db.Close(); err != nil {
		return fmt.Errorf("close index: %w", err)
	}
	return nil
}

// view runs fn on a consistent state of the index.
func (x *index) view(fn func(tx) error) error {
	x.life.RLock()
	defer x.life.RUnlock()
	if x.closed {
		return fs.ErrClosed
	}
	return x.db.View(func(t *badger.Txn) error { return fn(tx{t}) })
}

// update runs fn and makes what it wrote visible and lasting, all or nothing.
func (x *index) update(fn func(tx) error) error {
	x.life.RLock()
	defer x.life.RUnlock()
	if x.closed {
		return fs.ErrClosed
	}
	return x.db.Update(func(t *badger.Txn) error { return fn(tx{t}) })
}

// tx is one transaction.
type tx struct{ t *badger.Txn }

// get reads the record at key into v and reports whether there is one.
func (t tx) get(key string, v any) (bool, error) {
	item, err := t.t.Get([]byte(key))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read index: %w", err)
	}
	err = item.Value(func(b []byte) error { return decode(b, v) })
	if err != nil {
		return false, fmt.Errorf("read index: record %.40q: %w", key, err)
	}
	return true, nil
}

// decode reads a record: a digest is its bytes, all else JSON.
func decode(b []byte, v any) error {
	if d, ok := v.(*verify.Digest); ok {
		if len(b) != len(d) {
			return fmt.Errorf("%d bytes, want %d", len(b), len(d))
		}
		copy(d[:], b)
		return nil
	}
	return json.Unmarshal(b, v)
}

// encode returns the bytes of a record, or a *TooLargeError that names what.
func encode(what string, v any) ([]byte, error) {
	if d, ok := v.(verify.Digest); ok {
		return d[:], nil
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", what, err)
	}
	if len(b) > MaxValue {
		return nil, &TooLargeError{What: what, Got: len(b), Want: MaxValue}
	}
	return b, nil
}

func (t tx) put(key string, v any) error {
	b, err := encode(fmt.Sprintf("record %.40q", key), v)
	if err != nil {
		return err
	}
	return t.set(key, b)
}

func (t tx) set(key string, b []byte) error {
	if err := t.t.Set([]byte(key), b); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	return nil
}

func (t tx) delete(key string) error {
	if err := t.t.Delete([]byte(key)); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	return nil
}

// has reports whether there is a record at key.
func (t tx) has(key string) (bool, error) {
	_, err := t.t.Get([]byte(key))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read index: %w", err)
	}
	return true, nil
}

// errStop ends a scan early.
var errStop = errors.New("stop")

// scan calls fn with every key that begins with prefix and is not before from,
// in order, until fn returns an error; errStop ends it well. Value reads the
// record.
func (t tx) scan(prefix, from string, fn func(key string, value func(v any) error) error) error {
	o := badger.DefaultIteratorOptions
	o.Prefix = []byte(prefix)
	o.PrefetchSize = 16
	it := t.t.NewIterator(o)
	defer it.Close()
	for it.Seek([]byte(max(prefix, from))); it.Valid(); it.Next() {
		item := it.Item()
		err := fn(string(item.Key()), func(v any) error {
			return item.Value(func(b []byte) error { return decode(b, v) })
		})
		if errors.Is(err, errStop) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keys returns all keys that begin with prefix.
func (t tx) keys(prefix string) ([]string, error) {
	var keys []string
	err := t.scan(prefix, "", func(key string, _ func(any) error) error {
		keys = append(keys, key)
		return nil
	})
	return keys, err
}

// seen is the last journal entry that the index has taken in.
type seen struct {
	seq  uint64
	hash verify.Digest
}

func (t tx) seen() (seen, error) {
	item, err := t.t.Get([]byte(keySeq))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return seen{}, nil
	}
	if err != nil {
		return seen{}, fmt.Errorf("read index: %w", err)
	}
	var s seen
	err = item.Value(func(b []byte) error {
		if len(b) != 8+verify.DigestSize {
			return fmt.Errorf("read index: position of %d bytes", len(b))
		}
		s.seq, s.hash = binary.BigEndian.Uint64(b), verify.Digest(b[8:])
		return nil
	})
	return s, err
}

func (t tx) setSeen(s seen) error {
	return t.set(keySeq, append(binary.BigEndian.AppendUint64(nil, s.seq), s.hash[:]...))
}

// indexPath returns where the index of a data folder lies.
func indexPath(dir string) string { return filepath.Join(dir, indexDir) }
