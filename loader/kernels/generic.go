package kernels

import (
	"encoding/binary"
	"math"

	"samara/loader/weights"
)

// generic is the form in plain Go, and what every other form is tested against.
var generic = ops{
	name: "generic",
	unpack: [256]func([]float32, []byte){
		weights.F32: unpackF32, weights.F16: unpackF16, weights.BF16: unpackBF16, weights.F64: unpackF64,
		weights.Q4_0: unpackQ4_0, weights.Q4_1: unpackQ4_1, weights.Q5_0: unpackQ5_0, weights.Q5_1: unpackQ5_1,
		weights.Q8_0: unpackQ8_0, weights.Q2_K: unpackQ2_K, weights.Q3_K: unpackQ3_K, weights.Q4_K: unpackQ4_K,
		weights.Q5_K: unpackQ5_K, weights.Q6_K: unpackQ6_K,
		weights.IQ4_NL: unpackIQ4_NL, weights.IQ4_XS: unpackIQ4_XS,
		weights.IQ2_XXS: unpackIQ2_XXS, weights.IQ2_XS: unpackIQ2_XS, weights.IQ2_S: unpackIQ2_S,
		weights.IQ3_XXS: unpackIQ3_XXS, weights.IQ3_S: unpackIQ3_S,
		weights.TQ1_0: unpackTQ1_0, weights.TQ2_0: unpackTQ2_0, weights.MXFP4: unpackMXFP4, weights.NVFP4: unpackNVFP4,
		weights.F8_E4M3: unpackF8_E4M3, weights.F8_E5M2: unpackF8_E5M2, weights.F8_E8M0: unpackF8_E8M0,
	},
	dot:  dotGeneric,
	axpy: axpyGeneric,
	tile: tileGeneric,
}

// Float16 converts an IEEE float16 to float32, exactly.
func Float16(h uint16) float32 {
	sign := uint32(h&0x8000) << 16
	exp := uint32(h>>10) & 0x1f
	frac := uint32(h & 0x3ff)
	switch exp {
	case 0: // zero and subnormal: frac · 2⁻²⁴
		v := float32(frac) * 0x1p-24
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 0x1f:
		return math.Float32frombits(sign | 0x7f800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
}

func half(b []byte) float32 { return Float16(binary.LittleEndian.Uint16(b)) }

func unpackF32(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

func unpackF16(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = half(src[2*i:])
	}
}

func unpackBF16(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
	}
}

func unpackF64(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
	}
}

// unpackQ4_0: d·(q-8); the low halves of 16 bytes are values 0 to 15, the high
// halves 16 to 31.
func unpackQ4_0(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[32:], src[18:] {
		d := half(src)
		for i, b := range src[2:18] {
			dst[i] = d * float32(int(b&15)-8)
			dst[i+16] = d * float32(int(b>>4)-8)
		}
	}
}

// unpackQ4_1: d·q + m, laid out as Q4_0.
func unpackQ4_1(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[32:], src[20:] {
		d, m := half(src), half(src[2:])
		for i, b := range src[4:20] {
			dst[i] = float32(d*float32(b&15)) + m
			dst[i+16] = float32(d*float32(b>>4)) + m
		}
	}
}

// unpackQ8_0: d·q.
func unpackQ8_0(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[32:], src[34:] {
		d := half(src)
		for i, b := range src[2:34] {
			dst[i] = d * float32(int8(b))
		}
	}
}

// A block of Q4_K: d and dmin as float16, 8 scales and minima of 6 bits in 12
// bytes, then four runs of 32 bytes whose low halves are one group of 32
// values and whose high halves are the next.
const bytesQ4_K = 144

// scalesQ4_K works out the 8 scales of a block, then its 8 minima, negated:
// value = s[g]·q + s[8+g] for group g.
func scalesQ4_K(s *[16]float32, block []byte) {
	d, dmin := half(block), half(block[2:])
	b := block[4:16]
	for g := range 4 {
		s[g] = d * float32(b[g]&63)
		s[8+g] = -dmin * float32(b[4+g]&63)
		s[4+g] = d * float32(b[8+g]&15|b[g]>>6<<4)
		s[12+g] = -dmin * float32(b[8+g]>>4|b[4+g]>>6<<4)
	}
}

func unpackQ4_K(dst []float32, src []byte) {
	var s [16]float32
	for ; len(dst) > 0; dst, src = dst[256:], src[bytesQ4_K:] {
		scalesQ4_K(&s, src)
		for run := range 4 {
			lo, hi := 2*run, 2*run+1
			for i, b := range src[16+32*run : 48+32*run] {
				dst[32*lo+i] = float32(s[lo]*float32(b&15)) + s[8+lo]
				dst[32*hi+i] = float32(s[hi]*float32(b>>4)) + s[8+hi]
			}
		}
	}
}

// A block of Q6_K: 128 bytes of low nibbles, 64 of upper bit pairs, 16 scales
// of 8 bits and d as float16. Each half of the block is 128 values: its 64 + 32
// bytes hold values l, l+32, l+64 and l+96 for l < 32.
const bytesQ6_K = 210

// scalesQ6_K works out the 16 scales of a block, one per 16 values.
func scalesQ6_K(s *[16]float32, block []byte) {
	d := half(block[208:])
	for i, b := range block[192:208] {
		s[i] = d * float32(int8(b))
	}
}

func unpackQ6_K(dst []float32, src []byte) {
	var s [16]float32
	for ; len(dst) > 0; dst, src = dst[256:], src[bytesQ6_K:] {
		scalesQ6_K(&s, src)
		for h := range 2 {
			low, high, y := src[64*h:64*h+64], src[128+32*h:160+32*h], dst[128*h:128*h+128]
			for l := range 32 {
				g := 8*h + l/16
				a, b, c := low[l], low[l+32], high[l]
				y[l] = s[g] * float32(int(a&15|c&3<<4)-32)
				y[l+32] = s[g+2] * float32(int(b&15|c>>2&3<<4)-32)
				y[l+64] = s[g+4] * float32(int(a>>4|c>>4&3<<4)-32)
				y[l+96] = s[g+6] * float32(int(b>>4|c>>6<<4)-32)
			}
		}
	}
}

func dotGeneric(x, y []float32) float32 {
	y = y[:len(x)]
	var s0, s1, s2, s3 float32
	i := 0
	for ; i+4 <= len(x); i += 4 {
		s0 += x[i] * y[i]
		s1 += x[i+1] * y[i+1]
		s2 += x[i+2] * y[i+2]
		s3 += x[i+3] * y[i+3]
	}
	for ; i < len(x); i++ {
		s0 += x[i] * y[i]
	}
	return s0 + s1 + s2 + s3
}

func axpyGeneric(y []float32, a float32, x []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += a * v
	}
}

func tileGeneric(w []float32, ws int, x []float32, xs, n int, out *[tileRows][tileCols]float32) {
	for r := range out {
		for c := range out[r] {
			out[r][c] = dotGeneric(w[r*ws:r*ws+n], x[c*xs:c*xs+n])
		}
	}
}
