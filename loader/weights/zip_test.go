package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A zipFile is an archive as torch.save writes it, and where its records are.
type zipFile struct {
	b               []byte
	local, central  []int // headers of each file
	end64, loc, end int
}

// makeZip stores files, given as name and content in turn.
func makeZip(files ...string) *zipFile {
	z := &zipFile{}
	var dir bytes.Buffer
	var b bytes.Buffer
	for i := 0; i < len(files); i += 2 {
		name, data := files[i], files[i+1]
		z.local = append(z.local, b.Len())
		z.central = append(z.central, dir.Len())
		put(&dir, uint32(zipCentral), uint32(0), uint16(0x808), uint16(0), uint32(0), uint32(0), uint32(len(data)), uint32(len(data)),
			uint16(len(name)), make([]byte, 12), uint32(b.Len()))
		dir.WriteString(name)
		put(&b, uint32(zipLocal), uint16(0), uint16(0x808), make([]byte, 18), uint16(len(name)), uint16(4))
		b.WriteString(name)
		put(&b, uint16(0x4246), uint16(0))
		b.WriteString(data)
	}
	start, n := b.Len(), len(files)/2
	for i := range z.central {
		z.central[i] += start
	}
	b.Write(dir.Bytes())
	z.end64, z.loc, z.end = b.Len(), b.Len()+zipEnd64Size, b.Len()+zipEnd64Size+zipLocatorSize
	put(&b, uint32(zipEnd64), uint64(44), uint32(0), uint32(0), uint32(0), uint64(n), uint64(n), uint64(dir.Len()), uint64(start))
	put(&b, uint32(zipLocator), uint32(0), uint64(z.end64), uint32(1))
	put(&b, uint32(zipEnd), uint32(0), uint16(n), uint16(n), uint32(dir.Len()), uint32(start), uint16(0))
	z.b = b.Bytes()
	return z
}

// set changes bytes at an offset and returns the archive.
func (z *zipFile) set(offset int, values ...any) []byte {
	var b bytes.Buffer
	put(&b, values...)
	copy(z.b[offset:], b.Bytes())
	return z.b
}

// wideEnd changes what the 64-bit record says, and lets the other refer to it.
func (z *zipFile) wideEnd(files, size, offset uint64) []byte {
	z.set(z.end+8, uint16(zipMax16), uint16(zipMax16), uint32(zipMax32), uint32(zipMax32))
	return z.set(z.end64+24, files, files, size, offset)
}

// narrow is the archive without its 64-bit record, with another offset.
func (z *zipFile) narrow(offset uint32) []byte {
	z.set(z.end+16, offset)
	return append(z.b[:z.end64:z.end64], z.b[z.end:]...)
}

// soundZip has two files of 3 and 5 bytes.
func soundZip() *zipFile { return makeZip("x/a", "abc", "x/b", "defgh") }

func TestZip(t *testing.T) {
	z := soundZip()
	for name, b := range map[string][]byte{"with 64-bit record": z.b, "without": append(append([]byte{}, z.b[:z.end64]...), z.b[z.end:]...)} {
		files, err := readZip(File{Path: "f.pth", Size: int64(len(b)), R: bytes.NewReader(b)}, 0)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for file, want := range map[string]string{"x/a": "abc", "x/b": "defgh"} {
			p := files[file]
			if got := string(b[p.offset : p.offset+p.size]); got != want || len(files) != 2 {
				t.Errorf("%s: %s: got %q, want %q", name, file, got, want)
			}
		}
	}
}

// TestZip64 reads the numbers that an archive of more than 4 GiB has in its
// extra fields.
func TestZip64(t *testing.T) {
	size, offset := uint64(5), uint64(1<<33)
	extra := binary.LittleEndian.AppendUint16(nil, zipWide)
	extra = binary.LittleEndian.AppendUint16(extra, 16)
	extra = binary.LittleEndian.AppendUint64(extra, size)
	extra = binary.LittleEndian.AppendUint64(extra, offset)
	plain, packed, local := uint64(zipMax32), uint64(7), uint64(zipMax32)
	if err := zipWiden(extra, &plain, &packed, &local); err != nil || plain != size || packed != 7 || local != offset {
		t.Errorf("got %d, %d, %d, %v", plain, packed, local, err)
	}
	for name, e := range map[string][]byte{
		"absent": nil, "short": extra[:12], "twice": append(append([]byte{}, extra...), extra...),
		"too long": {1, 0, 255, 255},
	} {
		plain, local := uint64(zipMax32), uint64(zipMax32)
		if err := zipWiden(e, &plain, &local); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

// TestZipOver4GiB reads an archive of a storage of 5 GiB, as torch.save writes
// it: numbers that do not fit 32 bits are in extra fields.
func TestZipOver4GiB(t *testing.T) {
	const size = 5 << 30
	f, err := os.Create(filepath.Join(t.TempDir(), "f.pth"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var dir bytes.Buffer
	write := func(at int64, name string, n uint64) (data int64) {
		var local bytes.Buffer
		put(&local, uint32(zipLocal), make([]byte, 22), uint16(len(name)), uint16(0))
		local.WriteString(name)
		if _, err := f.WriteAt(local.Bytes(), at); err != nil {
			t.Fatal(err)
		}
		put(&dir, uint32(zipCentral), make([]byte, 16), uint32(zipMax32), uint32(zipMax32), uint16(len(name)), uint16(28), make([]byte, 10), uint32(zipMax32))
		dir.WriteString(name)
		put(&dir, uint16(zipWide), uint16(24), n, n, uint64(at))
		return at + int64(local.Len())
	}
	first := write(0, "x/data/0", size)
	second := write(first+size, "x/data/1", 3)
	start := second + 3
	end := dir.Len()
	put(&dir, uint32(zipEnd64), uint64(44), make([]byte, 12), uint64(2), uint64(2), uint64(end), uint64(start),
		uint32(zipLocator), uint32(0), uint64(start)+uint64(end), uint32(1),
		uint32(zipEnd), uint32(0), uint16(2), uint16(2), uint32(end), uint32(zipMax32), uint16(0))
	if _, err := f.WriteAt(dir.Bytes(), start); err != nil {
		t.Skipf("the file system has no files with holes: %v", err)
	}
	files, err := readZip(File{Path: "f.pth", Size: start + int64(dir.Len()), R: f}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := files["x/data/0"], files["x/data/1"]; a.offset != first || a.size != size || b.offset != second || b.size != 3 {
		t.Errorf("got %+v and %+v, want them at %d and %d", a, b, first, second)
	}
}

// zipAttacks are archives that must be refused, by name, with what the error
// says. Readers of ZIP files differ on many of them, so that one program checks
// what another does not load.
func zipAttacks() map[string]attack {
	z := soundZip
	huge := uint64(1) << 62
	return map[string]attack{
		"empty":                {nil, "cut short"},
		"21 bytes":             {make([]byte, 21), "cut short"},
		"no end":               {z().b[:z().end], "end of a ZIP archive"},
		"cut short":            {z().b[:len(z().b)-1], "end of a ZIP archive"},
		"bytes behind":         {append(z().b, 0), "end of a ZIP archive"},
		"comment":              {append(z().set(z().end+20, uint16(1)), 'x'), "end of a ZIP archive"},
		"comment of nothing":   {z().set(z().end+20, uint16(9)), "comment"},
		"volumes":              {z().set(z().end+4, uint16(1)), "volumes"},
		"counts differ":        {z().set(z().end+8, uint16(1)), "volumes"},
		"records disagree":     {z().set(z().end+12, uint32(7)), "do not agree"},
		"offsets disagree":     {z().set(z().end+16, uint32(7)), "do not agree"},
		"wide volumes":         {z().set(z().end64+16, uint32(1)), "volumes"},
		"wide size":            {z().set(z().end64+4, huge), "right before"},
		"wide magic":           {z().set(z().end64, uint32(0)), "right before"},
		"locator elsewhere":    {z().set(z().loc+8, uint64(0)), "right before"},
		"no locator":           {z().narrow(uint32(zipMax32)), "64-bit record"},
		"too many files":       {z().wideEnd(uint64(1<<40), 0, 0), "at most"},
		"directory of 2^62":    {z().wideEnd(2, huge, 0), "at most"},
		"directory at 2^62":    {z().wideEnd(2, 98, huge), "want it to end"},
		"directory overflows":  {z().wideEnd(2, 98, ^uint64(0)-97), "want it to end"},
		"hole after directory": {z().wideEnd(2, 97, uint64(z().central[0])), "want it to end"},
		"more files":           {z().wideEnd(3, 98, uint64(z().central[0])), "3 files"},
		"fewer files":          {z().wideEnd(1, 98, uint64(z().central[0])), "got 2 files, want 1"},
		"entry magic":          {z().set(z().central[1], uint32(0)), "entry of the directory"},
		"entry name":           {z().set(z().central[1]+28, uint16(60000)), "entry of"},
		"no name":              {z().set(z().central[1]+28, uint16(0)), "name of 0 bytes"},
		"name not UTF-8":       {z().set(z().central[0]+46, uint8(0xff)), "UTF-8"},
		"deflated":             {z().set(z().central[0]+10, uint16(8)), "method 8"},
		"encrypted":            {z().set(z().central[0]+8, uint16(1)), "encryption"},
		"on volume 3":          {z().set(z().central[0]+34, uint16(3)), "volume 3"},
		"sizes differ":         {z().set(z().central[0]+20, uint32(2)), "stored as 2"},
		"size too large":       {z().set(z().central[0]+20, uint32(9e8), uint32(9e8)), "900000000 bytes"},
		"size into next":       {z().set(z().central[0]+20, uint32(9), uint32(9)), "begins before"},
		"size into directory":  {z().set(z().central[1]+20, uint32(60), uint32(60)), "before the directory"},
		"wide without extra":   {z().set(z().central[0]+20, uint32(zipMax32), uint32(zipMax32)), "without its extra"},
		"offset too large":     {z().set(z().central[0]+42, uint32(9e8)), "at 900000000"},
		"offset in directory":  {z().set(z().central[0]+42, uint32(z().central[0])), "before the directory"},
		"same offset":          {z().set(z().central[1]+42, uint32(0)), "not its own"},
		"twice":                {makeZip("x/a", "abc", "x/a", "abc").b, "twice"},
		"local magic":          {z().set(z().local[0], uint32(0)), "not its own"},
		"local method":         {z().set(z().local[0]+8, uint16(8)), "not its own"},
		"local encrypted":      {z().set(z().local[0]+6, uint16(1)), "not its own"},
		"local name":           {z().set(z().local[0]+30, uint8('y')), "not its own"},
		"local name length":    {z().set(z().local[0]+26, uint16(2)), "not its own"},
		"local extra":          {z().set(z().local[1]+28, uint16(60000)), "before the directory"},
	}
}

// TestZipBad wants every attack refused with the place where it was found.
func TestZipBad(t *testing.T) {
	for name, c := range zipAttacks() {
		t.Run(name, func(t *testing.T) {
			err := cheap(t, func() error {
				_, err := readZip(File{Path: "f.pth", Size: int64(len(c.file)), R: bytes.NewReader(c.file)}, 0)
				return err
			})
			wantError(t, err, "read f.pth", c.want)
			var f *FormatError
			if !errors.As(err, &f) || f.Offset == 0 && len(c.file) > zipEndSize && !strings.Contains(c.want, "own") {
				t.Errorf("got %v, want a *FormatError with an offset", err)
			}
		})
	}
}

// TestZipCutShort cuts a real archive at every byte.
func TestZipCutShort(t *testing.T) {
	b, err := os.ReadFile("testdata/sound.pth")
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		if _, err := readTorchBytes(b[:n]); err == nil {
			t.Fatalf("got no error for the first %d bytes of %d", n, len(b))
		}
	}
}

// readTorchBytes reads a .pth file that is in memory.
func readTorchBytes(b []byte) (*Header, error) {
	return ReadHeader(inMemory(map[string][]byte{"consolidated.00.pth": b, paramsFile: []byte("{}")}))
}

func FuzzZip(f *testing.F) {
	f.Add(soundZip().b)
	for _, c := range zipAttacks() {
		f.Add(c.file)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		files, err := readZip(File{Path: "f.pth", Size: int64(len(b)), R: bytes.NewReader(b)}, 0)
		if err != nil {
			return
		}
		for name, p := range files {
			if p.offset < zipLocalSize || p.size < 0 || p.offset+p.size > int64(len(b)) {
				t.Errorf("file %q: got %d bytes at %d in an archive of %d", name, p.size, p.offset, len(b))
			}
		}
	})
}
