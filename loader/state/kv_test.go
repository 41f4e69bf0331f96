package state

import (
	"slices"
	"testing"
)

const layers, width = 2, 3

// write appends n tokens whose keys and values say which they are.
func write(s *KV, n int, mark float32) {
	s.Reserve(n)
	for pos := s.Len(); pos < s.Len()+n; pos++ {
		for layer := range layers {
			k, v := s.Row(layer, pos)
			for i := range width {
				k[i] = mark + float32(1000*layer+pos)
				v[i] = -k[i]
			}
		}
	}
	s.Advance(n)
}

// marks reads back which mark each token was written with.
func marks(t *testing.T, s *KV) []float32 {
	t.Helper()
	var out []float32
	for pos := range s.Len() {
		for layer := range layers {
			pk, pv := s.Page(layer, pos/s.PageTokens())
			i := pos % s.PageTokens() * width
			k, v := pk[i:i+width], pv[i:i+width]
			mark := k[0] - float32(1000*layer+pos)
			for j := range width {
				if k[j] != k[0] || v[j] != -k[0] {
					t.Fatalf("position %d layer %d: got %v %v", pos, layer, k, v)
				}
			}
			if layer == 0 {
				out = append(out, mark)
			} else if out[pos] != mark {
				t.Fatalf("position %d: layers differ", pos)
			}
		}
	}
	return out
}

// runs is n times a, then m times b, and so on.
func runs(pairs ...int) []float32 {
	var out []float32
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, slices.Repeat([]float32{float32(pairs[i+1])}, pairs[i])...)
	}
	return out
}

func check(t *testing.T, what string, s *KV, want []float32) {
	t.Helper()
	if got := marks(t, s); !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// TestFork forks in the middle of a page, lets both sequences go on, cuts one
// back into shared pages and goes on again: neither may see the other.
func TestFork(t *testing.T) {
	pages := NewPages([]int{width, width}, make([]int, layers))
	a := NewKV(pages, 400)
	write(a, 150, 1e6)
	b := a.Fork(100).(*KV)
	write(b, 60, 2e6)
	write(a, 20, 3e6)
	check(t, "original", a, runs(150, 1e6, 20, 3e6))
	check(t, "fork", b, runs(100, 1e6, 60, 2e6))

	a.Truncate(30)
	write(a, 50, 4e6)
	check(t, "original cut back", a, runs(30, 1e6, 50, 4e6))
	check(t, "fork after that", b, runs(100, 1e6, 60, 2e6))

	a.Close()
	a.Close()
	check(t, "fork after the original is closed", b, runs(100, 1e6, 60, 2e6))
	b.Close()
}

// TestPagesReused wants pages back in use and no allocation within a page.
func TestPagesReused(t *testing.T) {
	pages := NewPages([]int{width, width}, make([]int, layers))
	a := NewKV(pages, 1000)
	write(a, 3*PageTokens, 1)
	a.Close()
	if len(pages.groups[0].free) != 3 {
		t.Fatalf("got %d free pages, want 3", len(pages.groups[0].free))
	}
	b := NewKV(pages, 1000)
	if n := testing.AllocsPerRun(2*PageTokens, func() { write(b, 1, 1) }); n != 0 {
		t.Errorf("got %v allocations per token, want 0", n)
	}
	b.Close()
	if got, want := pages.BytesPerToken(), int64(layers*width*2*4); got != want {
		t.Errorf("got %d bytes per token, want %d", got, want)
	}
}

// TestWindow wants layers with a window to hold no more pages than it spans,
// whatever the length, and to have in them all that a next token sees.
func TestWindow(t *testing.T) {
	const window = 100
	pages := NewPages([]int{width, width}, []int{0, window})
	s := NewKV(pages, 2000)
	for _, n := range []int{1, 62, 1, 1, 96, 96, 40, 96, 500} {
		for range n / 48 {
			write(s, 48, 1e6)
		}
		write(s, n%48, 1e6)
		held := 0
		for _, pg := range s.tables[1] {
			if pg != nil {
				held++
			}
		}
		if most := window/PageTokens + 2; held > most {
			t.Errorf("%d tokens: got %d pages, want at most %d", s.Len(), held, most)
		}
		for pos := max(s.Len()+1-window, 0); pos < s.Len(); pos++ {
			if k, _ := s.Row(1, pos); k[0] != 1e6+float32(1000+pos) {
				t.Fatalf("position %d of %d: got key %v", pos, s.Len(), k[0])
			}
		}
	}
	f := s.Fork(s.Len() - 10).(*KV)
	s.Close()
	write(f, 300, 1e6)
	if f.Holds(f.Len()-200) || !f.Holds(f.Len()) || !f.Holds(0) {
		t.Errorf("got Holds %v %v %v", f.Holds(f.Len()-200), f.Holds(f.Len()), f.Holds(0))
	}
	f.Close()
	if all, some := pages.BytesPerToken(), pages.WindowBytes(1000); all != width*2*4 || some != window*all {
		t.Errorf("got %d bytes per token and %d in the window", all, some)
	}
}
