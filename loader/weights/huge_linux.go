package weights

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// adviseHuge asks for huge pages: decoding reads every weight for every token,
// and fewer page-table walks make that faster. Kernels and file systems that
// have none for file mappings refuse, which changes nothing.
func adviseHuge(m []byte) {
	_ = unix.Madvise(m, unix.MADV_HUGEPAGE)
}

// hugeMapped looks the mapping up in the kernel's own account of it.
func hugeMapped(m []byte) bool {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // read only
	head := fmt.Sprintf("%x-", uintptr(unsafe.Pointer(unsafe.SliceData(m))))
	inside := false
	for s := bufio.NewScanner(f); s.Scan(); {
		line := s.Text()
		if strings.HasPrefix(line, head) {
			inside = true
		} else if inside && strings.HasPrefix(line, "FilePmdMapped:") {
			return !strings.Contains(line, " 0 kB")
		}
	}
	return false
}
