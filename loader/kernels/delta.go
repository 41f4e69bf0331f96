package kernels

import "math"

// A GatedDelta is the Task of the gated delta rule (arXiv:2412.06464) for T new
// positions: each head keeps a matrix S from keys to values and, per position,
//
//	S = decay·S;  S += k ⊗ beta·(v - Sᵀk);  out = Sᵀq
//
// with q and k of length 1, and q divided by √Key.
type GatedDelta struct {
	QKV         []float32 // [T][2·KeyHeads·Key + ValueHeads·Value]: queries, keys, values
	Decay, Beta []float32 // [T][ValueHeads]
	Now, Next   []float32 // [ValueHeads][Key][Value]: S before and after, of separate memory
	Out         []float32 // [T][ValueHeads][Value]
	T           int

	KeyHeads, ValueHeads int // ValueHeads is a multiple of KeyHeads
	Key, Value           int // widths of a head
}

// Run computes all heads on p.
func (d *GatedDelta) Run(p *Pool) { p.Run(d, d.ValueHeads) }

// Do computes one head of all positions.
func (d *GatedDelta) Do(w *Worker, h int) {
	stride := 2*d.KeyHeads*d.Key + d.ValueHeads*d.Value
	keyHead := h / (d.ValueHeads / d.KeyHeads)
	size := d.Key * d.Value
	s, before := d.Next[h*size:(h+1)*size], d.Now[h*size:(h+1)*size]
	scratch := w.Scratch(2*d.Key + d.Value)
	q, k, seen := scratch[:d.Key], scratch[d.Key:2*d.Key], scratch[2*d.Key:]
	for t := range d.T {
		row := d.QKV[t*stride : (t+1)*stride]
		unit(q, row[keyHead*d.Key:], 1/math.Sqrt(float64(d.Key)))
		unit(k, row[(d.KeyHeads+keyHead)*d.Key:], 1)
		v := row[2*d.KeyHeads*d.Key+h*d.Value:][:d.Value]
		decay, beta := d.Decay[t*d.ValueHeads+h], d.Beta[t*d.ValueHeads+h]

		for i, x := range before {
			s[i] = decay * x
		}
		before = s
		clear(seen)
		for i, x := range k {
			active.axpy(seen, x, s[i*d.Value:(i+1)*d.Value])
		}
		for i, x := range v {
			seen[i] = beta * (x - seen[i])
		}
		out := d.Out[(t*d.ValueHeads+h)*d.Value:][:d.Value]
		clear(out)
		for i, x := range k {
			active.axpy(s[i*d.Value:(i+1)*d.Value], x, seen)
			active.axpy(out, q[i], s[i*d.Value:(i+1)*d.Value])
		}
	}
}

// unit writes x, made as long as length, to dst.
func unit(dst, x []float32, length float64) {
	const eps = 1e-6 // as the models were trained
	x = x[:len(dst)]
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	scale := float32(length / math.Sqrt(sum+eps))
	for i, v := range x {
		dst[i] = v * scale
	}
}
