package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
)

// crashFile is there while the index is being opened. Badger reads its tables in
// goroutines of its own, and a damaged one may end the process there; the runtime
// then writes the report into this file. A process that was killed leaves it
// empty.
const crashFile = "index.crash"

// culprit is in the report of every crash inside Badger.
const culprit = "badger"

// guardIndex sets an index aside whose last opening ended the process, with the
// report as the reason, and has the runtime write such reports until done.
func guardIndex(dir, aside string) (done func() error, err error) {
	path := filepath.Join(dir, crashFile)
	report, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open index: %w", err)
	}
	if bytes.Contains(report, []byte(culprit)) {
		if err := setAside(indexPath(dir), aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("open index: %w", err)
		}
		if err := os.Rename(path, aside+".reason"); err != nil {
			return nil, fmt.Errorf("open index: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	err = debug.SetCrashOutput(f, debug.CrashOptions{}) // keeps a descriptor of its own
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("open index: %w", err)
	}
	return func() error {
		return errors.Join(debug.SetCrashOutput(nil, debug.CrashOptions{}), os.Remove(path))
	}, nil
}
