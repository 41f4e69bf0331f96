package arch

import (
	"fmt"
	"math"
)

// A RopeConfig says how angles grow with the position.
type RopeConfig struct {
	Base float64
	// Dims is how many values of a head turn, from the first on; 0 means all.
	Dims int
	// Linear divides every angle; 1 changes nothing.
	Linear float64
	// Llama3 stretches the slow angles where Factor is not 0.
	Llama3 Llama3Scaling
	// Yarn blends stretched and unstretched angles where Factor is not 0.
	Yarn YarnScaling
	// Long divides the angles one by one where it is not nil.
	Long *LongScaling
	// QueryBeta makes queries longer as positions pass multiples of
	// QueryContext: by 1 + QueryBeta · ln(1 + ⌊position / QueryContext⌋).
	QueryBeta, QueryContext float64
}

// Llama3Scaling is the "llama3" kind of rope scaling.
type Llama3Scaling struct {
	Factor, LowFreq, HighFreq float64
	OriginalContext           float64
}

// YarnScaling is the "yarn" kind of rope scaling (arXiv:2309.00071).
type YarnScaling struct {
	Factor             float64
	BetaFast, BetaSlow float64 // turns within the original context from which, and up to which, angles are blended
	OriginalContext    float64
	Magnitude          float64 // of what is rotated
	Exact              bool    // the ends of the blend are not rounded to whole pairs
}

// LongScaling is the "longrope" kind of rope scaling (arXiv:2402.13753): other
// divisors once a sequence is longer than the original context.
type LongScaling struct {
	Short, Long     []float32 // [pairs]
	InTensors       bool      // the divisors are tensors, as in GGUF files
	OriginalContext int
	Magnitude       float64 // of what is rotated
}

// check refuses numbers that no angle can be computed from.
func (r *RopeConfig) check(head int) error {
	positive := func(v ...float64) bool {
		for _, x := range v {
			if !(x > 0) || math.IsInf(x, 0) {
				return false
			}
		}
		return true
	}
	l, y := r.Llama3, r.Yarn
	switch {
	case !positive(r.Base, r.Linear):
		return fmt.Errorf("config: got rope base %v and factor %v, want positive numbers", r.Base, r.Linear)
	case r.Dims < 0 || r.Dims > head || r.Dims%2 != 0:
		return fmt.Errorf("config: got %d rotated values of a head of %d, want an even number up to it", r.Dims, head)
	case l.Factor != 0 && !(l.Factor >= 1 && positive(l.Factor, l.LowFreq, l.HighFreq, l.OriginalContext) && l.HighFreq > l.LowFreq):
		return fmt.Errorf("config: got rope scaling %+v, want a factor from 1 on and 0 < low < high", l)
	case y.Factor != 0 && !(y.Factor >= 1 && positive(y.Factor, y.BetaFast, y.BetaSlow, y.OriginalContext, y.Magnitude) && r.Base > 1):
		return fmt.Errorf("config: got rope scaling %+v, want a factor from 1 on and positive numbers", y)
	}
	if r.QueryBeta != 0 && !positive(r.QueryBeta, r.QueryContext) {
		return fmt.Errorf("config: got longer queries by %v from %v on, want positive numbers", r.QueryBeta, r.QueryContext)
	}
	return r.Long.check(r.dims(head) / 2)
}

func (l *LongScaling) check(pairs int) error {
	if l == nil {
		return nil
	}
	for _, list := range [][]float32{l.Short, l.Long} {
		if l.InTensors {
			break
		}
		if len(list) != pairs {
			return fmt.Errorf("config: got %d rope divisors, want %d", len(list), pairs)
		}
		for _, v := range list {
			if !(v > 0) || math.IsInf(float64(v), 0) {
				return fmt.Errorf("config: got a rope divisor of %v, want a positive number", v)
			}
		}
	}
	if l.OriginalContext < 1 || !(l.Magnitude > 0) || math.IsInf(l.Magnitude, 0) {
		return fmt.Errorf("config: got longrope for a context of %d and magnitude %v, want positive numbers", l.OriginalContext, l.Magnitude)
	}
	return nil
}

// dims is how many values of a head turn.
func (r *RopeConfig) dims(head int) int {
	if r.Dims == 0 {
		return head
	}
	return r.Dims
}

// magnitude is what rotated values are multiplied by.
func (r *RopeConfig) magnitude() float32 {
	switch {
	case r.Yarn.Factor != 0:
		return float32(r.Yarn.Magnitude)
	case r.Long != nil:
		return float32(r.Long.Magnitude)
	}
	return 1
}

// queryScale is what the query of a position is multiplied by.
func (r *RopeConfig) queryScale(pos int) float32 {
	if r.QueryBeta == 0 {
		return 1
	}
	return float32(1 + r.QueryBeta*math.Log(1+math.Floor(float64(pos)/r.QueryContext)))
}

// frequencies is the angle per position of each pair: [dims/2]. stretch, where
// not nil, divides them.
func (r *RopeConfig) frequencies(head int, stretch []float32) []float32 {
	dims := r.dims(head)
	out := make([]float32, dims/2)
	for i := range out {
		f := 1 / math.Pow(r.Base, float64(2*i)/float64(dims))
		f = r.Llama3.stretch(f) / r.Linear
		f = r.Yarn.stretch(f, i, dims, r.Base)
		if stretch != nil {
			f /= float64(stretch[i])
		}
		out[i] = float32(f)
	}
	return out
}

// stretch divides slow frequencies by Factor, keeps fast ones and blends
// between them.
func (s Llama3Scaling) stretch(f float64) float64 {
	if s.Factor == 0 {
		return f
	}
	turns := s.OriginalContext * f / (2 * math.Pi) // within the original context
	switch {
	case turns < s.LowFreq:
		return f / s.Factor
	case turns > s.HighFreq:
		return f
	}
	smooth := (turns - s.LowFreq) / (s.HighFreq - s.LowFreq)
	return (1-smooth)*f/s.Factor + smooth*f
}

// stretch divides the frequency of pair i by Factor where it is slow, keeps it
// where it is fast and blends linearly, by the number of the pair, in between.
func (s YarnScaling) stretch(f float64, i, dims int, base float64) float64 {
	if s.Factor == 0 {
		return f
	}
	// pair is the one that turns so often within the original context.
	pair := func(turns float64) float64 {
		return float64(dims) * math.Log(s.OriginalContext/(turns*2*math.Pi)) / (2 * math.Log(base))
	}
	low, high := pair(s.BetaFast), pair(s.BetaSlow)
	if !s.Exact {
		low, high = math.Floor(low), math.Ceil(high)
	}
	low, high = max(low, 0), min(high, float64(dims-1))
	if low == high {
		high += 0.001
	}
	slow := min(max((float64(i)-low)/(high-low), 0), 1)
	return f*(1-slow) + f/s.Factor*slow
}

// yarnMagnitude is the usual magnitude for a factor, times weight in its
// logarithm.
func yarnMagnitude(factor, weight float64) float64 {
	if factor <= 1 {
		return 1
	}
	return 0.1*weight*math.Log(factor) + 1
}
