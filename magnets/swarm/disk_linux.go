package swarm

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// preallocate makes f size bytes long and takes the room for them now, where
// the file system can.
func preallocate(f *os.File, size int64) error {
	err := unix.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return f.Truncate(size)
	}
	return err
}

// datasync writes f's bytes to the disk, and of its metadata what is needed
// to read them.
func datasync(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }

// bootID tells one boot of this machine from another, "" where it cannot.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
