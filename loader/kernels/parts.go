package kernels

import "samara/loader/weights"

// parts is a matrix that lies in several places: the shards that a release
// made of its rows or columns, or experts stored transposed. Each part is
// unpacked to where it belongs in the panel, so the whole is never assembled.
type parts []weights.Part

// unpack implements panels.
func (p parts) unpack(dst []float32, m *Matrix, first, rows int) {
	_, size := m.Type.Block() // one value: types in blocks are never split
	unpack := active.unpack[m.Type]
	for i := range p {
		part := &p[i]
		from, to := max(first, part.Row), min(first+rows, part.Row+part.Rows)
		if from >= to || part.Cols == 0 {
			continue
		}
		if part.Transposed {
			part := transposed{part, unpack, size}
			part.unpack(dst[(from-first)*m.Cols:], m.Cols, from-part.Row, to-from)
			continue
		}
		for r := from; r < to; r++ {
			start := (r-first)*m.Cols + part.Col
			unpack(dst[start:start+part.Cols], part.Data[(r-part.Row)*part.Cols*size:])
		}
	}
}

// transposed is a part that is stored [Cols][Rows].
type transposed struct {
	*weights.Part
	decode func(dst []float32, src []byte)
	size   int // bytes of a value
}

// unpack writes n rows from row on to dst, stride values apart. They are a run
// of every stored row. It works on tiles, as groups does.
func (p transposed) unpack(dst []float32, stride, row, n int) {
	var run [panelRows]float32
	var tile [panelRows][tileWidth]float32
	for ; n > 0; row, n, dst = row+panelRows, n-panelRows, dst[min(len(dst), panelRows*stride):] {
		k := min(n, panelRows)
		for start := 0; start < p.Cols; start += tileWidth {
			width := min(tileWidth, p.Cols-start)
			for c := range width {
				p.decode(run[:k], p.Data[((start+c)*p.Rows+row)*p.size:])
				for i, v := range run[:k] {
					tile[i][c] = v
				}
			}
			for i := range k {
				copy(dst[i*stride+p.Col+start:], tile[i][:width])
			}
		}
	}
}
