package kernels

import (
	"math"

	"samara/loader/weights"
)

// tableE4M3 is every F8_E4M3 number: bias 7, no infinities, all ones no number.
var tableE4M3 = func() (t [256]float32) {
	for i := range t {
		e, m := i>>3&15, float64(i&7)
		v := math.Ldexp(m, -9)
		if e > 0 {
			v = math.Ldexp(8+m, e-10)
		}
		if i&0x7f == 0x7f {
			v = math.NaN()
		}
		if i&0x80 != 0 {
			v = math.Copysign(v, -1)
		}
		t[i] = float32(v)
	}
	return t
}()

func unpackF8_E4M3(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = tableE4M3[src[i]]
	}
}

func unpackF8_E5M2(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = Float16(uint16(src[i]) << 8)
	}
}

// unpackF8_E8M0: 2^(e-127); 255 is no number.
func unpackF8_E8M0(dst []float32, src []byte) {
	for i := range dst {
		switch e := src[i]; e {
		case 0:
			dst[i] = 0x1p-127
		case 255:
			dst[i] = float32(math.NaN())
		default:
			dst[i] = math.Float32frombits(uint32(e) << 23)
		}
	}
}

// scaled is a matrix whose values are multiplied by a scale per rectangle.
type scaled struct {
	scale      []float32 // [⌈Rows/rows⌉][across]
	across     int
	rows, cols int // size of a rectangle
}

func newScaled(s *weights.Scale, cols int) (*scaled, error) {
	values := make([]float32, s.Len())
	if !Supported(s.Type) {
		return nil, errType(s.Tensor)
	}
	Dequantize(values, s.Type, s.Data)
	return &scaled{scale: values, across: (cols + s.Cols - 1) / s.Cols, rows: s.Rows, cols: s.Cols}, nil
}

// unpack implements panels.
func (s *scaled) unpack(dst []float32, m *Matrix, first, rows int) {
	Dequantize(dst, m.Type, m.rows(first, rows))
	for r := range rows {
		row := dst[r*m.Cols : (r+1)*m.Cols]
		scales := s.scale[(first+r)/s.rows*s.across:]
		for c := range row {
			row[c] *= scales[c/s.cols]
		}
	}
}
