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

// gatedRun is how many values one part of a Gated takes.
const gatedRun = 1024

// An Activation is a function between the two products of a feed-forward.
type Activation uint8

// The activations.
const (
	SiLU     Activation = iota // x / (1 + e⁻ˣ)
	GELU                       // x · Φ(x), Φ the normal distribution
	GELUTanh                   // GELU with Φ approximated by a hyperbolic tangent
	Clamped                    // of Gated alone: x / (1 + e^(-ClampedAlpha·x)) · (up + 1), both within ± Limit
)

// ClampedAlpha is the steepness of Clamped.
const ClampedAlpha = 1.702

// Apply computes x = f(x).
func (f Activation) Apply(x []float32) {
	switch f {
	case SiLU:
		for i, v := range x {
			x[i] = v / (1 + float32(math.Exp(float64(-v))))
		}
	case GELU:
		for i, v := range x {
			x[i] = float32(0.5 * float64(v) * (1 + math.Erf(float64(v)/math.Sqrt2)))
		}
	case GELUTanh:
		for i, v := range x {
			v := float64(v)
			x[i] = float32(0.5 * v * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(v+0.044715*v*v*v))))
		}
	}
}

// A Gated is the Task Gate = f(Gate) · Up in place. Both have the same length.
type Gated struct {
	Act      Activation
	Limit    float32 // of Clamped
	Gate, Up []float32
}

// Run computes all of it on p.
func (s *Gated) Run(p *Pool) { p.Run(s, (len(s.Gate)+gatedRun-1)/gatedRun) }

// Do computes one run of values.
func (s *Gated) Do(_ *Worker, part int) {
	first, end := part*gatedRun, min((part+1)*gatedRun, len(s.Gate))
	gate, up := s.Gate[first:end], s.Up[first:end]
	if s.Act == Clamped {
		for i, v := range gate {
			v = min(v, s.Limit) // the gate has no lower limit
			gate[i] = v / (1 + float32(math.Exp(float64(-ClampedAlpha*v)))) * (min(max(up[i], -s.Limit), s.Limit) + 1)
		}
		return
	}
	s.Act.Apply(gate)
	for i, v := range up {
		gate[i] *= v
	}
}

// Softcap computes x = limit · tanh(x / limit).
func Softcap(x []float32, limit float32) {
	for i, v := range x {
		x[i] = limit * float32(math.Tanh(float64(v/limit)))
	}
}

// LayerNorm computes dst = (x - mean) / deviation · w + b over len(w) values,
// where deviation is the root of the variance plus eps. dst may be x. Sums are
// in float64.
func LayerNorm(dst, x, w, b []float32, eps float32) {
	x, dst, b = x[:len(w)], dst[:len(w)], b[:len(w)]
	var mean, square float64
	for _, v := range x {
		mean += float64(v)
	}
	mean /= float64(len(x))
	for _, v := range x {
		square += (float64(v) - mean) * (float64(v) - mean)
	}
	scale := 1 / math.Sqrt(square/float64(len(x))+float64(eps))
	for i, v := range x {
		dst[i] = float32((float64(v)-mean)*scale)*w[i] + b[i]
	}
}

// Scale computes x = a·x.
func Scale(x []float32, a float32) {
	for i := range x {
		x[i] *= a
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
	// Freq is the angle per position of each pair, in radians: [pairs]. The
	// pairs are the first values of a head; what is behind them stays.
	Freq []float32
	// Head is the width of a head, at least two for each pair.
	Head int
	// Magnitude multiplies what is rotated.
	Magnitude float32
	// Interleaved pairs are (2i, 2i+1); otherwise (i, i+pairs).
	Interleaved bool
}

// Angles writes the cosines and sines for one position, times Magnitude:
// [pairs] each. The angle is rounded to float32, as the models were trained.
func (r *Rope) Angles(cos, sin []float32, pos int) {
	for i, f := range r.Freq {
		a := float64(float32(pos) * f)
		cos[i], sin[i] = float32(math.Cos(a))*r.Magnitude, float32(math.Sin(a))*r.Magnitude
	}
}

// Rotate turns every head of x in place: [heads][head].
func (r *Rope) Rotate(x, cos, sin []float32) {
	half := len(r.Freq)
	for head := 0; head < len(x); head += r.Head {
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
