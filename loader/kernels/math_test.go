package kernels

import (
	"math"
	"math/rand/v2"
	"testing"

	"samara/loader/weights"
)

func randomVector(n int, r *rand.Rand) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(r.NormFloat64())
	}
	return v
}

// exactDot is Σ x·y in float64, and Σ |x·y| to measure errors by.
func exactDot(x, y []float32) (sum, size float64) {
	for i := range x {
		p := float64(x[i]) * float64(y[i])
		sum += p
		size += math.Abs(p)
	}
	return sum, size
}

// roundings bounds the relative error of a float32 sum in any order.
const roundings = 0x1p-18

func TestDotForms(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for n := range 300 {
		x, y := randomVector(n, r), randomVector(n, r)
		want, size := exactDot(x, y)
		for _, form := range forms() {
			if got := float64(form.dot(x, y)); math.Abs(got-want) > roundings*size {
				t.Fatalf("%s, %d values: got %v, want %v", form.name, n, got, want)
			}
		}
	}
}

func TestAxpyForms(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for n := range 100 {
		x, y := randomVector(n, r), randomVector(n+8, r)
		for _, form := range forms() {
			got := append([]float32(nil), y...)
			form.axpy(got[:n:n], 0.75, x)
			for i := range got {
				want := y[i]
				if i < n {
					want += 0.75 * x[i]
				}
				if math.Abs(float64(got[i]-want)) > 0x1p-20 {
					t.Fatalf("%s, %d values: value %d: got %v, want %v", form.name, n, i, got[i], want)
				}
			}
		}
	}
}

func TestTileForms(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for n := 1; n < 120; n++ {
		ws, xs := n+r.IntN(5), n+r.IntN(5)
		w, x := randomVector(tileRows*ws, r), randomVector(tileCols*xs, r)
		for _, form := range forms() {
			var out [tileRows][tileCols]float32
			form.tile(w, ws, x, xs, n, &out)
			for i := range out {
				for j := range out[i] {
					want, size := exactDot(w[i*ws:i*ws+n], x[j*xs:j*xs+n])
					if math.Abs(float64(out[i][j])-want) > roundings*size {
						t.Fatalf("%s, %d values: row %d column %d: got %v, want %v", form.name, n, i, j, out[i][j], want)
					}
				}
			}
		}
	}
}

// TestMatMul multiplies every type, with any number of vectors, rows that do
// not fill a panel and several matrices at once, against float64.
func TestMatMul(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	p := NewPool(2)
	defer p.Close()
	for name, typ := range types {
		values, _ := typ.Block()
		cols := max(values, 32) * 9 // 2304 for the K types: more than one unpackRun
		matrices := []*Matrix{}
		for _, rows := range []int{1, 15, 16, 37} {
			data := randomBlocks(typ, rows*cols/values, r)
			matrices = append(matrices, &Matrix{Type: typ, Rows: rows, Cols: cols, Data: data})
		}
		for _, vectors := range []int{1, 2, 3, 7} {
			x := randomVector(vectors*cols, r)
			m := MatMul{X: x, T: vectors}
			for _, w := range matrices {
				m.Out = append(m.Out, Product{W: w, Y: make([]float32, vectors*w.Rows)})
			}
			m.Run(p)
			for _, o := range m.Out {
				checkProduct(t, name, o, x, vectors)
			}
		}
	}
}

func checkProduct(t *testing.T, name string, o Product, x []float32, vectors int) {
	t.Helper()
	row := make([]float32, o.W.Cols)
	for i := range o.W.Rows {
		o.W.Row(row, i)
		for j := range vectors {
			want, size := exactDot(row, x[j*o.W.Cols:(j+1)*o.W.Cols])
			if got := float64(o.Y[j*o.W.Rows+i]); !(math.Abs(got-want) <= roundings*size) {
				t.Fatalf("%s, %d×%d times %d vectors: row %d vector %d: got %v, want %v", name, o.W.Rows, o.W.Cols, vectors, i, j, got, want)
			}
		}
	}
}

func TestVectors(t *testing.T) {
	x := []float32{1, -2, 3, -4}
	w := []float32{1, 2, 0.5, -1}
	got := make([]float32, 4)
	RMSNorm(got, x, w, 0.5)
	for i := range x {
		want := float64(x[i]) / math.Sqrt(7.5+0.5) * float64(w[i])
		if math.Abs(float64(got[i])-want) > 1e-6 {
			t.Errorf("norm of value %d: got %v, want %v", i, got[i], want)
		}
	}

	s := []float32{1000, 1001, 999, float32(math.Inf(-1))}
	Softmax(s)
	sum := 1 + math.Exp(-1) + math.Exp(-2)
	for i, want := range []float64{math.Exp(-1) / sum, 1 / sum, math.Exp(-2) / sum, 0} {
		if math.Abs(float64(s[i])-want) > 1e-6 {
			t.Errorf("softmax of value %d: got %v, want %v", i, s[i], want)
		}
	}

	p := NewPool(2)
	defer p.Close()
	gate, up := make([]float32, 2500), make([]float32, 2500)
	for i := range gate {
		gate[i], up[i] = float32(i-1250)/100, float32(i%7)
	}
	silu := Gated{Gate: append([]float32(nil), gate...), Up: up}
	silu.Run(p)
	for i, v := range gate {
		want := float64(v) / (1 + math.Exp(-float64(v))) * float64(up[i])
		if math.Abs(float64(silu.Gate[i])-want) > 1e-5 {
			t.Fatalf("silu of %v: got %v, want %v", v, silu.Gate[i], want)
		}
	}
}

// TestRope rotates two heads in both layouts and checks each pair's angle.
func TestRope(t *testing.T) {
	for _, interleaved := range []bool{false, true} {
		r := Rope{Freq: []float32{1, 0.1, 0.01}, Head: 6, Magnitude: 1, Interleaved: interleaved}
		cos, sin := make([]float32, 3), make([]float32, 3)
		r.Angles(cos, sin, 5)
		x := randomVector(12, rand.New(rand.NewPCG(6, 6)))
		got := append([]float32(nil), x...)
		r.Rotate(got, cos, sin)
		for head := 0; head < 12; head += 6 {
			for i, f := range r.Freq {
				a, b := head+i, head+i+3
				if interleaved {
					a, b = head+2*i, head+2*i+1
				}
				s, c := math.Sincos(5 * float64(f))
				wantA := float64(x[a])*c - float64(x[b])*s
				wantB := float64(x[a])*s + float64(x[b])*c
				if math.Abs(float64(got[a])-wantA) > 1e-6 || math.Abs(float64(got[b])-wantB) > 1e-6 {
					t.Errorf("interleaved %v, pair %d: got %v %v, want %v %v", interleaved, i, got[a], got[b], wantA, wantB)
				}
			}
		}
	}
}

// memory is a Memory of one layer in pages of 4 positions.
type memory struct{ k, v []float32 }

func (m memory) PageTokens() int { return 4 }

func (m memory) Page(_, page int) (k, v []float32) { return m.k[page*4*6:], m.v[page*4*6:] }

// TestAttention compares with attention computed in float64, head by head:
// plain, through a window within a page and over several, capped, with sinks
// and in both directions.
func TestAttention(t *testing.T) {
	const heads, kvHeads, head, start, vectors = 4, 2, 3, 7, 6
	r := rand.New(rand.NewPCG(7, 7))
	m := memory{k: randomVector(16*kvHeads*head, r), v: randomVector(16*kvHeads*head, r)}
	q := randomVector(vectors*heads*head, r)
	p := NewPool(2)
	defer p.Close()
	for name, a := range map[string]Attention{
		"plain":   {},
		"window":  {Window: 3},
		"windows": {Window: 6},
		"one":     {Window: 1},
		"longer":  {Window: 100},
		"capped":  {Softcap: 0.3},
		"sinks":   {Sinks: []float32{-1, 0, 1, 2}, Window: 5},
		"both":    {Both: true},
		"around":  {Both: true, Window: 3},
	} {
		a.Q, a.Out, a.Memory, a.Start, a.T = q, make([]float32, len(q)), m, start, vectors
		a.Heads, a.KVHeads, a.Head, a.Scale = heads, kvHeads, head, 0.5
		a.Run(p)
		for i := range vectors {
			for h := range heads {
				want := exactAttention(&a, m, i, h)
				for d, w := range want {
					if got := float64(a.Out[(i*heads+h)*head+d]); math.Abs(got-w) > 1e-5 {
						t.Fatalf("%s: vector %d head %d: got %v, want %v", name, i, h, got, w)
					}
				}
			}
		}
	}
}

// exactAttention is one head of one vector in float64.
func exactAttention(a *Attention, m memory, i, h int) []float64 {
	first, end := 0, a.Start+i+1
	if a.Window > 0 {
		first = max(0, end-a.Window)
	}
	if a.Both && a.Window > 0 {
		end = min(a.Start+a.T, end+a.Window-1)
	} else if a.Both {
		end = a.Start + a.T
	}
	var sum float64
	if a.Sinks != nil {
		sum = math.Exp(float64(a.Sinks[h]))
	}
	out := make([]float64, a.Head)
	for pos := first; pos < end; pos++ {
		at := pos*a.KVHeads*a.Head + h/(a.Heads/a.KVHeads)*a.Head
		score, _ := exactDot(a.Q[(i*a.Heads+h)*a.Head:(i*a.Heads+h+1)*a.Head], m.k[at:at+a.Head])
		score *= float64(a.Scale)
		if limit := float64(a.Softcap); limit > 0 {
			score = limit * math.Tanh(score/limit)
		}
		e := math.Exp(score)
		sum += e
		for d := range out {
			out[d] += e * float64(m.v[at+d])
		}
	}
	for d := range out {
		out[d] /= sum
	}
	return out
}

// TestActivations wants known values of each function.
func TestActivations(t *testing.T) {
	for act, want := range map[Activation][3]float32{
		SiLU:     {-0.26894142, 0, 1.7615942},
		GELU:     {-0.15865525, 0, 1.9544997},
		GELUTanh: {-0.15880801, 0, 1.9545977},
	} {
		x := []float32{-1, 0, 2}
		act.Apply(x)
		for i, v := range x {
			if math.Abs(float64(v-want[i])) > 1e-6 {
				t.Errorf("activation %d: got %v, want %v", act, x, want)
			}
		}
	}
	p := NewPool(1)
	defer p.Close()
	g := Gated{Act: Clamped, Limit: 1, Gate: []float32{5, -5, 0.5}, Up: []float32{5, -5, 0.5}}
	g.Run(p)
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-1.702*x)) }
	for i, want := range []float64{sigmoid(1) * 2, 0, 0.5 * sigmoid(0.5) * 1.5} {
		if math.Abs(float64(g.Gate[i])-want) > 1e-6 {
			t.Errorf("clamped %d: got %v, want %v", i, g.Gate[i], want)
		}
	}
}

// TestLayerNorm compares with a norm computed by hand.
func TestLayerNorm(t *testing.T) {
	x := []float32{1, 2, 3, 6}
	LayerNorm(x, x, []float32{1, 2, 1, 2}, []float32{0, 0, 1, 1}, 0.5)
	deviation := math.Sqrt(3.5 + 0.5)
	for i, want := range []float64{-2 / deviation, -1 / deviation * 2, 1, 3/deviation*2 + 1} {
		if math.Abs(float64(x[i])-want) > 1e-6 {
			t.Errorf("value %d: got %v, want %v", i, x[i], want)
		}
	}
}

func BenchmarkMatMul(b *testing.B) {
	const rows, cols = 1536, 1536 // values, not bytes
	p := NewPool(0)
	defer p.Close()
	r := rand.New(rand.NewPCG(8, 8))
	for name, typ := range map[string]weights.Type{"F32": weights.F32, "Q4_1": weights.Q4_1, "Q4_K": weights.Q4_K, "Q6_K": weights.Q6_K, "Q8_0": weights.Q8_0} {
		per, size := typ.Block()
		w := Matrix{Type: typ, Rows: rows, Cols: cols, Data: randomBlocks(typ, rows*cols/per, r)}
		for _, vectors := range []int{1, 96} {
			m := MatMul{X: randomVector(vectors*cols, r), T: vectors, Out: []Product{{W: &w, Y: make([]float32, vectors*rows)}}}
			label := name + "/decode"
			if vectors > 1 {
				label = name + "/prefill"
			}
			b.Run(label, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(rows * cols / per * size))
				for b.Loop() {
					m.Run(p)
				}
				b.ReportMetric(float64(rows)*cols*2*float64(vectors)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
