package kernels

import "encoding/binary"

// Types of 5 bits: as Q4_0 and Q4_1, with the fifth bits of all 32 values in
// four bytes before the nibbles. A conversion to float32 around a product keeps
// the compiler from fusing it with the sum behind it: both are rounded, as the
// gguf package does.

// unpackQ5_0: d·(q-16).
func unpackQ5_0(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[32:], src[22:] {
		d, high := half(src), binary.LittleEndian.Uint32(src[2:])
		for i, b := range src[6:22] {
			dst[i] = d * float32(int(b&15)+int(high>>i&1<<4)-16)
			dst[i+16] = d * float32(int(b>>4)+int(high>>(i+16)&1<<4)-16)
		}
	}
}

// unpackQ5_1: d·q + m.
func unpackQ5_1(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[32:], src[24:] {
		d, m, high := half(src), half(src[2:]), binary.LittleEndian.Uint32(src[4:])
		for i, b := range src[8:24] {
			dst[i] = float32(d*float32(int(b&15)+int(high>>i&1<<4))) + m
			dst[i+16] = float32(d*float32(int(b>>4)+int(high>>(i+16)&1<<4))) + m
		}
	}
}
