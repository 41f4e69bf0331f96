package kernels

import "math"

// RMSNorm computes dst = x / rms(x) · w over len(w) values, where rms is the
// root of the mean square plus eps. dst may be x. The mean is summed in
// float64.
func RMSNorm(dst, x, w []float32, eps float32) {
	x, dst = x[:len(w)], dst[:len(w)]
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	scale := float32(1 / math.Sqrt(sum/float64(len(x))+float64(eps)))
	for i, v := range x {
		dst[i] = v * scale * w[i]
	}
}

// Softmax turns x into exp(x - max) / Σ exp(x - max) in place.
func Softmax(x []float32) {
	if len(x) == 0 {
		return
	}
	top := x[0]
	for _, v := range x {
		top = max(top, v)
	}
	var sum float64
	for i, v := range x {
		e := math.Exp(float64(v - top))
		x[i] = float32(e)
		sum += e
	}
	scale := float32(1 / sum)
	for i := range x {
		x[i] *= scale
	}
}

// siluRun is how many values one part of a SiluMul takes.
const siluRun = 1024

// A SiluMul is the Task Gate = silu(Gate) · Up in place, where silu(x) is
// x / (1 + e⁻ˣ). Both have the same length.
type SiluMul struct {
	Gate, Up []float32
}

// Run computes all of it on p.
func (s *SiluMul) Run(p *Pool) { p.Run(s, (len(s.Gate)+siluRun-1)/siluRun) }

// Do computes one run of values.
func (s *SiluMul) Do(_ *Worker, part int) {
	first, end := part*siluRun, min((part+1)*siluRun, len(s.Gate))
	gate, up := s.Gate[first:end], s.Up[first:end]
	for i, v := range gate {
		gate[i] = v / (1 + float32(math.Exp(float64(-v)))) * up[i]
	}
}

// Add computes y += x over len(x) values.
func Add(y, x []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += v
	}
}

// A Rope rotates pairs of a head by angles that grow with the position.
type Rope struct {
	// Freq is the angle per position of each pair, in radians: [head/2].
	Freq []float32
	// Interleaved pairs are (2i, 2i+1); otherwise (i, i+head/2).
	Interleaved bool
}

// Angles writes the cosines and sines for one position: [head/2] each. The
// angle is rounded to float32, as the models were trained.
func (r *Rope) Angles(cos, sin []float32, pos int) {
	for i, f := range r.Freq {
		a := float64(float32(pos) * f)
		cos[i], sin[i] = float32(math.Cos(a)), float32(math.Sin(a))
	}
}

// Rotate turns every head of x in place: [heads][head].
func (r *Rope) Rotate(x, cos, sin []float32) {
	half := len(r.Freq)
	for head := 0; head < len(x); head += 2 * half {
		h := x[head : head+2*half]
		for i := range half {
			j, k := i, i+half
			if r.Interleaved {
				j, k = 2*i, 2*i+1
			}
			a, b := h[j], h[k]
			h[j], h[k] = a*cos[i]-b*sin[i], a*sin[i]+b*cos[i]
		}
	}
}
