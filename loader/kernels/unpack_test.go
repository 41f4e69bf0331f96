package kernels

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"samara/loader/weights"
)

var types = map[string]weights.Type{
	"F32": weights.F32, "F16": weights.F16, "BF16": weights.BF16,
	"Q4_0": weights.Q4_0, "Q4_1": weights.Q4_1, "Q5_0": weights.Q5_0, "Q5_1": weights.Q5_1, "Q8_0": weights.Q8_0,
	"Q2_K": weights.Q2_K, "Q3_K": weights.Q3_K, "Q4_K": weights.Q4_K, "Q5_K": weights.Q5_K, "Q6_K": weights.Q6_K,
	"IQ4_NL": weights.IQ4_NL, "IQ4_XS": weights.IQ4_XS, "IQ2_XXS": weights.IQ2_XXS, "IQ2_XS": weights.IQ2_XS,
	"IQ2_S": weights.IQ2_S, "IQ3_XXS": weights.IQ3_XXS, "IQ3_S": weights.IQ3_S, "TQ1_0": weights.TQ1_0,
	"TQ2_0": weights.TQ2_0, "MXFP4": weights.MXFP4, "NVFP4": weights.NVFP4,
}

// TestDequantize wants the very bits that the gguf package reads in the same
// blocks (testdata/vectors.py).
func TestDequantize(t *testing.T) {
	raw, err := os.ReadFile("testdata/dequant.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors map[string]struct{ Blocks, Values []byte }
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) != len(types)-1 {
		t.Fatalf("got vectors of %d types, want %d", len(vectors), len(types)-1)
	}
	for name, v := range vectors {
		typ := types[name]
		got := make([]float32, len(v.Values)/4)
		for _, form := range forms() {
			clear(got)
			form.unpack[typ](got, v.Blocks)
			for i := range got {
				want := binary.LittleEndian.Uint32(v.Values[4*i:])
				if math.Float32bits(got[i]) != want {
					t.Errorf("%s %s: value %d: got %v, want %v", form.name, name, i, got[i], math.Float32frombits(want))
					break
				}
			}
		}
	}
}

// halves are where a block's float16 numbers are.
var halves = map[weights.Type][]int{
	weights.F16: {0}, weights.Q4_0: {0}, weights.Q5_0: {0}, weights.Q8_0: {0}, weights.Q4_1: {0, 2}, weights.Q5_1: {0, 2},
	weights.Q2_K: {80, 82}, weights.Q3_K: {108}, weights.Q4_K: {0, 2}, weights.Q5_K: {0, 2}, weights.Q6_K: {208},
	weights.IQ4_NL: {0}, weights.IQ4_XS: {0}, weights.IQ2_XXS: {0}, weights.IQ2_XS: {0}, weights.IQ2_S: {0},
	weights.IQ3_XXS: {0}, weights.IQ3_S: {0}, weights.TQ1_0: {52}, weights.TQ2_0: {64},
}

// randomBlocks is n random blocks of a type with ordinary scales, and F16,
// BF16 and F32 values that are numbers.
func randomBlocks(typ weights.Type, n int, r *rand.Rand) []byte {
	_, size := typ.Block()
	b := make([]byte, n*size)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	for i := 0; i < len(b); i += size {
		switch typ {
		case weights.F32:
			binary.LittleEndian.PutUint32(b[i:], math.Float32bits(float32(r.NormFloat64())))
		case weights.BF16:
			binary.LittleEndian.PutUint16(b[i:], uint16(math.Float32bits(float32(r.NormFloat64()))>>16))
		case weights.MXFP4:
			b[i] = b[i]&7 + 120
		case weights.F8_E5M2:
			b[i] &= 0xbf // no infinities
		}
		for _, at := range halves[typ] {
			b[i+at+1] = b[i+at+1]&0x83 | 0x28
		}
	}
	return b
}

// TestUnpackForms compares every form with the generic one at every number of
// blocks, and checks that nothing is written past the end.
func TestUnpackForms(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for name, typ := range types {
		values, _ := typ.Block()
		for n := 1; n <= 40; n++ {
			src := randomBlocks(typ, n, r)
			want := make([]float32, n*values)
			generic.unpack[typ](want, src)
			for _, form := range forms() {
				got := make([]float32, n*values+8)
				form.unpack[typ](got[:n*values:n*values], src)
				for i, v := range got {
					w := float32(0)
					if i < len(want) {
						w = want[i]
					}
					if !(math.Abs(float64(v-w)) <= 0x1p-22*max(math.Abs(float64(w)), 1)) {
						t.Fatalf("%s %s, %d blocks: value %d: got %v, want %v", form.name, name, n, i, v, w)
					}
				}
			}
		}
	}
}

// TestFloat16 checks all of them against the value that their bits define.
func TestFloat16(t *testing.T) {
	for h := range 1 << 16 {
		got := Float16(uint16(h))
		sign := float64(1 - 2*(h>>15))
		exp, frac := h>>10&31, float64(h&1023)
		want := sign * math.Ldexp(1+frac/1024, exp-15)
		switch {
		case exp == 0:
			want = sign * math.Ldexp(frac/1024, -14)
		case exp == 31 && frac == 0:
			want = math.Inf(int(sign))
		case exp == 31:
			if got == got {
				t.Fatalf("%#x: got %v, want NaN", h, got)
			}
			continue
		}
		if float64(got) != want || math.Signbit(float64(got)) != (h>>15 == 1) {
			t.Fatalf("%#x: got %v, want %v", h, got, want)
		}
	}
}

func BenchmarkUnpack(b *testing.B) {
	const values = 4096
	dst := make([]float32, values)
	for name, typ := range types {
		per, size := typ.Block()
		src := randomBlocks(typ, values/per, rand.New(rand.NewPCG(1, 1)))
		for _, form := range forms() {
			b.Run(name+"/"+form.name, func(b *testing.B) {
				b.SetBytes(int64(values / per * size))
				for b.Loop() {
					form.unpack[typ](dst, src)
				}
			})
		}
	}
}
