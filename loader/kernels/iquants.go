package kernels

import (
	_ "embed"
	"encoding/binary"
	"math/bits"
)

// Types whose values are looked up: in 16 levels (IQ4), or eight or four at a
// time in tables of rows that occur often (IQ2, IQ3), with signs beside them.

// levelsIQ4 are the values of a nibble.
var levelsIQ4 = [16]float32{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

// iqTables holds the tables one after the other, a byte per value; made by
// testdata/tables.py.
//
//go:embed iqtables.bin
var iqTables string

var (
	tableIQ2_XXS = iqTables[:2048]       // [256][8]
	tableIQ2_XS  = iqTables[2048:6144]   // [512][8]
	tableIQ2_S   = iqTables[6144:14336]  // [1024][8]
	tableIQ3_XXS = iqTables[14336:15360] // [256][4]
	tableIQ3_S   = iqTables[15360:17408] // [512][4]
)

// unpackIQ4_NL: d·level, laid out as Q4_0.
func unpackIQ4_NL(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[32:], src[18:] {
		levels(dst[:32], half(src), src[2:18])
	}
}

// levels unpacks 32 values: low halves are values 0 to 15.
func levels(dst []float32, d float32, nibbles []byte) {
	for i, b := range nibbles {
		dst[i] = d * levelsIQ4[b&15]
		dst[i+16] = d * levelsIQ4[b>>4]
	}
}

// unpackIQ4_XS: d·s·level; d, 16 upper bit pairs and 8 low nibbles of the
// scales, then 8 groups of 32 values as in IQ4_NL.
func unpackIQ4_XS(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[256:], src[136:] {
		for g := range 8 {
			levels(dst[32*g:32*g+32], scaleIQ4_XS(src, g), src[8+16*g:24+16*g])
		}
	}
}

// scaleIQ4_XS is d·s for group g of a block.
func scaleIQ4_XS(block []byte, g int) float32 {
	low, high := block[4+g/2]>>(g%2*4)&15, binary.LittleEndian.Uint16(block[2:])>>(2*g)&3
	return half(block) * float32(int(low)+int(high<<4)-32)
}

// signsOf is 8 signs from 7 bits: the eighth makes the number of ones even.
func signsOf(b uint32) byte {
	b &= 127
	return byte(b) | byte(bits.OnesCount32(b)&1)<<7
}

// signed writes d times a row of a table; a sign's bit is set for minus.
func signed(dst []float32, d float32, table string, row int, signs byte) {
	values := table[row*len(dst) : (row+1)*len(dst)]
	for i := range dst {
		v := d * float32(values[i])
		if signs>>i&1 != 0 {
			v = -v
		}
		dst[i] = v
	}
}

// unpackIQ2_XXS: d, then per 32 values four rows of the table, four times 7
// bits of signs and a scale of 4 bits.
func unpackIQ2_XXS(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[256:], src[66:] {
		d := half(src)
		for g := range 8 {
			b := src[2+8*g:]
			more := binary.LittleEndian.Uint32(b[4:])
			s := d * (0.5 + float32(more>>28)) * 0.25
			for i := range 4 {
				signed(dst[32*g+8*i:32*g+8*i+8], s, tableIQ2_XXS, int(b[i]), signsOf(more>>(7*i)))
			}
		}
	}
}

// unpackIQ2_XS: d, 32 times 9 bits of row and 7 of signs, a scale of 4 bits per
// 16 values.
func unpackIQ2_XS(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[256:], src[74:] {
		d := half(src)
		for i := range 32 {
			q := binary.LittleEndian.Uint16(src[2+2*i:])
			s := d * (0.5 + float32(src[66+i/4]>>(i/2%2*4)&15)) * 0.25
			signed(dst[8*i:8*i+8], s, tableIQ2_XS, int(q&511), signsOf(uint32(q>>9)))
		}
	}
}

// unpackIQ2_S: d, low bytes of 32 rows, 32 bytes of signs, upper bit pairs of
// the rows, a scale of 4 bits per 16 values.
func unpackIQ2_S(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[256:], src[82:] {
		d := half(src)
		for i := range 32 {
			row := int(src[2+i]) | int(src[66+i/4]>>(i%4*2)&3)<<8
			s := d * (0.5 + float32(src[74+i/4]>>(i/2%2*4)&15)) * 0.25
			signed(dst[8*i:8*i+8], s, tableIQ2_S, row, src[34+i])
		}
	}
}

// unpackIQ3_XXS: d, 64 rows of the table, then per 32 values four times 7 bits
// of signs and a scale of 4 bits.
func unpackIQ3_XXS(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[256:], src[98:] {
		d := half(src)
		for g := range 8 {
			more := binary.LittleEndian.Uint32(src[66+4*g:])
			s := d * (0.5 + float32(more>>28)) * 0.5
			for i := range 8 {
				signs := signsOf(more>>(i/2*7)) >> (i % 2 * 4)
				signed(dst[32*g+4*i:32*g+4*i+4], s, tableIQ3_XXS, int(src[2+8*g+i]), signs)
			}
		}
	}
}

// unpackIQ3_S: d, low bytes of 64 rows, their ninth bits, 32 bytes of signs, a
// scale of 4 bits per 32 values.
func unpackIQ3_S(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[256:], src[110:] {
		d := half(src)
		for i := range 64 {
			row := int(src[2+i]) | int(src[66+i/8]>>(i%8)&1)<<8
			s := d * float32(1+2*int(src[106+i/16]>>(i/8%2*4)&15))
			signed(dst[4*i:4*i+4], s, tableIQ3_S, row, src[74+i/2]>>(i%2*4))
		}
	}
}
