package kernels

// Types of 2, 3 and 5 bits in blocks of 256 values. Each 32 bytes of bit pairs
// hold four runs of 32 values: the lowest pairs are the first run.

const bytesQ2_K = 84

// scalesQ2_K works out the 16 scales of a block, then its 16 minima, negated.
func scalesQ2_K(s *[32]float32, block []byte) {
	d, dmin := half(block[80:]), half(block[82:])
	for g, b := range block[:16] {
		s[g], s[16+g] = d*float32(b&15), -dmin*float32(b>>4)
	}
}

// unpackQ2_K: d·s·q - dmin·m. 16 bytes with a scale and a minimum of 4 bits per
// 16 values, 64 bytes of bit pairs, d, dmin.
func unpackQ2_K(dst []float32, src []byte) {
	var s [32]float32
	for ; len(dst) > 0; dst, src = dst[256:], src[bytesQ2_K:] {
		scalesQ2_K(&s, src)
		for g := range 16 {
			pairs, shift := src[16+g/8*32+g%2*16:], g%8/2*2
			y := dst[16*g : 16*g+16]
			for i := range y {
				y[i] = float32(s[g]*float32(pairs[i]>>shift&3)) + s[16+g]
			}
		}
	}
}

// scalesQ3_K works out the 16 scales of a block from 12 bytes: low nibbles in
// the first 8, upper bit pairs in the last 4.
func scalesQ3_K(s *[16]float32, d float32, b []byte) {
	for g := range s {
		low := b[g%8] >> (g / 8 * 4) & 15
		high := b[8+g%4] >> (g / 4 * 2) & 3
		s[g] = d * float32(int(low|high<<4)-32)
	}
}

const bytesQ3_K = 110

// unpackQ3_K: d·s·q. 32 bytes of third bits, negated: run r of 32 values has
// bit r; 64 bytes of bit pairs; 12 bytes of scales; d.
func unpackQ3_K(dst []float32, src []byte) {
	var s [16]float32
	for ; len(dst) > 0; dst, src = dst[256:], src[bytesQ3_K:] {
		scalesQ3_K(&s, half(src[108:]), src[96:108])
		for run := range 8 {
			pairs, shift := src[32+run/4*32:], run%4*2
			for i := range 32 {
				q := int(pairs[i]>>shift&3) - int(^src[i]>>run&1)<<2
				dst[32*run+i] = s[2*run+i/16] * float32(q)
			}
		}
	}
}

const bytesQ5_K = 176

// unpackQ5_K: as Q4_K, with 32 bytes of fifth bits between scales and nibbles:
// group g of 32 values has bit g.
func unpackQ5_K(dst []float32, src []byte) {
	var s [16]float32
	for ; len(dst) > 0; dst, src = dst[256:], src[bytesQ5_K:] {
		scalesQ4_K(&s, src)
		high := src[16:48]
		for run := range 4 {
			lo, hi := 2*run, 2*run+1
			for i, b := range src[48+32*run : 80+32*run] {
				dst[32*lo+i] = float32(s[lo]*float32(b&15|high[i]>>lo&1<<4)) + s[8+lo]
				dst[32*hi+i] = float32(s[hi]*float32(b>>4|high[i]>>hi&1<<4)) + s[8+hi]
			}
		}
	}
}
