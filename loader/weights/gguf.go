package weights

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"unicode/utf8"
)

// Bounds on a GGUF header.
const (
	// MaxGGUFHeader bounds metadata and tensor table together, in bytes. The
	// largest vocabularies in use take about a fifth of it.
	MaxGGUFHeader = 64 << 20
	// MaxGGUFKeys bounds the number of metadata keys.
	MaxGGUFKeys = 1 << 16
	// MaxGGUFAlignment bounds the padding between tensors, in bytes.
	MaxGGUFAlignment = 1 << 20

	ggufMagic            = "GGUF"
	ggufDefaultAlignment = 32
	ggufMaxDims          = 4
)

// Value types of GGUF metadata.
const (
	ggufUint8 = iota
	ggufInt8
	ggufUint16
	ggufInt16
	ggufUint32
	ggufInt32
	ggufFloat32
	ggufBool
	ggufString
	ggufArray
	ggufUint64
	ggufInt64
	ggufFloat64
)

// Smallest number of bytes that a key, a tensor entry and an element of each
// value type take: counts are checked against the bytes left before any memory
// is taken for them.
const (
	ggufMinKey    = 8 + 4 + 1     // length, type, value
	ggufMinTensor = 8 + 4 + 4 + 8 // name length, dims, type, offset
)

var ggufMinValue = [...]uint64{1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8}

// ggufReader reads a header, keeping account of the bytes left in it. The
// first error sticks; reads after it return zeros.
type ggufReader struct {
	f    File
	r    *bufio.Reader
	pos  int64
	at   int64 // where the field that was read last begins
	left int64 // of the file or of MaxGGUFHeader, whichever is less
	err  error
	buf  [8]byte
}

// readGGUF reads the header of a GGUF file, version 2 or 3.
func readGGUF(f File) (*Header, error) {
	left := min(f.Size, MaxGGUFHeader)
	g := &ggufReader{f: f, r: bufio.NewReaderSize(io.NewSectionReader(f.R, 0, left), 1<<16), left: left}

	if magic := g.bytes(4); g.err == nil && string(magic) != ggufMagic {
		return nil, headerError(f, "got magic %q, want %q", magic, ggufMagic)
	}
	if v := g.u32(); g.err == nil && v != 2 && v != 3 {
		g.fail("got GGUF version %d, want 2 or 3 (little-endian)", v)
	}
	tensors := g.count("tensors", ggufMinTensor, MaxTensors)
	keys := g.count("keys", ggufMinKey, MaxGGUFKeys)
	md := g.metadata(keys)
	if g.err != nil {
		return nil, g.err
	}

	align, err := ggufAlignment(f, md)
	if err != nil {
		return nil, atByte(g.pos, err)
	}
	h := &Header{Format: "gguf", Layout: "gguf", Metadata: md, Tensors: map[string]Tensor{}}
	table := g.table(tensors)
	if g.err != nil {
		return nil, g.err
	}
	return h, h.placeGGUF(f, table, g.pos, align)
}

// ggufAlignment is the padding between tensors: a power of two.
func ggufAlignment(f File, md map[string]any) (int64, error) {
	v, ok := md["general.alignment"]
	if !ok {
		return ggufDefaultAlignment, nil
	}
	a, ok := v.(uint32)
	if !ok || a == 0 || a&(a-1) != 0 || a > MaxGGUFAlignment {
		return 0, headerError(f, "got alignment %v, want a power of two up to %d", v, MaxGGUFAlignment)
	}
	return int64(a), nil
}

// placeGGUF checks that the tensors lie one after the other, each padded to
// align, from the end of the header to the end of the file.
func (h *Header) placeGGUF(f File, table []ggufEntry, end, align int64) error {
	pad := func(n int64) int64 { return (n + align - 1) &^ (align - 1) }
	data := pad(end)
	var next int64
	for _, e := range table {
		size, err := e.place(f, data, next)
		if err == nil {
			e.t.offset, e.t.size = data+next, size
			err = h.add(f, e.t)
		}
		if err != nil {
			return atByte(e.begin, err)
		}
		next = pad(next + size)
	}
	return nil
}

// place checks that a tensor lies next bytes after data, and is its size.
func (e ggufEntry) place(f File, data, next int64) (int64, error) {
	size, ok := tensorBytes(e.t.Type, e.t.Shape)
	if !ok {
		return 0, tensorError(f, e.t.Name, "got shape %v of %v: it overflows or its rows are not whole blocks", e.t.Shape, e.t.Type)
	}
	if e.offset != uint64(next) {
		return 0, tensorError(f, e.t.Name, "got offset %d, want %d (the end of the tensor before it)", e.offset, next)
	}
	if size > f.Size || data+next > f.Size-size {
		return 0, tensorError(f, e.t.Name, "got %d bytes at %d, want them within the file's %d: the file is cut short", size, data+next, f.Size)
	}
	return size, nil
}

// A ggufEntry is one row of the tensor table.
type ggufEntry struct {
	t      Tensor
	begin  int64  // where the row is
	offset uint64 // from the start of the data section
}

// table reads the tensor table.
func (g *ggufReader) table(n int) []ggufEntry {
	var out []ggufEntry
	for range n {
		begin := g.pos
		name := g.str(MaxName)
		dims := g.u32()
		if g.err == nil && dims > ggufMaxDims {
			g.err = atByte(g.at, tensorError(g.f, name, "got %d dimensions, want at most %d", dims, ggufMaxDims))
		}
		if g.err != nil {
			return nil
		}
		shape := make([]int, dims)
		for i := range shape { // the file has the innermost first
			d := g.u64()
			if d > math.MaxInt32 {
				g.fail("tensor %.80q: got a dimension of %d, want at most %d", name, d, math.MaxInt32)
			}
			shape[len(shape)-1-i] = int(d & math.MaxInt32)
		}
		typ := g.u32()
		offset := g.u64()
		if g.err == nil && (typ >= uint32(firstHubType) || blocks[Type(typ)].name == "") {
			g.err = atByte(begin, tensorError(g.f, name, "got unknown type %d", typ))
		}
		if g.err == nil && !validName(name) {
			g.err = atByte(begin, tensorError(g.f, name, "got a name of %d bytes, want 1 to %d of UTF-8", len(name), MaxName))
		}
		if g.err != nil {
			return nil
		}
		out = append(out, ggufEntry{Tensor{Name: name, Type: Type(typ), Shape: shape}, begin, offset})
	}
	return out
}

// metadata reads n keys with their values.
func (g *ggufReader) metadata(n int) map[string]any {
	md := map[string]any{}
	for range n {
		key := g.str(MaxName)
		v := g.value(g.u32())
		if g.err != nil {
			return nil
		}
		if _, dup := md[key]; dup {
			g.fail("got key %.80q twice", key)
			return nil
		}
		md[key] = v
	}
	return md
}

// value reads one value of the given type.
func (g *ggufReader) value(typ uint32) any {
	switch typ {
	case ggufUint8:
		return g.u8()
	case ggufInt8:
		return int8(g.u8())
	case ggufUint16:
		return g.u16()
	case ggufInt16:
		return int16(g.u16())
	case ggufUint32:
		return g.u32()
	case ggufInt32:
		return int32(g.u32())
	case ggufFloat32:
		return math.Float32frombits(g.u32())
	case ggufBool:
		return g.boolean()
	case ggufString:
		return g.str(MaxGGUFHeader)
	case ggufUint64:
		return g.u64()
	case ggufInt64:
		return int64(g.u64())
	case ggufFloat64:
		return math.Float64frombits(g.u64())
	case ggufArray:
		return g.array()
	}
	g.fail("got value type %d, want 0 to %d", typ, ggufFloat64)
	return nil
}

// array reads an array into a slice of its element type.
func (g *ggufReader) array() any {
	typ := g.u32()
	if g.err == nil && (typ > ggufFloat64 || typ == ggufArray) {
		g.fail("got an array of value type %d, want a plain type", typ)
	}
	if g.err != nil {
		return nil
	}
	n := g.count("array elements", ggufMinValue[typ], math.MaxInt32)
	switch typ {
	case ggufUint8:
		return ggufSlice(g, n, g.u8)
	case ggufInt8:
		return ggufSlice(g, n, func() int8 { return int8(g.u8()) })
	case ggufUint16:
		return ggufSlice(g, n, g.u16)
	case ggufInt16:
		return ggufSlice(g, n, func() int16 { return int16(g.u16()) })
	case ggufUint32:
		return ggufSlice(g, n, g.u32)
	case ggufInt32:
		return ggufSlice(g, n, func() int32 { return int32(g.u32()) })
	case ggufFloat32:
		return ggufSlice(g, n, func() float32 { return math.Float32frombits(g.u32()) })
	case ggufBool:
		return ggufSlice(g, n, g.boolean)
	case ggufString:
		return ggufSlice(g, n, func() string { return g.str(MaxGGUFHeader) })
	case ggufUint64:
		return ggufSlice(g, n, g.u64)
	case ggufInt64:
		return ggufSlice(g, n, func() int64 { return int64(g.u64()) })
	default:
		return ggufSlice(g, n, func() float64 { return math.Float64frombits(g.u64()) })
	}
}

// ggufSlice reads n elements; n is bounded by the bytes left.
func ggufSlice[T any](g *ggufReader, n int, read func() T) []T {
	if g.err != nil {
		return nil
	}
	out := make([]T, 0, n)
	for range n {
		v := read()
		if g.err != nil {
			return nil
		}
		out = append(out, v)
	}
	return out
}

// count reads a count of things that take at least size bytes each.
func (g *ggufReader) count(what string, size, limit uint64) int {
	n := g.u64()
	if g.err != nil {
		return 0
	}
	if left := uint64(max(g.left, 0)); n > limit || n > left/size {
		g.fail("got %d %s, want at most %d (%d bytes left)", n, what, min(limit, left/size), left)
		return 0
	}
	return int(n)
}

// str reads a string of at most limit bytes.
func (g *ggufReader) str(limit uint64) string {
	n := g.u64()
	if g.err != nil {
		return ""
	}
	if left := uint64(max(g.left, 0)); n > limit || n > left {
		g.fail("got a string of %d bytes, want at most %d", n, min(limit, left))
		return ""
	}
	return string(g.bytes(int(n)))
}

func (g *ggufReader) boolean() bool {
	b := g.u8()
	if b > 1 {
		g.fail("got boolean %d, want 0 or 1", b)
	}
	return b == 1
}

func (g *ggufReader) u8() uint8 { return g.fixed(1)[0] }

func (g *ggufReader) u16() uint16 { return binary.LittleEndian.Uint16(g.fixed(2)) }

func (g *ggufReader) u32() uint32 { return binary.LittleEndian.Uint32(g.fixed(4)) }

func (g *ggufReader) u64() uint64 { return binary.LittleEndian.Uint64(g.fixed(8)) }

// fixed reads n ≤ 8 bytes, zeros after an error.
func (g *ggufReader) fixed(n int) []byte {
	b := g.buf[:n]
	clear(b)
	g.fill(b)
	return b
}

// bytes reads n bytes; the caller has bounded n.
func (g *ggufReader) bytes(n int) []byte {
	b := make([]byte, n)
	g.fill(b)
	return b
}

func (g *ggufReader) fill(b []byte) {
	if g.err != nil {
		return
	}
	g.at = g.pos
	n, err := io.ReadFull(g.r, b)
	g.pos += int64(n)
	g.left -= int64(n)
	switch {
	case err == nil:
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		g.fail("it goes past %d bytes: the file is cut short or the header is too large", g.pos)
	default:
		g.err = fmt.Errorf("read %s: %w", g.f.Path, err)
	}
}

func (g *ggufReader) fail(format string, args ...any) {
	if g.err == nil {
		g.err = atByte(g.at, headerError(g.f, format, args...))
	}
}

// validName tells whether a tensor's name can be printed.
func validName(s string) bool { return s != "" && len(s) <= MaxName && utf8.ValidString(s) }
