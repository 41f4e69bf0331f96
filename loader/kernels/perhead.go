package kernels

// A PerHead is the Task of a product for each head with rows of its own: head h
// has Rows rows of W from h·Stride+First on, W_h.
//
//	y[t][h] = W_h·x[t][h], or, Transposed, W_hᵀ·x[t][h]
type PerHead struct {
	W                   *Matrix
	Stride, First, Rows int
	Transposed          bool
	X, Y                Heads
	T, Heads            int
}

// Heads is where vectors lie, one per token and head: that of head h of token t
// from (t·heads+h)·Width+Offset on.
type Heads struct {
	Data          []float32
	Width, Offset int
}

// at is the n values of head i, counted over all tokens.
func (h *Heads) at(i, n int) []float32 {
	first := i*h.Width + h.Offset
	return h.Data[first : first+n]
}

// Run computes all heads on p.
func (m *PerHead) Run(p *Pool) { p.Run(m, m.Heads) }

// Do computes one head of all tokens.
func (m *PerHead) Do(w *Worker, h int) {
	cols := m.W.Cols
	rows := w.Scratch(m.Rows * cols)
	m.W.unpack(rows, h*m.Stride+m.First, m.Rows)
	for t := range m.T {
		i := t*m.Heads + h
		if m.Transposed {
			x, y := m.X.at(i, m.Rows), m.Y.at(i, cols)
			clear(y)
			for r, v := range x {
				active.axpy(y, v, rows[r*cols:(r+1)*cols])
			}
			continue
		}
		x, y := m.X.at(i, cols), m.Y.at(i, m.Rows)
		for r := range y {
			y[r] = active.dot(rows[r*cols:(r+1)*cols], x)
		}
	}
}
