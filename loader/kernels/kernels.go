// Package kernels holds the operations of a forward pass on the CPU.
//
// Weights stay as they lie in their file: a Matrix is a view of mapped blocks,
// unpacked to float32 a tile at a time while it is multiplied. Everything else
// is float32, sums included. A Pool spreads an operation over threads.
//
// Every operation has a form in Go and, on amd64 with AVX2 and FMA, one in
// assembly; the build tag purego leaves the assembly out. Name says which form
// was chosen. Tests run each form by its name.
package kernels

import (
	"fmt"
	"maps"
	"slices"

	"samara/loader/weights"
)

// A Matrix is a weight matrix as it lies in its file. It may be mapped memory:
// operations read it only during the call.
type Matrix struct {
	Type       weights.Type
	Rows, Cols int    // y = W·x maps [Cols] to [Rows]
	Data       []byte // [Rows][Cols] in blocks of Type, row-major, or what panels reads

	panels panels // where the rows do not lie one after the other
}

// panels unpacks rows of a matrix that is more than blocks in row-major order.
type panels interface {
	// unpack writes rows first to first+rows-1 to dst: [rows][Cols].
	unpack(dst []float32, m *Matrix, first, rows int)
}

// NewMatrix views a two-dimensional tensor as a Matrix. It fails for a type
// that cannot be computed with and for any other number of dimensions.
func NewMatrix(t weights.Tensor) (Matrix, error) {
	if !Supported(t.Type) && t.Groups == nil {
		return Matrix{}, errType(t)
	}
	if len(t.Shape) != 2 {
		return Matrix{}, fmt.Errorf("tensor %s: got shape %v, want two dimensions", t.Name, t.Shape)
	}
	m := Matrix{Type: t.Type, Rows: t.Shape[0], Cols: t.Shape[1], Data: t.Data}
	var err error
	switch {
	case t.Parts != nil:
		m.panels = parts(t.Parts)
	case t.Scale != nil:
		m.panels, err = newScaled(t.Scale, m.Cols)
	case t.Groups != nil:
		m.panels, err = newGroups(t)
	}
	return m, err
}

// NewVector unpacks a one-dimensional tensor to float32: [len].
func NewVector(t weights.Tensor) ([]float32, error) {
	switch {
	case !Supported(t.Type):
		return nil, errType(t)
	case len(t.Shape) != 1 || t.Parts != nil || t.Scale != nil:
		return nil, fmt.Errorf("tensor %s: got shape %v in %d parts, want one dimension and plain values", t.Name, t.Shape, len(t.Parts))
	}
	v := make([]float32, t.Shape[0])
	Dequantize(v, t.Type, t.Data)
	return v, nil
}

// errType refuses a tensor by the name of its type.
func errType(t weights.Tensor) error {
	return fmt.Errorf("tensor %s: got type %v, which cannot be computed with", t.Name, t.Type)
}

// Row unpacks row i into dst: [Cols].
func (m *Matrix) Row(dst []float32, i int) {
	m.unpack(dst[:m.Cols], i, 1)
}

// unpack writes rows first to first+rows-1 to dst: [rows][Cols].
func (m *Matrix) unpack(dst []float32, first, rows int) {
	if m.panels != nil {
		m.panels.unpack(dst, m, first, rows)
		return
	}
	Dequantize(dst, m.Type, m.rows(first, rows))
}

// rows is the bytes of n rows from row i on.
func (m *Matrix) rows(i, n int) []byte {
	values, bytes := m.Type.Block()
	stride := m.Cols / values * bytes
	return m.Data[i*stride : (i+n)*stride]
}

// Supported tells whether a type can be computed with.
func Supported(t weights.Type) bool { return generic.unpack[t] != nil }

// Check refuses a release with values in blocks that cannot be computed with,
// before anything is mapped. Plain whole numbers are left to the architecture.
func Check(h *weights.Header) error {
	for _, name := range slices.Sorted(maps.Keys(h.Tensors)) {
		t := h.Tensors[name]
		if values, _ := t.Type.Block(); values > 1 && !Supported(t.Type) && t.Groups == nil {
			return errType(t)
		}
	}
	return nil
}

// Name is the form of the operations that this machine runs: "avx2" or
// "generic".
func Name() string { return active.name }

// Dequantize unpacks whole blocks of type t into dst. It panics unless
// len(dst) is a multiple of the block and src holds as many blocks.
// Error: every product and every sum is rounded to float32, as the gguf package
// does: values are the same bit for bit (TestDequantize).
func Dequantize(dst []float32, t weights.Type, src []byte) {
	values, bytes := t.Block()
	if len(dst)%values != 0 || len(src) < len(dst)/values*bytes {
		panic(fmt.Sprintf("kernels: dequantize %d values of %v from %d bytes", len(dst), t, len(src)))
	}
	if len(dst) > 0 {
		active.unpack[t](dst, src)
	}
}

// Dot is Σ x[i]·y[i] over len(x) values; y must be at least as long.
func Dot(x, y []float32) float32 { return active.dot(x, y[:len(x)]) }

// Axpy computes y += a·x over len(x) values; y must be at least as long.
func Axpy(y []float32, a float32, x []float32) { active.axpy(y[:len(x)], a, x) }

// ops is one form of the operations that have several.
type ops struct {
	name string
	// unpack by type; dst is whole blocks and not empty, src holds as many.
	unpack [256]func(dst []float32, src []byte)
	dot    func(x, y []float32) float32 // equal lengths
	axpy   func(y []float32, a float32, x []float32)
	// tile computes out[r][c] = w[r]·x[c] for four rows of w and three of x,
	// each n values, their starts ws and xs values apart.
	tile func(w []float32, ws int, x []float32, xs, n int, out *[tileRows][tileCols]float32)
}

// The tile of a product of two matrices that fits the registers.
const (
	tileRows = 4
	tileCols = 3
)

// active is the form this machine runs: chosen once, before anything runs.
var active = choose()
