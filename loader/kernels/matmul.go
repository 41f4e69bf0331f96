package kernels

// panelRows is how many rows of a matrix one part of a MatMul takes.
const panelRows = 16

// unpackRun is how many values of a row are unpacked at a time while a single
// vector is multiplied: a multiple of every block that fits the L1 cache.
const unpackRun = 2048

// A Product is one matrix and where its result goes.
type Product struct {
	W *Matrix
	Y []float32 // [T][W.Rows]
}

// A MatMul is the Task y[t] = W·x[t] for T vectors and several matrices that
// read the same vectors. Rows are unpacked once for all of them.
//
// Error: float32 rounding of the sum only; nothing is rounded to fewer bits.
type MatMul struct {
	X   []float32 // [T][Cols]
	T   int
	Out []Product // all of the same Cols
}

// Run computes the whole product on p.
func (m *MatMul) Run(p *Pool) {
	parts := 0
	for _, o := range m.Out {
		parts += panelsOf(o.W)
	}
	p.Run(m, parts)
}

func panelsOf(w *Matrix) int { return (w.Rows + panelRows - 1) / panelRows }

// Do computes one panel of rows.
func (m *MatMul) Do(w *Worker, part int) {
	for _, o := range m.Out {
		if n := panelsOf(o.W); part >= n {
			part -= n
			continue
		}
		first := part * panelRows
		rows := min(panelRows, o.W.Rows-first)
		if m.T == 1 && o.W.panels == nil {
			matVec(w, o, m.X, first, rows)
		} else {
			matPanel(w, o, m.X, m.T, first, rows)
		}
		return
	}
}

// matVec computes rows of one product for one vector.
func matVec(w *Worker, o Product, x []float32, first, rows int) {
	cols := o.W.Cols
	values, bytes := o.W.Type.Block()
	scratch := w.Scratch(min(cols, unpackRun))
	for r := first; r < first+rows; r++ {
		src := o.W.rows(r, 1)
		var sum float32
		for c := 0; c < cols; c += unpackRun {
			n := min(unpackRun, cols-c)
			Dequantize(scratch[:n], o.W.Type, src[c/values*bytes:])
			sum += active.dot(scratch[:n], x[c:c+n])
		}
		o.Y[r] = sum
	}
}

// matPanel computes rows of one product for t vectors.
func matPanel(w *Worker, o Product, x []float32, t, first, rows int) {
	cols, stride := o.W.Cols, o.W.Rows
	panel := w.Scratch(rows * cols)
	o.W.unpack(panel, first, rows)
	fullRows, fullCols := rows/tileRows*tileRows, t/tileCols*tileCols
	for c := 0; c < fullCols; c += tileCols {
		for r := 0; r < fullRows; r += tileRows {
			active.tile(panel[r*cols:], cols, x[c*cols:], cols, cols, &w.tile)
			for i, row := range w.tile {
				for j, v := range row {
					o.Y[(c+j)*stride+first+r+i] = v
				}
			}
		}
	}
	for c := range t {
		r := fullRows
		if c >= fullCols {
			r = 0
		}
		for ; r < rows; r++ {
			o.Y[c*stride+first+r] = active.dot(panel[r*cols:(r+1)*cols], x[c*cols:(c+1)*cols])
		}
	}
}
