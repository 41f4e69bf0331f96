//go:build !purego

package kernels

import (
	"unsafe"

	"github.com/klauspost/cpuid/v2"

	"samara/loader/weights"
)

// choose picks the assembly where the CPU has what it needs. Types that it has
// no form for are unpacked by the generic one.
func choose() *ops {
	if cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3, cpuid.F16C) {
		for t, unpack := range generic.unpack {
			if avx2.unpack[t] == nil {
				avx2.unpack[t] = unpack
			}
		}
		return &avx2
	}
	return &generic
}

// forms lists what this CPU can run, for tests.
func forms() []*ops {
	if active == &avx2 {
		return []*ops{&generic, &avx2}
	}
	return []*ops{&generic}
}

// avx2 is the form in AVX2, FMA and F16C assembly. The assembly handles whole
// groups of 8 values; what is left over goes through the generic form.
var avx2 = ops{
	name: "avx2",
	unpack: [256]func([]float32, []byte){
		weights.F32: unpackF32Copy,
		weights.F16: func(dst []float32, src []byte) {
			n := len(dst) &^ 7
			if n > 0 {
				unpackF16AVX2(&dst[0], &src[0], n)
			}
			unpackF16(dst[n:], src[2*n:])
		},
		weights.BF16: func(dst []float32, src []byte) {
			n := len(dst) &^ 7
			if n > 0 {
				unpackBF16AVX2(&dst[0], &src[0], n)
			}
			unpackBF16(dst[n:], src[2*n:])
		},
		weights.Q4_0: func(dst []float32, src []byte) { unpackQ4_0AVX2(&dst[0], &src[0], len(dst)/32) },
		weights.Q4_1: func(dst []float32, src []byte) { unpackQ4_1AVX2(&dst[0], &src[0], len(dst)/32) },
		weights.Q5_0: func(dst []float32, src []byte) { unpackQ5_0AVX2(&dst[0], &src[0], len(dst)/32) },
		weights.Q5_1: func(dst []float32, src []byte) { unpackQ5_1AVX2(&dst[0], &src[0], len(dst)/32) },
		weights.Q8_0: func(dst []float32, src []byte) { unpackQ8_0AVX2(&dst[0], &src[0], len(dst)/32) },
		weights.Q4_K: func(dst []float32, src []byte) {
			var s [16]float32
			for ; len(dst) > 0; dst, src = dst[256:], src[bytesQ4_K:] {
				scalesQ4_K(&s, src)
				unpackQ4_KAVX2(&dst[0], &src[16], &s)
			}
		},
		weights.Q2_K: func(dst []float32, src []byte) {
			var s [32]float32
			for ; len(dst) > 0; dst, src = dst[256:], src[bytesQ2_K:] {
				scalesQ2_K(&s, src)
				unpackQ2_KAVX2(&dst[0], &src[16], &s)
			}
		},
		weights.Q3_K: func(dst []float32, src []byte) {
			var s [16]float32
			for ; len(dst) > 0; dst, src = dst[256:], src[bytesQ3_K:] {
				scalesQ3_K(&s, half(src[108:]), src[96:108])
				unpackQ3_KAVX2(&dst[0], &src[0], &s)
			}
		},
		weights.Q5_K: func(dst []float32, src []byte) {
			var s [16]float32
			for ; len(dst) > 0; dst, src = dst[256:], src[bytesQ5_K:] {
				scalesQ4_K(&s, src)
				unpackQ5_KAVX2(&dst[0], &src[48], &src[16], &s)
			}
		},
		weights.IQ4_NL: func(dst []float32, src []byte) {
			for ; len(dst) > 0; dst, src = dst[32:], src[18:] {
				levelsAVX2(&dst[0], &src[2], &bytesIQ4, half(src))
			}
		},
		weights.IQ4_XS: func(dst []float32, src []byte) {
			for ; len(dst) > 0; dst, src = dst[256:], src[136:] {
				for g := range 8 {
					levelsAVX2(&dst[32*g], &src[8+16*g], &bytesIQ4, scaleIQ4_XS(src, g))
				}
			}
		},
		weights.MXFP4: func(dst []float32, src []byte) {
			for ; len(dst) > 0; dst, src = dst[32:], src[17:] {
				levelsAVX2(&dst[0], &src[1], &bytesFP4, halfPower(src[0]))
			}
		},
		weights.Q6_K: func(dst []float32, src []byte) {
			var s [16]float32
			for ; len(dst) > 0; dst, src = dst[256:], src[bytesQ6_K:] {
				scalesQ6_K(&s, src)
				unpackQ6_KAVX2(&dst[0], &src[0], &s)
			}
		},
	},
	dot: func(x, y []float32) float32 {
		n := len(x) &^ 7
		if n == 0 {
			return dotGeneric(x, y)
		}
		s := dotAVX2(&x[0], &y[0], n)
		for i := n; i < len(x); i++ {
			s += x[i] * y[i]
		}
		return s
	},
	axpy: func(y []float32, a float32, x []float32) {
		n := len(x) &^ 7
		if n > 0 {
			axpyAVX2(&y[0], a, &x[0], n)
		}
		axpyGeneric(y[n:], a, x[n:])
	},
	tile: func(w []float32, ws int, x []float32, xs, n int, out *[tileRows][tileCols]float32) {
		m := n &^ 7
		if m == 0 {
			tileGeneric(w, ws, x, xs, n, out)
			return
		}
		tileAVX2(&w[0], ws, &x[0], xs, m, out)
		for i := m; i < n; i++ {
			for r := range out {
				for c := range out[r] {
					out[r][c] += w[r*ws+i] * x[c*xs+i]
				}
			}
		}
	},
}

// The functions below are in avx2_amd64.s. n counts values and is a positive
// multiple of 8; blocks counts blocks and is positive.

//go:noescape
func dotAVX2(x, y *float32, n int) float32

//go:noescape
func axpyAVX2(y *float32, a float32, x *float32, n int)

//go:noescape
func tileAVX2(w *float32, ws int, x *float32, xs, n int, out *[tileRows][tileCols]float32)

//go:noescape
func unpackF16AVX2(dst *float32, src *byte, n int)

//go:noescape
func unpackBF16AVX2(dst *float32, src *byte, n int)

//go:noescape
func unpackQ4_0AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func unpackQ4_1AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func unpackQ5_0AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func unpackQ5_1AVX2(dst *float32, src *byte, blocks int)

//go:noescape
func unpackQ8_0AVX2(dst *float32, src *byte, blocks int)

// unpackQ4_KAVX2 unpacks one block from its 128 bytes of values.
//
//go:noescape
func unpackQ4_KAVX2(dst *float32, values *byte, scales *[16]float32)

// unpackQ2_KAVX2 unpacks one block from its 64 bytes of bit pairs.
//
//go:noescape
func unpackQ2_KAVX2(dst *float32, pairs *byte, scales *[32]float32)

// unpackQ3_KAVX2 unpacks one block.
//
//go:noescape
func unpackQ3_KAVX2(dst *float32, block *byte, scales *[16]float32)

// unpackQ5_KAVX2 unpacks one block from its 128 bytes of values and 32 of fifth
// bits.
//
//go:noescape
func unpackQ5_KAVX2(dst *float32, values, high *byte, scales *[16]float32)

// levelsAVX2 unpacks 32 values: d times the levels that nibbles name, low halves
// first.
//
//go:noescape
func levelsAVX2(dst *float32, nibbles *byte, levels *[16]int8, d float32)

// bytesIQ4 and bytesFP4 are levelsIQ4 and levelsFP4 as whole numbers.
var bytesIQ4, bytesFP4 = wholeLevels(&levelsIQ4), wholeLevels(&levelsFP4)

func wholeLevels(levels *[16]float32) (b [16]int8) {
	for i, v := range levels {
		b[i] = int8(v)
	}
	return b
}

// unpackQ6_KAVX2 unpacks one block.
//
//go:noescape
func unpackQ6_KAVX2(dst *float32, block *byte, scales *[16]float32)

// unpackF32Copy is unpackF32 for a little-endian machine, one move.
func unpackF32Copy(dst []float32, src []byte) {
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&dst[0])), 4*len(dst)), src)
}
