package kernels

import "fmt"

// Slice is a view of n rows from row first on, as models have that keep several
// matrices in one tensor. It fails where the rows do not lie one after the
// other.
func (m *Matrix) Slice(first, n int) (Matrix, error) {
	if first < 0 || n < 0 || first+n > m.Rows {
		return Matrix{}, fmt.Errorf("got rows %d to %d of %d", first, first+n, m.Rows)
	}
	if m.panels != nil {
		return Matrix{Type: m.Type, Rows: n, Cols: m.Cols, panels: sliced{m, first}}, nil
	}
	values, bytes := m.Type.Block()
	stride := m.Cols / values * bytes
	s := *m
	s.Rows, s.Data = n, m.Data[first*stride:(first+n)*stride:(first+n)*stride]
	return s, nil
}

// sliced is some rows of a matrix that has panels.
type sliced struct {
	*Matrix
	first int
}

// unpack implements panels.
func (s sliced) unpack(dst []float32, _ *Matrix, first, rows int) {
	s.panels.unpack(dst, s.Matrix, s.first+first, rows)
}
