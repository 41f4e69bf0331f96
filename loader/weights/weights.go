// Package weights reads the tensors of a model release, GGUF, safetensors or
// PyTorch's .pth, one file or sharded, into one Directory.
//
// Headers are read through bounded buffers and checked before memory is taken
// for what they promise; the tensors themselves are views of a read-only
// mapping that is never copied:
//
//	h, err := weights.ReadHeader(files)   // names, types, shapes; nothing mapped
//	dir, err := weights.Map(h)            // the same, with bytes
//	release, err := dir.Acquire()         // hold it while reading tensors
//	defer release()
//
// A mapped file that is cut short by somebody makes reads fault. CatchFault
// turns such a fault into a *FaultError.
package weights

import (
	"fmt"
	"io"
	"maps"
	"math/bits"
	"slices"
)

// Bounds on what a stranger's header may make us hold.
const (
	// MaxTensors bounds the tensors of a release.
	MaxTensors = 1 << 18
	// MaxName bounds a tensor's or key's name, in bytes.
	MaxName = 1 << 10
	// MaxDims bounds the dimensions of a tensor.
	MaxDims = 8
)

// A File is one file of a release as a reader of headers sees it.
type File struct {
	Path string      // slash-separated
	Size int64       // bytes
	R    io.ReaderAt // an *os.File where it is to be mapped
}

// A Tensor is one tensor's place in the release, and its bytes once mapped.
type Tensor struct {
	Name  string
	Type  Type
	Shape []int  // outermost first; the last dimension is contiguous; [] is a scalar
	Data  []byte // whole blocks, row-major; nil in a Header; valid until the Directory is closed
	// Parts is where a matrix lies that is not row after row in one place; Data
	// is nil then.
	Parts []Part

	Scale  *Scale  // of 8-bit floats; nil where they are the values themselves
	Groups *Groups // of the types GPTQ4 and AWQ4

	tied bool // another tensor has the same bytes
	place
}

// A Part is a rectangle of a matrix, as one shard of it holds it.
type Part struct {
	Row, Col   int    // its first row and column in the matrix
	Rows, Cols int    // its size
	Transposed bool   // it is stored [Cols][Rows] instead of [Rows][Cols]
	Data       []byte // values of the matrix's Type; nil in a Header; valid until the Directory is closed

	place
}

// A place is where bytes lie in a release.
type place struct {
	file   int   // index into the release's files
	offset int64 // bytes from the start of the file
	size   int64 // bytes; of all parts together in a Tensor that has some
}

// in is the bytes of a place in the mapped files.
func (p place) in(maps [][]byte) []byte {
	return maps[p.file][p.offset : p.offset+p.size : p.offset+p.size]
}

// Len is the number of values.
func (t Tensor) Len() int64 {
	n := int64(1)
	for _, d := range t.Shape {
		n *= int64(d)
	}
	return n
}

// Size is the number of bytes, scales and zeros included.
func (t Tensor) Size() int64 {
	n := t.size
	if t.Scale != nil {
		n += t.Scale.size
	}
	if g := t.Groups; g != nil {
		n += g.Scales.size + g.Zeros.size
		if g.Index != nil {
			n += g.Index.size
		}
	}
	return n
}

// A Header is what the headers of a release say.
type Header struct {
	Format string // "gguf", "safetensors" or "pth"
	// Layout is how the release names its tensors: "gguf"; "hub"; or
	// "consolidated", Meta's and Mistral's own, whose names Tensors has in the
	// Hub's form.
	Layout string
	// Interleaved says how rotary pairs lie in the query and key weights: at
	// (2i, 2i+1) of a head, or, when false, at (i, i+d/2).
	Interleaved bool
	// Metadata holds the keys of a GGUF file as string, bool, float64, (u)int8
	// to (u)int64, float32, or a slice of one of these. Empty for safetensors.
	Metadata map[string]any
	Tensors  map[string]Tensor

	files []File // the weight files, in the order that Tensor.file counts
}

// Bytes is the size of all tensors together, tied ones once.
func (h *Header) Bytes() int64 {
	var n int64
	for _, t := range h.Tensors {
		if !t.tied {
			n += t.Size()
		}
	}
	return n
}

// Parameters is the number of values of all tensors together, tied ones once.
func (h *Header) Parameters() int64 {
	var n int64
	for _, t := range h.Tensors {
		if !t.tied {
			n += t.Len()
		}
	}
	return n
}

// MainType is the type that most values have.
func (h *Header) MainType() Type {
	count := map[Type]int64{}
	for _, t := range h.Tensors {
		if !t.tied {
			count[t.Type] += t.Len()
		}
	}
	main := F32
	for _, t := range slices.Sorted(maps.Keys(count)) {
		if count[t] > count[main] {
			main = t
		}
	}
	return main
}

// add records a tensor of file number file, refusing a second one of its name.
func (h *Header) add(f File, t Tensor) error {
	if _, dup := h.Tensors[t.Name]; dup {
		return tensorError(f, t.Name, "got two tensors of that name, want one")
	}
	if len(h.Tensors) == MaxTensors {
		return headerError(f, "got more than %d tensors", MaxTensors)
	}
	h.Tensors[t.Name] = t
	return nil
}

// tensorBytes is the size of a tensor of the given type and shape. ok is false
// where it overflows, a dimension is negative, or rows are not whole blocks.
func tensorBytes(t Type, shape []int) (size int64, ok bool) {
	values, bytes := t.Block()
	if values == 0 {
		return 0, false
	}
	n := uint64(1)
	for _, d := range shape {
		if d < 0 {
			return 0, false
		}
		hi, lo := bits.Mul64(n, uint64(d))
		if hi != 0 || lo > 1<<62 {
			return 0, false
		}
		n = lo
	}
	if values > 1 && (len(shape) == 0 || shape[len(shape)-1]%values != 0) {
		return 0, false
	}
	hi, lo := bits.Mul64(n/uint64(values), uint64(bytes))
	if hi != 0 || lo > 1<<62 {
		return 0, false
	}
	return int64(lo), true
}

func headerError(f File, format string, args ...any) error {
	return &FormatError{File: f.Path, Object: "header", Reason: fmt.Sprintf(format, args...)}
}

func tensorError(f File, name, format string, args ...any) error {
	return &FormatError{File: f.Path, Object: fmt.Sprintf("tensor %.80q", name), Reason: fmt.Sprintf(format, args...)}
}
