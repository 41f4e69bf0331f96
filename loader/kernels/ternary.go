package kernels

// Types of the values -1, 0 and 1.

// powers of three shift a fraction in base 3.
var powers = [5]byte{1, 3, 9, 27, 81}

// unpackTQ1_0: d·t. 32 and 16 bytes of five digits each and 4 of four, the
// first digits of all bytes of a run before the second ones; d. A byte is a
// fraction in base 3: times a power of three, its leading digit is the value
// plus 1.
func unpackTQ1_0(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[256:], src[54:] {
		d := half(src[52:])
		y := dst
		for _, run := range []struct{ from, to, digits int }{{0, 32, 5}, {32, 48, 5}, {48, 52, 4}} {
			for _, p := range powers[:run.digits] {
				for i, b := range src[run.from:run.to] {
					y[i] = d * float32(int(uint16(b*p)*3>>8)-1)
				}
				y = y[run.to-run.from:]
			}
		}
	}
}

// unpackTQ2_0: d·t. Each 32 bytes hold four runs of 32 values plus 1; d.
func unpackTQ2_0(dst []float32, src []byte) {
	for ; len(dst) > 0; dst, src = dst[256:], src[66:] {
		d := half(src[64:])
		for run := range 8 {
			for i, b := range src[run/4*32 : run/4*32+32] {
				dst[32*run+i] = d * float32(int(b>>(run%4*2)&3)-1)
			}
		}
	}
}
