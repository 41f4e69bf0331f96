//go:build !linux

package swarm

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// preallocate makes f size bytes long.
func preallocate(f *os.File, size int64) error { return f.Truncate(size) }

// datasync writes f's bytes to the disk.
func datasync(f *os.File) error { return f.Sync() }

// bootID tells one boot of this machine from another, "" where it cannot.
func bootID() string {
	t, err := unix.SysctlTimeval("kern.boottime")
	if err != nil {
		return ""
	}
	return fmt.Sprintf("boottime-%d", t.Sec)
}
