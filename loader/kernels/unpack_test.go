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
	"Q4_0": weights.Q4_0, "Q4_1": weights.Q4_1, "Q8_0": weights.Q8_0,
	"Q4_K": weights.Q4_K, "Q6_K": weights.Q6_K,
}

// TestDequantize compares with the gguf package's reading of the same blocks
// (testdata/vectors.py). Products are exact in both where there is no minimum;
// with one, the sum is rounded once here and twice there.
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
				want := math.Float32frombits(binary.LittleEndian.Uint32(v.Values[4*i:]))
				tolerance := 0.0
				if typ == weights.Q4_1 || typ == weights.Q4_K {
					tolerance = 0x1p-22 * max(math.Abs(float64(want)), 16)
				}
				if diff := math.Abs(float64(got[i] - want)); !(diff <= tolerance) {
					t.Errorf("%s %s: value %d: got %v, want %v", form.name, name, i, got[i], want)
					break
				}
			}
		}
	}
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
		case weights.F16, weights.Q4_0, weights.Q8_0:
			b[i+1] = b[i+1]&0x83 | 0x28
		case weights.Q4_1, weights.Q4_K:
			b[i+1], b[i+3] = b[i+1]&0x83|0x28, b[i+3]&0x83|0x28
		case weights.Q6_K:
			b[i+209] = b[i+209]&0x83 | 0x28
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
