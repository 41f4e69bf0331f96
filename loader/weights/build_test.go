package weights

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// A ggufFile writes GGUF files that need not be sound.
type ggufFile struct {
	version       uint32
	keys, tensors uint64 // counts that the header gives
	md, table     bytes.Buffer
	data          bytes.Buffer
	align         int
}

func newGGUF() *ggufFile { return &ggufFile{version: 3, align: 32} }

func put(b *bytes.Buffer, values ...any) {
	for _, v := range values {
		if s, ok := v.(string); ok {
			put(b, uint64(len(s)))
			b.WriteString(s)
			continue
		}
		if err := binary.Write(b, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
}

// key adds a key with a value of the given type.
func (g *ggufFile) key(name string, typ uint32, value ...any) *ggufFile {
	put(&g.md, name, typ)
	put(&g.md, value...)
	g.keys++
	return g
}

// tensor adds a tensor with its data where it belongs. dims are innermost
// first.
func (g *ggufFile) tensor(name string, typ uint32, data []byte, dims ...uint64) *ggufFile {
	g.entry(name, typ, uint64(g.data.Len()), dims...)
	g.data.Write(data)
	g.pad(&g.data)
	return g
}

// entry adds a row to the table alone.
func (g *ggufFile) entry(name string, typ uint32, offset uint64, dims ...uint64) *ggufFile {
	put(&g.table, name, uint32(len(dims)), dims, typ, offset)
	g.tensors++
	return g
}

func (g *ggufFile) pad(b *bytes.Buffer) {
	for b.Len()%g.align != 0 {
		b.WriteByte(0)
	}
}

func (g *ggufFile) bytes() []byte {
	var b bytes.Buffer
	b.WriteString("GGUF")
	put(&b, g.version, g.tensors, g.keys)
	b.Write(g.md.Bytes())
	b.Write(g.table.Bytes())
	g.pad(&b)
	b.Write(g.data.Bytes())
	return b.Bytes()
}

// soundGGUF is a file of three tensors and a key of every type.
func soundGGUF() *ggufFile {
	g := newGGUF().
		key("general.architecture", ggufString, "llama").
		key("u8", ggufUint8, uint8(200)).key("i8", ggufInt8, int8(-3)).
		key("u16", ggufUint16, uint16(60000)).key("i16", ggufInt16, int16(-300)).
		key("u32", ggufUint32, uint32(4e9)).key("i32", ggufInt32, int32(-5)).
		key("f32", ggufFloat32, float32(1.5)).key("yes", ggufBool, uint8(1)).
		key("u64", ggufUint64, uint64(1<<40)).key("i64", ggufInt64, int64(-1<<40)).
		key("f64", ggufFloat64, 2.5).
		key("words", ggufArray, uint32(ggufString), uint64(2), "a", "bc").
		key("ints", ggufArray, uint32(ggufInt32), uint64(3), []int32{1, -2, 3}).
		key("floats", ggufArray, uint32(ggufFloat32), uint64(1), float32(0.5)).
		key("bools", ggufArray, uint32(ggufBool), uint64(2), []uint8{0, 1})
	return g.
		tensor("a", uint32(F32), bytes.Repeat([]byte{1}, 4*6), 3, 2).
		tensor("b", uint32(Q8_0), bytes.Repeat([]byte{2}, 34*2), 32, 2).
		tensor("c", uint32(F16), bytes.Repeat([]byte{3}, 2*5), 5)
}

// safetensorsFile joins a header with data. The header is JSON as it is.
func safetensorsFile(header string, data int) []byte {
	var b bytes.Buffer
	put(&b, uint64(len(header)))
	b.WriteString(header)
	b.Write(make([]byte, data))
	return b.Bytes()
}

const soundHeader = `{"__metadata__":{"format":"pt"},` +
	`"x":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},` +
	`"empty":{"dtype":"F16","shape":[0,7],"data_offsets":[24,24]},` +
	`"scalar":{"dtype":"BF16","shape":[],"data_offsets":[24,26]}}  `

// An attack is a file that must be refused, and what the error says.
type attack struct {
	file []byte
	want string
}

// inMemory is a release of files that are never mapped.
func inMemory(files map[string][]byte) []File {
	var out []File
	for name, b := range files {
		out = append(out, File{Path: name, Size: int64(len(b)), R: bytes.NewReader(b)})
	}
	return out
}

// onDisk is a release of open files in a temporary folder.
func onDisk(t *testing.T, files map[string][]byte) []File {
	t.Helper()
	var out []File
	for name, b := range files {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		out = append(out, File{Path: name, Size: int64(len(b)), R: f})
	}
	return out
}

// wantError checks that an error says what is wrong.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("got no error, want one with %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("got error %q, want %q in it", err, p)
		}
	}
}

// maxRefusal bounds the memory that a file may take before it is refused.
const maxRefusal = 64 << 20

// cheap runs f and wants it to take little memory, freed or not.
func cheap(t *testing.T, f func() error) error {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := f()
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > maxRefusal {
		t.Errorf("took %d bytes, want at most %d", n, maxRefusal)
	}
	return err
}

// readHeader is ReadHeader for files in memory, checked by cheap.
func readHeader(t *testing.T, files map[string][]byte) error {
	t.Helper()
	return cheap(t, func() error {
		_, err := ReadHeader(inMemory(files))
		return err
	})
}

// describe prints a tensor without its bytes.
func describe(t Tensor) string {
	return fmt.Sprintf("%s %v %v at %d", t.Name, t.Type, t.Shape, t.offset)
}

// names lists the tensors in order.
func names(h *Header) []string { return slices.Sorted(maps.Keys(h.Tensors)) }
