package daemon

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// blockSize is the unit of Stat_t.Blocks on every system.
const blockSize = 512

// allocated returns the bytes that the files of a folder take on the disk, 0
// where there is no folder.
func allocated(dir string) int64 {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	var n int64
	for _, e := range entries {
		info, err := os.Lstat(filepath.Join(dir, e.Name()))
		if err != nil || info.Mode()&fs.ModeType != 0 {
			continue
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			n += st.Blocks * blockSize
		}
	}
	return n
}
