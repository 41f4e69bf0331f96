package weights

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"
)

// Bounds on the ZIP archive that a .pth file is.
const (
	// MaxZipDirectory bounds the central directory, in bytes.
	MaxZipDirectory = 8 << 20
	// MaxZipEntries bounds the number of files in the archive.
	MaxZipEntries = 1 << 15
)

// Records of a ZIP archive and their sizes without names and extra fields.
const (
	zipLocal, zipLocalSize     = 0x04034b50, 30
	zipCentral, zipCentralSize = 0x02014b50, 46
	zipEnd, zipEndSize         = 0x06054b50, 22
	zipEnd64, zipEnd64Size     = 0x06064b50, 56
	zipLocator, zipLocatorSize = 0x07064b50, 20

	zipWide         = 0x0001                  // extra field with 64-bit numbers
	zipForbidden    = 1 | 1<<5 | 1<<6 | 1<<13 // flags: encrypted, patched
	zipMax16        = 1<<16 - 1               // the number is in the 64-bit record
	zipMax32        = 1<<32 - 1               // the same
	zipTrailerBytes = zipEndSize + zipEnd64Size + zipLocatorSize
)

// readZip reads the directory of an archive in which every file is stored as
// it is, and returns where each lies. It is strict where readers of ZIP files
// differ: the directory is one run that ends where the end record begins,
// without a comment behind it; both headers of a file agree; nothing overlaps.
func readZip(f File, index int) (map[string]place, error) {
	start, size, count, err := zipDirectory(f)
	if err != nil {
		return nil, err
	}
	dir, err := readAt(f, start, int(size))
	if err != nil {
		return nil, err
	}
	out := make(map[string]place, count)
	var all []zipSpan
	for at := start; len(dir) > 0; {
		name, local, n, used, err := zipEntry(f, dir, at)
		if err != nil {
			return nil, err
		}
		if _, dup := out[name]; dup {
			return nil, zipError(f, at, "got file %.80q twice", name)
		}
		data, err := zipData(f, name, local, n, start)
		if err != nil {
			return nil, err
		}
		out[name] = place{file: index, offset: data, size: n}
		all = append(all, zipSpan{local, data + n})
		dir, at = dir[used:], at+int64(used)
	}
	if len(out) != count {
		return nil, zipError(f, start, "got %d files, want %d", len(out), count)
	}
	slices.SortFunc(all, func(a, b zipSpan) int { return int(min(max(a.start-b.start, -1), 1)) })
	for i := 1; i < len(all); i++ {
		if all[i].start < all[i-1].end {
			return nil, zipError(f, all[i].start, "got a file that begins before %d, the end of the one before it", all[i-1].end)
		}
	}
	return out, nil
}

// A zipSpan is the bytes of one file with its header.
type zipSpan struct{ start, end int64 }

// zipDirectory reads the records at the end of the archive: where the
// directory begins, its bytes and its files.
func zipDirectory(f File) (start, size int64, count int, err error) {
	n := min(f.Size, zipTrailerBytes)
	if n < zipEndSize {
		return 0, 0, 0, zipError(f, 0, "got %d bytes, want a ZIP archive: the file is cut short", f.Size)
	}
	tail, err := readAt(f, f.Size-n, int(n))
	if err != nil {
		return 0, 0, 0, err
	}
	end := tail[n-zipEndSize:]
	at := f.Size - zipEndSize
	if u32le(end) != zipEnd {
		return 0, 0, 0, zipError(f, at, "want the end of a ZIP archive there: the file is cut short, or no archive")
	}
	if u16le(end[4:]) != 0 || u16le(end[6:]) != 0 || u16le(end[8:]) != u16le(end[10:]) || u16le(end[20:]) != 0 {
		return 0, 0, 0, zipError(f, at, "got an archive in several volumes or with a comment, want a plain one")
	}
	files, bytes, offset := uint64(u16le(end[10:])), uint64(u32le(end[12:])), uint64(u32le(end[16:]))
	wide := files == zipMax16 || bytes == zipMax32 || offset == zipMax32
	has64 := n == zipTrailerBytes && u32le(tail[zipEnd64Size:]) == zipLocator
	if wide && !has64 {
		return 0, 0, 0, zipError(f, at, "got numbers that need a 64-bit record, want one before it")
	}
	if has64 {
		at -= zipTrailerBytes - zipEndSize
		f64, b64, o64, err := zipWideEnd(f, tail, at)
		if err != nil {
			return 0, 0, 0, err
		}
		if !zipSame(files, f64, zipMax16) || !zipSame(bytes, b64, zipMax32) || !zipSame(offset, o64, zipMax32) {
			return 0, 0, 0, zipError(f, at, "got two end records that do not agree")
		}
		files, bytes, offset = f64, b64, o64
	}
	switch {
	case bytes > MaxZipDirectory || files > MaxZipEntries:
		return 0, 0, 0, zipError(f, at, "got a directory of %d files and %d bytes, want at most %d and %d", files, bytes, MaxZipEntries, MaxZipDirectory)
	case offset != uint64(at)-bytes || bytes > uint64(at):
		return 0, 0, 0, zipError(f, at, "got a directory of %d bytes at %d, want it to end at %d", bytes, offset, at)
	case bytes < files*zipCentralSize:
		return 0, 0, 0, zipError(f, at, "got %d files in a directory of %d bytes", files, bytes)
	}
	return int64(offset), int64(bytes), int(files), nil
}

// zipSame tells whether a short number is the wide one or says that it does
// not fit.
func zipSame(short, wide, full uint64) bool { return short == wide || short == full }

// zipWideEnd reads the 64-bit end record at the start of tail, and the locator
// behind it.
func zipWideEnd(f File, tail []byte, at int64) (files, bytes, offset uint64, err error) {
	r, l := tail[:zipEnd64Size], tail[zipEnd64Size:]
	if u32le(l[4:]) != 0 || u64le(l[8:]) != uint64(at) || u32le(l[16:]) > 1 ||
		u32le(r) != zipEnd64 || u64le(r[4:]) != zipEnd64Size-12 {
		return 0, 0, 0, zipError(f, at, "got a 64-bit end record that is not right before its locator")
	}
	if u32le(r[16:]) != 0 || u32le(r[20:]) != 0 || u64le(r[24:]) != u64le(r[32:]) {
		return 0, 0, 0, zipError(f, at, "got an archive in several volumes, want one")
	}
	return u64le(r[32:]), u64le(r[40:]), u64le(r[48:]), nil
}

// zipEntry reads the first entry of dir, which lies at at: the file's name,
// where its local header is, its bytes, and the bytes of the entry.
func zipEntry(f File, dir []byte, at int64) (name string, local, size int64, used int, err error) {
	fail := func(format string, args ...any) (string, int64, int64, int, error) {
		return "", 0, 0, 0, zipError(f, at, format, args...)
	}
	if len(dir) < zipCentralSize || u32le(dir) != zipCentral {
		return fail("want an entry of the directory there")
	}
	nameLen, extraLen, commentLen := int(u16le(dir[28:])), int(u16le(dir[30:])), int(u16le(dir[32:]))
	used = zipCentralSize + nameLen + extraLen + commentLen
	if used > len(dir) {
		return fail("got an entry of %d bytes, want at most %d", used, len(dir))
	}
	name = string(dir[zipCentralSize : zipCentralSize+nameLen])
	if name == "" || len(name) > MaxName || !utf8.ValidString(name) {
		return fail("got a name of %d bytes, want 1 to %d of UTF-8", len(name), MaxName)
	}
	switch {
	case u16le(dir[10:]) != 0:
		return fail("file %.80q: got compression method %d, want 0 (stored)", name, u16le(dir[10:]))
	case u16le(dir[8:])&zipForbidden != 0:
		return fail("file %.80q: got flags %#x, want neither encryption nor patches", name, u16le(dir[8:]))
	case u16le(dir[34:]) != 0:
		return fail("file %.80q: got volume %d, want 0", name, u16le(dir[34:]))
	}
	packed, plain, offset := uint64(u32le(dir[20:])), uint64(u32le(dir[24:])), uint64(u32le(dir[42:]))
	extra := dir[zipCentralSize+nameLen : zipCentralSize+nameLen+extraLen]
	if err := zipWiden(extra, &plain, &packed, &offset); err != nil {
		return fail("file %.80q: %v", name, err)
	}
	if packed != plain || plain > uint64(f.Size) || offset > uint64(f.Size) {
		return fail("file %.80q: got %d bytes stored as %d at %d, in an archive of %d", name, plain, packed, offset, f.Size)
	}
	return name, int64(offset), int64(plain), used, nil
}

// zipWiden reads the numbers that did not fit 32 bits, in their order, from the
// extra field that holds them.
func zipWiden(extra []byte, numbers ...*uint64) error {
	var wide []byte
	seen := false
	for len(extra) >= 4 {
		kind, n := u16le(extra), int(u16le(extra[2:]))
		if n > len(extra)-4 {
			return fmt.Errorf("got an extra field of %d bytes, want at most %d", n, len(extra)-4)
		}
		if kind == zipWide {
			if seen {
				return fmt.Errorf("got two 64-bit extra fields, want one")
			}
			wide, seen = extra[4:4+n], true
		}
		extra = extra[4+n:]
	}
	for _, v := range numbers {
		if *v != zipMax32 {
			continue
		}
		if len(wide) < 8 {
			return fmt.Errorf("got a 64-bit number without its extra field")
		}
		*v, wide = u64le(wide), wide[8:]
	}
	return nil
}

// zipData checks the local header of a file, and returns where its n bytes
// begin. They must end before the directory does begin.
func zipData(f File, name string, local, n, directory int64) (int64, error) {
	if local > directory-zipLocalSize-int64(len(name)) {
		return 0, zipError(f, local, "file %.80q: got its header there, want it before the directory at %d", name, directory)
	}
	h, err := readAt(f, local, zipLocalSize+len(name))
	if err != nil {
		return 0, err
	}
	if u32le(h) != zipLocal || u16le(h[8:]) != 0 || u16le(h[6:])&zipForbidden != 0 ||
		int(u16le(h[26:])) != len(name) || string(h[zipLocalSize:]) != name {
		return 0, zipError(f, local, "file %.80q: got a header that is not its own", name)
	}
	data := local + zipLocalSize + int64(len(name)) + int64(u16le(h[28:]))
	if n > directory || data > directory-n {
		return 0, zipError(f, local, "file %.80q: got %d bytes at %d, want them before the directory at %d", name, n, data, directory)
	}
	return data, nil
}

// readAt reads n bytes, which the caller has bounded.
func readAt(f File, at int64, n int) ([]byte, error) {
	b := make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(f.R, at, int64(n)), b); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.Path, err)
	}
	return b, nil
}

func zipError(f File, at int64, format string, args ...any) error {
	return &FormatError{File: f.Path, Object: "archive", Offset: at, Reason: fmt.Sprintf(format, args...)}
}

func u16le(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }

func u32le(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

func u64le(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }
