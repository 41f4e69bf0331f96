package kernels

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"samara/loader/weights"
)

// openTensors maps one safetensors file.
func openTensors(t *testing.T, path string) *weights.Directory {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	h, err := weights.ReadHeader([]weights.File{{Path: filepath.Base(path), Size: st.Size(), R: f}})
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(h); err != nil {
		t.Fatal(err)
	}
	d, err := weights.Map(h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func matrix(t *testing.T, x weights.Tensor) Matrix {
	t.Helper()
	m, err := NewMatrix(x)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestHubTypes wants the very bits that testdata/hub.py worked out: 8-bit
// floats with every kind of scale, float64, GPTQ and AWQ groups.
func TestHubTypes(t *testing.T) {
	have, want := openTensors(t, "testdata/hub.safetensors"), openTensors(t, "testdata/want.safetensors")
	if len(have.Tensors) != len(want.Tensors) {
		t.Errorf("got %d matrices, want %d", len(have.Tensors), len(want.Tensors))
	}
	for name, w := range want.Tensors {
		x, ok := have.Tensors[name]
		if !ok {
			t.Errorf("%s: it is missing", name)
			continue
		}
		got, ref := matrix(t, x), matrix(t, w)
		if got.Rows != ref.Rows || got.Cols != ref.Cols {
			t.Errorf("%s: got [%d %d], want [%d %d]", name, got.Rows, got.Cols, ref.Rows, ref.Cols)
			continue
		}
		checkRows(t, name, &got, &ref)
		checkSlice(t, name, &got, &ref)
	}
}

// checkSlice compares the rows of two matrices without the first and the last.
func checkSlice(t *testing.T, name string, got, want *Matrix) {
	t.Helper()
	a, err := got.Slice(1, got.Rows-2)
	if err != nil {
		t.Fatal(err)
	}
	b, err := want.Slice(1, want.Rows-2)
	if err != nil {
		t.Fatal(err)
	}
	checkRows(t, name+" sliced", &a, &b)
}

// checkRows compares two matrices bit for bit, row by row and all at once.
func checkRows(t *testing.T, name string, got, want *Matrix) {
	t.Helper()
	all, row, ref := make([]float32, want.Rows*want.Cols), make([]float32, want.Cols), make([]float32, want.Cols)
	got.unpack(all, 0, got.Rows)
	for r := range want.Rows {
		got.Row(row, r)
		want.Row(ref, r)
		for c, w := range ref {
			for _, v := range []float32{row[c], all[r*want.Cols+c]} {
				if math.Float32bits(v) != math.Float32bits(w) && (v == v || w == w) {
					t.Errorf("%s: row %d, column %d: got %v, want %v", name, r, c, v, w)
					return
				}
			}
		}
	}
}

// TestGroupIndex wants an index refused that names no group.
func TestGroupIndex(t *testing.T) {
	for _, bad := range []byte{2, 255} {
		index := weights.Tensor{Name: "q.g_idx", Data: make([]byte, 4*8)}
		index.Data[4*5+3*int(bad>>7)] = bad // 2 or negative
		x := weights.Tensor{Name: "q.weight", Type: weights.GPTQ4, Shape: []int{8, 8}, Data: make([]byte, 32), Groups: &weights.Groups{
			Scales: weights.Tensor{Type: weights.F16, Shape: []int{2, 8}, Data: make([]byte, 32)}, Zeros: weights.Tensor{Data: make([]byte, 8)}, Index: &index, Size: 4,
		}}
		if _, err := NewMatrix(x); err == nil || !strings.Contains(err.Error(), "q.g_idx: got group") {
			t.Errorf("got %v, want the index refused", err)
		}
	}
}

// cut makes a part of a matrix of float32 or float16 numbers, copied out of it.
func cut(m *Matrix, row, col, rows, cols int, transposed bool) weights.Part {
	_, size := m.Type.Block()
	p := weights.Part{Row: row, Col: col, Rows: rows, Cols: cols, Transposed: transposed}
	for i := range rows * cols {
		r, c := i/cols, i%cols
		if transposed {
			r, c = i%rows, i/rows
		}
		at := ((row+r)*m.Cols + col + c) * size
		p.Data = append(p.Data, m.Data[at:at+size]...)
	}
	return p
}

// TestParts cuts a matrix by rows, by columns, transposed and in all of these
// ways, and wants the same values and products as from the whole.
func TestParts(t *testing.T) {
	const rows, cols = 37, 26
	for _, typ := range []weights.Type{weights.F32, weights.F16, weights.BF16, weights.F8_E5M2} {
		_, size := typ.Block()
		whole := matrix(t, weights.Tensor{Type: typ, Shape: []int{rows, cols}, Data: randomBlocks(typ, rows*cols, rand.New(rand.NewPCG(3, 3)))})
		if len(whole.Data) != rows*cols*size {
			t.Fatalf("got %d bytes", len(whole.Data))
		}
		for name, list := range map[string][]weights.Part{
			"rows":       {cut(&whole, 0, 0, 5, cols, false), cut(&whole, 5, 0, 20, cols, false), cut(&whole, 25, 0, 12, cols, false)},
			"columns":    {cut(&whole, 0, 0, rows, 9, false), cut(&whole, 0, 9, rows, 17, false)},
			"transposed": {cut(&whole, 0, 0, rows, cols, true)},
			"mixed":      {cut(&whole, 0, 0, 18, 7, true), cut(&whole, 0, 7, 18, 19, false), cut(&whole, 18, 0, 19, cols, true)},
		} {
			m := matrix(t, weights.Tensor{Type: typ, Shape: []int{rows, cols}, Parts: list})
			checkRows(t, typ.String()+" "+name, &m, &whole)
			checkSlice(t, typ.String()+" "+name, &m, &whole)
			checkProducts(t, typ.String()+" "+name, &m, &whole)
		}
	}
}

// checkProducts multiplies both with one vector and with five.
func checkProducts(t *testing.T, name string, got, want *Matrix) {
	t.Helper()
	p := NewPool(2)
	defer p.Close()
	r := rand.New(rand.NewPCG(5, 5))
	for _, n := range []int{1, 5} {
		x := make([]float32, n*want.Cols)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		y, ref := make([]float32, n*want.Rows), make([]float32, n*want.Rows)
		(&MatMul{X: x, T: n, Out: []Product{{got, y}}}).Run(p)
		(&MatMul{X: x, T: n, Out: []Product{{want, ref}}}).Run(p)
		for i := range y {
			if diff := math.Abs(float64(y[i] - ref[i])); !(diff <= 1e-4*(1+math.Abs(float64(ref[i])))) && (y[i] == y[i] || ref[i] == ref[i]) {
				t.Errorf("%s: %d vectors: value %d: got %v, want %v", name, n, i, y[i], ref[i])
				return
			}
		}
	}
}

// TestRefused wants types that cannot be computed with refused by name, before
// anything is mapped.
func TestRefused(t *testing.T) {
	x := weights.Tensor{Name: "w", Type: 29, Shape: []int{1, 256}}
	h := &weights.Header{Tensors: map[string]weights.Tensor{"w": x}}
	_, matrixErr := NewMatrix(x)
	_, vectorErr := NewVector(x)
	for _, err := range []error{Check(h), matrixErr, vectorErr} {
		if err == nil || err.Error() != "tensor w: got type IQ1_M, which cannot be computed with" {
			t.Errorf("got %v", err)
		}
	}
}

// BenchmarkPanels unpacks 16 rows of 4,096 inputs, a part of every product.
func BenchmarkPanels(b *testing.B) {
	const rows, cols = 64, 4096
	r := rand.New(rand.NewPCG(1, 1))
	word := func(n int) weights.Tensor { return weights.Tensor{Data: randomBlocks(weights.Q8_0, n*4/34+1, r)} }
	scales := weights.Tensor{Type: weights.F16, Shape: []int{cols / 128, rows}, Data: randomBlocks(weights.F16, cols/128*rows, r)}
	g := &weights.Groups{Scales: scales, Zeros: word(cols / 128 * rows / 8), Size: 128}
	bf16 := weights.Part{Rows: rows, Cols: cols, Transposed: true, Data: randomBlocks(weights.BF16, rows*cols, r)}
	for name, t := range map[string]weights.Tensor{
		"GPTQ":       {Type: weights.GPTQ4, Data: word(rows * cols / 8).Data, Groups: g},
		"AWQ":        {Type: weights.AWQ4, Data: word(rows * cols / 8).Data, Groups: g},
		"transposed": {Type: weights.BF16, Parts: []weights.Part{bf16}},
	} {
		t.Shape = []int{rows, cols}
		m, err := NewMatrix(t)
		if err != nil {
			b.Fatal(err)
		}
		dst := make([]float32, panelRows*cols)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(4 * int64(len(dst)))
			for b.Loop() {
				m.unpack(dst, 16, panelRows)
			}
		})
	}
}
