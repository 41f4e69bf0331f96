package kernels

import (
	"fmt"

	"samara/loader/weights"
)

// beside is a matrix of MXFP4 as Hub releases have it: the scales of blocks of
// 32 values lie in a tensor of their own, [rows][cols/32], and 16 bytes hold
// the values of a block in order, low halves first.
type beside struct{ scales []byte }

// NewMXFP4 views values, [rows][cols/32][16] bytes, with their scales,
// [rows][cols/32] bytes, as a Matrix. It fails where they are fewer.
func NewMXFP4(rows, cols int, values, scales []byte) (Matrix, error) {
	const block, bytes = 32, 16
	if n := rows * (cols / block); cols%block != 0 || len(values) != n*bytes || len(scales) != n {
		return Matrix{}, fmt.Errorf("got %d bytes and %d scales for [%d %d] values of MXFP4", len(values), len(scales), rows, cols)
	}
	return Matrix{Type: weights.MXFP4, Rows: rows, Cols: cols, Data: values, panels: beside{scales}}, nil
}

// unpack implements panels.
func (b beside) unpack(dst []float32, m *Matrix, first, rows int) {
	blocks := m.Cols / 32
	for i := first * blocks; i < (first+rows)*blocks; i++ {
		d := halfPower(b.scales[i])
		for _, v := range m.Data[16*i : 16*i+16] {
			dst[0], dst[1] = d*levelsFP4[v&15], d*levelsFP4[v>>4]
			dst = dst[2:]
		}
	}
}
