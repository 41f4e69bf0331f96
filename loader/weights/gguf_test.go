package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGGUF(t *testing.T) {
	for _, version := range []uint32{2, 3} {
		g := soundGGUF()
		g.version = version
		h, err := ReadHeader(inMemory(map[string][]byte{"m.gguf": g.bytes()}))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]any{
			"general.architecture": "llama",
			"u8":                   uint8(200), "i8": int8(-3), "u16": uint16(60000), "i16": int16(-300),
			"u32": uint32(4e9), "i32": int32(-5), "f32": float32(1.5), "yes": true,
			"u64": uint64(1 << 40), "i64": int64(-1 << 40), "f64": 2.5,
			"words": []string{"a", "bc"}, "ints": []int32{1, -2, 3}, "floats": []float32{0.5}, "bools": []bool{false, true},
		}
		if d := cmp.Diff(want, h.Metadata); d != "" {
			t.Errorf("metadata (-want +got):\n%s", d)
		}
		if !h.Interleaved {
			t.Error("a GGUF file of architecture llama has interleaved rotary pairs")
		}
		a, b, c := h.Tensors["a"], h.Tensors["b"], h.Tensors["c"]
		if !slices.Equal(a.Shape, []int{2, 3}) || a.Type != F32 || a.Size() != 24 {
			t.Errorf("got %s", describe(a))
		}
		if !slices.Equal(b.Shape, []int{2, 32}) || b.Type != Q8_0 || b.offset != a.offset+32 {
			t.Errorf("got %s", describe(b))
		}
		if !slices.Equal(c.Shape, []int{5}) || c.Type != F16 || c.offset != b.offset+96 {
			t.Errorf("got %s", describe(c))
		}
		if h.Parameters() != 6+64+5 || h.Bytes() != 24+68+10 || h.MainType() != Q8_0 {
			t.Errorf("got %d parameters in %d bytes, mostly %v", h.Parameters(), h.Bytes(), h.MainType())
		}
	}
}

func TestGGUFAlignment(t *testing.T) {
	g := newGGUF()
	g.align = 128
	g.key("general.alignment", ggufUint32, uint32(128)).
		tensor("a", uint32(F32), make([]byte, 4), 1).
		tensor("b", uint32(F32), make([]byte, 4), 1)
	h, err := ReadHeader(inMemory(map[string][]byte{"m.gguf": g.bytes()}))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := h.Tensors["a"], h.Tensors["b"]; a.offset%128 != 0 || b.offset != a.offset+128 {
		t.Errorf("got offsets %d and %d", a.offset, b.offset)
	}
}

// ggufAttacks lists what a hostile file may try. Each must be refused with an
// error that names it and its place, before memory is taken for what it promises.
func ggufAttacks() map[string]attack {
	huge := uint64(1) << 60
	return map[string]attack{
		"empty":           {nil, "cut short"},
		"magic":           {[]byte("GGML0000000000000000000000000000"), "magic"},
		"version":         {(&ggufFile{version: 1, align: 1}).bytes(), "version 1"},
		"big-endian":      {(&ggufFile{version: 3 << 24, align: 1}).bytes(), "little-endian"},
		"tensor count":    {(&ggufFile{version: 3, tensors: huge, align: 1}).bytes(), "tensors, want at most"},
		"key count":       {(&ggufFile{version: 3, keys: huge, align: 1}).bytes(), "keys, want at most"},
		"key length":      {newGGUF().key("x", 4, uint32(1)).patch("x", huge), "string of"},
		"key too long":    {newGGUF().key(string(make([]byte, MaxName+1)), 4, uint32(1)).bytes(), "string of"},
		"key twice":       {newGGUF().key("x", 4, uint32(1)).key("x", 4, uint32(1)).bytes(), "twice"},
		"value type":      {newGGUF().key("x", 13, uint32(1)).bytes(), "value type 13"},
		"boolean":         {newGGUF().key("x", ggufBool, uint8(2)).bytes(), "boolean"},
		"string length":   {newGGUF().key("x", ggufString, huge).bytes(), "string of"},
		"array count":     {newGGUF().key("x", ggufArray, uint32(ggufFloat64), huge).bytes(), "array elements"},
		"array of arrays": {newGGUF().key("x", ggufArray, uint32(ggufArray), uint64(1), uint64(0), uint64(0)).bytes(), "plain type"},
		"alignment 0":     {newGGUF().key("general.alignment", ggufUint32, uint32(0)).bytes(), "alignment"},
		"alignment 3":     {newGGUF().key("general.alignment", ggufUint32, uint32(3)).bytes(), "alignment"},
		"alignment huge":  {newGGUF().key("general.alignment", ggufUint32, uint32(1<<31)).bytes(), "alignment"},
		"alignment type":  {newGGUF().key("general.alignment", ggufUint64, uint64(32)).bytes(), "alignment"},
		"dimensions":      {newGGUF().tensor("x", 0, make([]byte, 4), 1, 1, 1, 1, 1).bytes(), "5 dimensions"},
		"dimension":       {newGGUF().entry("x", 0, 0, huge).bytes(), "dimension"},
		"overflow":        {newGGUF().entry("x", 0, 0, 1<<31-1, 1<<31-1, 1<<31-1).bytes(), "overflows"},
		"overflow to 0":   {newGGUF().entry("x", 0, 0, 1<<16, 1<<16, 1<<16, 1<<16).bytes(), "overflows"},
		"rows not blocks": {newGGUF().tensor("x", uint32(Q8_0), make([]byte, 34), 8, 4).bytes(), "whole blocks"},
		"scalar blocks":   {newGGUF().tensor("x", uint32(Q8_0), make([]byte, 34)).bytes(), "whole blocks"},
		"unknown type":    {newGGUF().tensor("x", 4, make([]byte, 34), 32).bytes(), "unknown type 4"},
		"type of ours":    {newGGUF().tensor("x", uint32(boolean), make([]byte, 34), 32).bytes(), "unknown type"},
		"no name":         {newGGUF().tensor("", 0, make([]byte, 4), 1).bytes(), "a name of 0 bytes"},
		"name not UTF-8":  {newGGUF().tensor("\xff", 0, make([]byte, 4), 1).bytes(), "UTF-8"},
		"tensor twice":    {newGGUF().tensor("x", 0, make([]byte, 4), 1).tensor("x", 0, make([]byte, 4), 1).bytes(), "two tensors"},
		"overlap":         {newGGUF().tensor("x", 0, make([]byte, 64), 16).entry("y", 0, 0, 1).bytes(), "want 64"},
		"hole":            {newGGUF().tensor("x", 0, make([]byte, 64), 16).entry("y", 0, 96, 1).bytes(), "want 64"},
		"past the end":    {newGGUF().entry("x", 0, 0, 1<<20).bytes(), "cut short"},
	}
}

// TestGGUFBad wants every attack refused.
func TestGGUFBad(t *testing.T) {
	for name, c := range ggufAttacks() {
		t.Run(name, func(t *testing.T) {
			err := readHeader(t, map[string][]byte{"m.gguf": c.file})
			wantError(t, err, "read m.gguf", c.want)
			var f *FormatError
			if !errors.As(err, &f) || f.Code() != "unsupported_model" || f.Offset == 0 && len(c.file) > 32 {
				t.Errorf("got %v, want a *FormatError with an offset", err)
			}
		})
	}
}

// patch is the file with the length of its first key replaced.
func (g *ggufFile) patch(key string, length uint64) []byte {
	b := g.bytes()
	binary.LittleEndian.PutUint64(b[bytes.Index(b, []byte(key))-8:], length)
	return b
}

// TestGGUFCutShort cuts a sound file at every byte of header and data.
func TestGGUFCutShort(t *testing.T) {
	b := soundGGUF().bytes()
	end := len(b) - (32 - 2*5) // the last padding may be absent
	for n := range end {
		if _, err := ReadHeader(inMemory(map[string][]byte{"m.gguf": b[:n]})); err == nil {
			t.Fatalf("got no error for the first %d bytes of %d", n, end)
		}
	}
	if _, err := ReadHeader(inMemory(map[string][]byte{"m.gguf": b[:end]})); err != nil {
		t.Errorf("without padding at the end: %v", err)
	}
}

// TestGGUFLargeHeader wants a header of 1 GB refused, without reading it.
func TestGGUFLargeHeader(t *testing.T) {
	b := newGGUF().key("x", ggufString, uint64(1<<30)).bytes()
	_, err := ReadHeader([]File{{Path: "m.gguf", Size: 1 << 31, R: bytes.NewReader(b)}})
	wantError(t, err, "got a string of 1073741824 bytes")
}

func FuzzGGUF(f *testing.F) {
	f.Add(soundGGUF().bytes())
	f.Add(newGGUF().bytes())
	f.Add(newGGUF().tensor("x", uint32(Q4_K), make([]byte, 144), 256).bytes())
	for _, c := range ggufAttacks() {
		f.Add(c.file)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ReadHeader(inMemory(map[string][]byte{"m.gguf": b}))
		if err != nil {
			return
		}
		checkPlaces(t, h, len(b))
	})
}

// checkPlaces checks that the tensors of one file lie in it without overlap.
func checkPlaces(t *testing.T, h *Header, size int) {
	t.Helper()
	all := slices.Collect(maps.Values(h.Tensors))
	all = slices.DeleteFunc(all, func(x Tensor) bool { return x.tied })
	slices.SortFunc(all, func(a, b Tensor) int {
		return int(a.offset+a.size-b.offset-b.size) + int(min(max(a.offset-b.offset, -1), 1))
	})
	end := int64(0)
	for _, x := range all {
		if x.offset < end || x.size < 0 || x.offset+x.size > int64(size) {
			t.Fatalf("tensor %s, %d bytes, in a file of %d, after one that ends at %d", describe(x), x.size, size, end)
		}
		want, ok := tensorBytes(x.Type, x.Shape)
		if !ok || want != x.size {
			t.Fatalf("tensor %s: got %d bytes, want %d", describe(x), x.size, want)
		}
		end = x.offset + x.size
	}
}
