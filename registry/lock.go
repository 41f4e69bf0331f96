package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"samara/registry/disk"
)

// holder is what the lock file says of the process that holds it.
type holder struct {
	PID    int    `json:"pid"`
	Socket string `json:"socket,omitempty"`
}

// lockDir takes the lock of a data folder, or returns a *LockedError. The lock
// ends with the process.
func lockDir(dir, socket string) (*flock.Flock, error) {
	path := filepath.Join(dir, "lock")
	l := flock.New(path, flock.SetPermissions(0o600))
	ok, err := l.TryLock()
	if err != nil {
		return nil, disk.Wrap("lock "+path, dir, err)
	}
	if !ok {
		var h holder
		if b, err := os.ReadFile(path); err == nil {
			_ = json.Unmarshal(b, &h) // a holder that has not written yet stays unnamed
		}
		return nil, &LockedError{Dir: dir, PID: h.PID, Socket: h.Socket}
	}
	b, err := json.Marshal(holder{os.Getpid(), socket})
	if err == nil {
		err = os.WriteFile(path, append(b, '\n'), 0o600)
	}
	if err != nil {
		_ = l.Close() // nothing was done under it
		return nil, disk.Wrap("lock "+path, dir, err)
	}
	return l, nil
}

// Format is the number of the on-disk layout that this program writes.
const Format = 1

// What to do about a FormatError.
const (
	hintNewerFormat   = "run a newer samara on this folder, or choose another folder with --data"
	hintRestoreFormat = "restore FORMAT from a backup, or choose another folder with --data"
)

// checkFormat reads the FORMAT file of a folder and writes it into a new one.
func checkFormat(dir string) error {
	path := filepath.Join(dir, "FORMAT")
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(filepath.Join(dir, journalDir)); err == nil {
			return &FormatError{dir, "there is a journal, but no FORMAT file", hintRestoreFormat}
		}
		return disk.Wrap("write "+path, dir, disk.WriteFile(path, fmt.Appendf(nil, "%d\n", Format), 0o600))
	case err != nil:
		return fmt.Errorf("open %s: %w", dir, err)
	}
	var n int
	if _, err := fmt.Sscanf(string(b), "%d\n", &n); err != nil || n < 1 {
		return &FormatError{dir, fmt.Sprintf("FORMAT is %.16q, want a number", b), hintRestoreFormat}
	}
	if n > Format {
		return &FormatError{dir, fmt.Sprintf("format %d is newer than this program's, %d", n, Format), hintNewerFormat}
	}
	return nil
}
