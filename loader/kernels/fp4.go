package kernels

import "math"

// Types of 4-bit floats: a sign, 2 bits of exponent and 1 of fraction.

// levelsFP4 are the values of a nibble, doubled so that they are whole.
var levelsFP4 = [16]float32{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12}

// unpackMXFP4: 2^(e-127) · v; low halves of 16 bytes are values 0 to 15.
func unpackMXFP4(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[32:], src[17:] {
		d := halfPower(src[0])
		for i, b := range src[1:17] {
			dst[i] = d * levelsFP4[b&15]
			dst[i+16] = d * levelsFP4[b>>4]
		}
	}
}

// halfPower is 2^(e-128).
func halfPower(e byte) float32 {
	if e < 2 {
		return math.Float32frombits(0x200000 << e) // subnormal
	}
	return math.Float32frombits(uint32(e-1) << 23)
}

// unpackNVFP4: s·v for four groups of 16: their scales, then 8 bytes each, low
// halves first.
func unpackNVFP4(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[64:], src[36:] {
		for g := range 4 {
			d := halfUE4M3(src[g])
			for i, b := range src[4+8*g : 12+8*g] {
				dst[16*g+i] = d * levelsFP4[b&15]
				dst[16*g+8+i] = d * levelsFP4[b>>4]
			}
		}
	}
}

// halfUE4M3 is half of an unsigned float of 4 bits of exponent and 3 of
// fraction; the upper bit means nothing.
func halfUE4M3(b byte) float32 {
	e, m := int(b>>3&15), float64(b&7)
	switch {
	case b == 0x7f: // no number
		return 0
	case e == 0:
		return float32(math.Ldexp(m, -10))
	}
	return float32(math.Ldexp(8+m, e-11))
}
