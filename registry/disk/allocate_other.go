//go:build !linux

package disk

import "os"

// allocate takes blocks for the first size bytes of f.
func allocate(f *os.File, size int64) error { return writeZeros(f, size) }
