package weights

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
)

// MaxSafetensorsHeader bounds the JSON header of one file, in bytes; the
// format's own limit.
const MaxSafetensorsHeader = 100_000_000

// MaxSafetensorsEntry bounds one entry of the header, in bytes: a tensor with
// its name, or all of the metadata. Memory is taken for one entry at a time.
const MaxSafetensorsEntry = 4 << 20

// An entry is what a safetensors header says about one tensor.
type entry struct {
	DType   string   `json:"dtype"`
	Shape   []int64  `json:"shape"`
	Offsets []uint64 `json:"data_offsets"` // begin and end, from the end of the header
}

// readSafetensors adds the tensors of one file, the release's file number
// index, to h.
func (h *Header) readSafetensors(f File, index int) error {
	var size [8]byte
	if _, err := f.R.ReadAt(size[:], 0); err != nil {
		if errors.Is(err, io.EOF) {
			return headerError(f, "got %d bytes, want at least 8: the file is cut short", f.Size)
		}
		return fmt.Errorf("read %s: %w", f.Path, err)
	}
	n := binary.LittleEndian.Uint64(size[:])
	if n > MaxSafetensorsHeader {
		return headerError(f, "got a header of %d bytes, want at most %d", n, MaxSafetensorsHeader)
	}
	if int64(n) > f.Size-8 {
		return headerError(f, "got a header of %d bytes, want it within the file's %d: the file is cut short", n, f.Size)
	}
	tensors, tied, err := parseSafetensors(f, io.NewSectionReader(f.R, 8, int64(n)))
	if err != nil {
		return err
	}
	if err := placeSafetensors(f, tensors, 8+int64(n)); err != nil {
		return err
	}
	for _, t := range tensors {
		t.file = index
		if err := h.add(f, t); err != nil {
			return atByte(t.offset, err)
		}
		for _, name := range tied[t.Name] {
			t.Name, t.tied = name, true
			if err := h.add(f, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// parseSafetensors reads the JSON object of a header. Offsets in the result
// are still relative to the end of the header. tied lists, for tensors that are
// there, the names that only the metadata has: those of tensors that shared
// their bytes when they were saved.
func parseSafetensors(f File, r io.Reader) (tensors []Tensor, tied map[string][]string, err error) {
	br := bufio.NewReader(r)
	if b, err := br.Peek(1); err != nil || b[0] != '{' {
		return nil, nil, atByte(8, headerError(f, "want a JSON object right after the size"))
	}
	dec := json.NewDecoder(&entryReader{r: br})
	tensors, md, err := parseEntries(f, dec)
	if err != nil {
		return nil, nil, atByte(8+dec.InputOffset(), err)
	}
	there := map[string]bool{}
	for _, t := range tensors {
		there[t.Name] = true
	}
	tied = map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(md)) {
		if of := md[name]; there[of] && !there[name] && validName(name) {
			tied[of] = append(tied[of], name)
		}
	}
	return tensors, tied, nil
}

// An entryReader passes JSON on as long as nothing in the outermost object is
// longer than MaxSafetensorsEntry: the decoder keeps what it has not understood
// yet.
type entryReader struct {
	r      io.Reader
	depth  int
	quoted bool // in a string
	escape bool // behind a backslash in it
	n      int  // bytes since the last entry ended
}

var errLongEntry = fmt.Errorf("got an entry of more than %d bytes", MaxSafetensorsEntry)

// Read implements io.Reader.
func (e *entryReader) Read(b []byte) (int, error) {
	n, err := e.r.Read(b)
	for _, c := range b[:n] {
		e.n++
		switch {
		case e.escape:
			e.escape = false
		case e.quoted:
			e.escape, e.quoted = c == '\\', c != '"'
		case c == '"':
			e.quoted = true
		case c == '{' || c == '[':
			e.depth++
		case c == '}' || c == ']':
			e.depth--
		case c == ',' && e.depth == 1:
			e.n = 0
		}
		if e.n > MaxSafetensorsEntry {
			return 0, errLongEntry
		}
	}
	return n, err
}

// parseEntries reads the object to its end, which must be the header's.
func parseEntries(f File, dec *json.Decoder) (out []Tensor, md map[string]string, err error) {
	if _, err := dec.Token(); err != nil {
		return nil, nil, jsonError(f, err)
	}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return nil, nil, jsonError(f, err)
		}
		name, _ := tok.(string)
		if name == "__metadata__" {
			if md != nil {
				return nil, nil, headerError(f, "got __metadata__ twice")
			}
			if err := dec.Decode(&md); err != nil {
				return nil, nil, jsonError(f, err)
			}
			continue
		}
		var e entry
		if err := dec.Decode(&e); err != nil {
			return nil, nil, jsonError(f, err)
		}
		t, err := e.tensor(f, name)
		if err != nil {
			return nil, nil, err
		}
		if len(out) == MaxTensors {
			return nil, nil, headerError(f, "got more than %d tensors", MaxTensors)
		}
		out = append(out, t)
	}
	if _, err := dec.Token(); err != nil {
		return nil, nil, jsonError(f, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, headerError(f, "got more after the JSON object")
	}
	return out, md, nil
}

// tensor checks one entry by itself.
func (e entry) tensor(f File, name string) (Tensor, error) {
	if !validName(name) {
		return Tensor{}, tensorError(f, name, "got a name of %d bytes, want 1 to %d of UTF-8", len(name), MaxName)
	}
	typ, ok := dtypes[e.DType]
	if !ok {
		return Tensor{}, tensorError(f, name, "got unknown dtype %.20q", e.DType)
	}
	if len(e.Shape) > MaxDims {
		return Tensor{}, tensorError(f, name, "got %d dimensions, want at most %d", len(e.Shape), MaxDims)
	}
	shape := make([]int, len(e.Shape))
	for i, d := range e.Shape {
		if d < 0 || d > math.MaxInt32 {
			return Tensor{}, tensorError(f, name, "got a dimension of %d, want 0 to %d", d, math.MaxInt32)
		}
		shape[i] = int(d)
	}
	size, ok := tensorBytes(typ, shape)
	if !ok {
		return Tensor{}, tensorError(f, name, "got shape %v of %v: it overflows", shape, typ)
	}
	if len(e.Offsets) != 2 || e.Offsets[0] > e.Offsets[1] || e.Offsets[1] > math.MaxInt64 {
		return Tensor{}, tensorError(f, name, "got data_offsets %v, want [begin, end]", e.Offsets)
	}
	if got := e.Offsets[1] - e.Offsets[0]; got != uint64(size) {
		return Tensor{}, tensorError(f, name, "got %d bytes, want %d for shape %v of %v", got, size, shape, typ)
	}
	return Tensor{Name: name, Type: typ, Shape: shape, place: place{offset: int64(e.Offsets[0]), size: size}}, nil
}

// placeSafetensors checks that the tensors fill the file from data to its end
// without hole or overlap, and makes their offsets absolute.
func placeSafetensors(f File, tensors []Tensor, data int64) error {
	slices.SortFunc(tensors, func(a, b Tensor) int {
		if a.offset != b.offset {
			return int(min(max(a.offset-b.offset, -1), 1))
		}
		return int(min(max(a.size-b.size, -1), 1)) // the empty one first
	})
	next := int64(0)
	for i := range tensors {
		t := &tensors[i]
		if t.offset != next {
			return atByte(data+next, tensorError(f, t.Name, "begins at %d, want %d (the end of the tensor before it)", t.offset, next))
		}
		if t.size > f.Size-data-next {
			return atByte(data+next, tensorError(f, t.Name, "got %d bytes at %d, want them within the file's %d: the file is cut short", t.size, data+next, f.Size))
		}
		next += t.size
		t.offset += data
	}
	if data+next != f.Size {
		return atByte(data+next, headerError(f, "tensors end at %d, want %d (the end of the file)", data+next, f.Size))
	}
	return nil
}

// MaxIndex bounds model.safetensors.index.json, in bytes.
const MaxIndex = 64 << 20

// readIndex reads which tensor lies in which file.
func readIndex(f File) (map[string]string, error) {
	if f.Size > MaxIndex {
		return nil, headerError(f, "got %d bytes, want at most %d", f.Size, MaxIndex)
	}
	b, err := io.ReadAll(io.NewSectionReader(f.R, 0, f.Size))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.Path, err)
	}
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&index); err != nil {
		return nil, jsonError(f, err)
	}
	if len(index.WeightMap) == 0 {
		return nil, headerError(f, "got no weight_map, want one")
	}
	return index.WeightMap, nil
}

func jsonError(f File, err error) error {
	return headerError(f, "it is not the JSON it should be: %v", err)
}
