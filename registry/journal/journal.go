// Package journal keeps what happened: one line of JSON for every change, each
// holding the hash of the line before, synced before Append returns. Lines are
// only ever added.
//
// A line is
//
//	{"seq":1,"time":"…","op":"…","actor":"…","data":{…},"prev":"blake3:…","hash":"blake3:…"}
//
// where hash is the BLAKE3 of all bytes of the line before ,"hash": and prev is
// the hash of the line before, zero in the first. Whoever has a copy of the last
// hash can tell whether any byte before it was changed.
package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"samara/registry/disk"
	"samara/verify"
)

// fileName is the journal's file in its folder.
const fileName = "journal.jsonl"

// MaxLine bounds one line of the journal in bytes, the line feed included.
const MaxLine = 1 << 20

// An Entry is one thing that happened.
type Entry struct {
	Seq   uint64          `json:"seq"`  // from 1, without gaps
	Time  time.Time       `json:"time"` // UTC
	Op    string          `json:"op"`
	Actor string          `json:"actor"` // who asked for it
	Data  json.RawMessage `json:"data"`  // what Op says it is
	Prev  verify.Digest   `json:"prev"`  // Hash of the entry before
	Hash  verify.Digest   `json:"hash"`
}

// A BrokenError reports a journal whose lines are not what was once written.
type BrokenError struct {
	Path   string
	Line   int   // from 1
	Offset int64 // of the line, in bytes
	Cause  string
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("read journal %s: line %d (byte %d): %s", e.Path, e.Line, e.Offset, e.Cause)
}

// Code returns "verification_failed".
func (e *BrokenError) Code() string { return "verification_failed" }

// Hint says what to do next.
func (e *BrokenError) Hint() string {
	return "the journal was changed from outside or the disk is failing: restore it from a backup"
}

// Journal is an open journal. Its methods may be called from several goroutines.
type Journal struct {
	path string
	now  func() time.Time

	mu   sync.Mutex
	f    file
	size int64         // bytes of whole lines
	seq  uint64        // of the last entry
	last verify.Digest // hash of the last entry
	cut  int64
	err  error // why nothing can be appended any more
}

// file is what a journal needs of its *os.File.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error
	Stat() (os.FileInfo, error)
}

// Open opens the journal in the folder dir, which it makes where it is missing,
// and checks every line. A last line that a crash left unfinished was never
// acknowledged and is cut off; anything else that is wrong is a *BrokenError.
func Open(dir string) (*Journal, error) {
	if err := disk.MkdirAll(dir); err != nil {
		return nil, disk.Wrap("open journal", dir, err)
	}
	path := filepath.Join(dir, fileName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, disk.Wrap("open journal", dir, err)
	}
	j := &Journal{path: path, f: f, now: time.Now}
	if err := j.load(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := disk.SyncDir(dir); err != nil {
		return nil, errors.Join(fmt.Errorf("open journal: %w", err), f.Close())
	}
	return j, nil
}

// SetClock replaces the clock that entries get their time from, for tests. Call
// it before the first Append.
func (j *Journal) SetClock(now func() time.Time) { j.now = now }

// load reads all lines and cuts off an unfinished last one.
func (j *Journal) load() error {
	st, err := j.f.Stat()
	if err != nil {
		return fmt.Errorf("open journal: %w", err)
	}
	end, err := j.scan(st.Size(), func(e Entry) error {
		j.seq, j.last = e.Seq, e.Hash
		return nil
	})
	var torn *tornError
	if err != nil && !errors.As(err, &torn) {
		return err
	}
	j.size = end
	if torn == nil {
		return nil
	}
	j.cut = torn.length
	if err := j.f.Truncate(end); err != nil {
		return fmt.Errorf("open journal: cut unfinished line: %w", err)
	}
	if err := j.f.Sync(); err != nil {
		return fmt.Errorf("open journal: cut unfinished line: %w", err)
	}
	return nil
}

// Cut returns how many bytes of an unfinished last line Open cut off.
func (j *Journal) Cut() int64 { return j.cut }

// Head returns the number and hash of the last entry, zero where there is none.
func (j *Journal) Head() (uint64, verify.Digest) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seq, j.last
}

// Append adds an entry with data as JSON and returns it once it is on the disk.
// An error means that the entry is not there; where the disk failed in a way
// that leaves this open, every later Append fails too, until the journal is
// opened anew. A full disk is a *disk.FullError.
func (j *Journal) Append(op, actor string, data any) (Entry, error) {
	raw, err := json.Marshal(data)
	if err != nil {
		return Entry{}, fmt.Errorf("journal %s: %w", op, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return Entry{}, fmt.Errorf("journal %s: %w", op, j.err)
	}
	e := Entry{Seq: j.seq + 1, Time: j.now().UTC().Truncate(time.Microsecond), Op: op, Actor: actor, Data: raw, Prev: j.last}
	line, err := e.seal()
	if err != nil {
		return Entry{}, fmt.Errorf("journal %s: %w", op, err)
	}
	if err := j.write(line); err != nil {
		return Entry{}, disk.Wrap("journal "+op, filepath.Dir(j.path), err)
	}
	j.size += int64(len(line))
	j.seq, j.last = e.Seq, e.Hash
	return e, nil
}

// write puts line behind the last one and syncs it, or takes it back.
func (j *Journal) write(line []byte) error {
	_, err := j.f.WriteAt(line, j.size)
	if err == nil {
		if err = j.f.Sync(); err == nil {
			return nil
		}
		j.err = fmt.Errorf("a sync failed before: %w", err)
	}
	if terr := errors.Join(j.f.Truncate(j.size), j.f.Sync()); terr != nil && j.err == nil {
		j.err = fmt.Errorf("a write could not be taken back before: %w", terr)
	}
	return err
}

// Read calls fn with every entry from number from on, in order, until fn returns
// an error, which it returns. Entries appended meanwhile may be missing. Every
// line is checked on the way: a line that was changed is a *BrokenError.
func (j *Journal) Read(from uint64, fn func(Entry) error) error {
	j.mu.Lock()
	size := j.size
	j.mu.Unlock()
	_, err := j.scan(size, func(e Entry) error {
		if e.Seq < from {
			return nil
		}
		return fn(e)
	})
	return err
}

// Verify reads the journal from the disk and checks every hash of its chain. It
// returns a *BrokenError where it does not hold.
func (j *Journal) Verify() error {
	return j.Read(0, func(Entry) error { return nil })
}

// Close closes the journal. Nothing is pending, and closing twice is no error.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if errors.Is(j.err, os.ErrClosed) {
		return nil
	}
	j.err = os.ErrClosed
	return j.f.Close()
}

// hashKey stands between the hashed bytes of a line and their hash.
var hashKey = []byte(`,"hash":"`)

// seal sets e.Hash and returns the line of e.
func (e *Entry) seal() ([]byte, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	body := b[:bytes.LastIndex(b, hashKey)]
	e.Hash = verify.Sum(body)
	line := append(bytes.Clone(body), hashKey...)
	line = append(line, e.Hash.String()+"\"}\n"...)
	if len(line) > MaxLine {
		return nil, fmt.Errorf("entry of %d bytes, want at most %d", len(line), MaxLine)
	}
	return line, nil
}
