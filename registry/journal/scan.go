package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"samara/verify"
)

// tornError reports a last line that was never finished.
type tornError struct{ length int64 }

func (e *tornError) Error() string { return fmt.Sprintf("unfinished last line of %d bytes", e.length) }

// scan calls fn with every entry in the first size bytes and returns where the whole lines end. It
// returns a *tornError for an unfinished last line, a *BrokenError for anything
// else that does not hold, and what fn returns.
func (j *Journal) scan(size int64, fn func(Entry) error) (int64, error) {
	r := bufio.NewReaderSize(io.NewSectionReader(j.f, 0, size), MaxLine)
	var offset int64
	var prev Entry
	for n := 1; ; n++ {
		line, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			return offset, nil
		case errors.Is(err, io.EOF), err == nil && isZeroTail(line, r):
			return offset, &tornError{size - offset}
		case errors.Is(err, bufio.ErrBufferFull):
			if isAllZero(line) {
				return offset, &tornError{size - offset}
			}
			return offset, j.broken(n, offset, fmt.Sprintf("more than %d bytes", MaxLine))
		case err != nil:
			return offset, fmt.Errorf("read journal %s: %w", j.path, err)
		}
		e, cause := parseLine(line, prev)
		if cause != "" {
			return offset, j.broken(n, offset, cause)
		}
		if err := fn(e); err != nil {
			return offset, err
		}
		offset += int64(len(line))
		prev = e
	}
}

func (j *Journal) broken(line int, offset int64, cause string) error {
	return &BrokenError{Path: j.path, Line: line, Offset: offset, Cause: cause}
}

// isZeroTail reports whether line is the last of r and holds zero bytes, as a
// power cut leaves where a file had grown before its bytes were written. JSON
// never holds any.
func isZeroTail(line []byte, r *bufio.Reader) bool {
	if bytes.IndexByte(line, 0) < 0 {
		return false
	}
	_, err := r.Peek(1)
	return errors.Is(err, io.EOF)
}

func isAllZero(line []byte) bool {
	return len(bytes.Trim(line, "\x00")) == 0
}

// parseLine reads one line and checks it against the entry before. The cause is
// empty where all is well.
func parseLine(line []byte, prev Entry) (Entry, string) {
	var e Entry
	at := bytes.LastIndex(line, hashKey)
	if at < 0 {
		return e, "no hash"
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return e, strings.TrimPrefix(err.Error(), "json: ")
	}
	body := line[:at]
	if want := string(hashKey) + e.Hash.String() + "\"}\n"; string(line[at:]) != want {
		return e, "does not end in its hash"
	}
	if got := verify.Sum(body); got != e.Hash {
		return e, fmt.Sprintf("bytes hash to %s, want %s", got, e.Hash)
	}
	if e.Prev != prev.Hash {
		return e, fmt.Sprintf("follows %s, want %s", e.Prev, prev.Hash)
	}
	if e.Seq != prev.Seq+1 {
		return e, fmt.Sprintf("number %d, want %d", e.Seq, prev.Seq+1)
	}
	return e, ""
}
