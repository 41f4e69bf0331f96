package sample

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func seed(n uint64) *uint64 { return &n }

func logitsOf(t *rapid.T) []float32 {
	return rapid.SliceOfN(rapid.Float32Range(-20, 20), 1, 400).Draw(t, "logits")
}

func TestGreedy(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct {
		logits []float32
		want   int32
	}{
		{[]float32{1, 3, 2}, 1},
		{[]float32{3, 3, 2}, 0},
		{[]float32{nan, -1, nan}, 1},
		{[]float32{-inf, -5, inf}, 2},
		{[]float32{nan, nan}, 0},
	} {
		if got := New(Params{}).Next(slices.Clone(c.logits)); got != c.want {
			t.Errorf("%v: got %d, want %d", c.logits, got, c.want)
		}
		if got := New(Params{Temperature: 1e-6, Seed: seed(1)}).Next(slices.Clone(c.logits)); len(c.logits) == 3 && got != c.want && c.logits[0] != c.logits[1] {
			t.Errorf("%v, nearly no temperature: got %d, want %d", c.logits, got, c.want)
		}
	}
}

// With one survivor every filter is greedy.
func TestFiltersNarrowToGreedy(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logits := logitsOf(t)
		want := New(Params{}).Next(slices.Clone(logits))
		for _, p := range []Params{{TopK: 1}, {TopP: 1e-9}, {MinP: 1}} {
			p.Temperature, p.Seed = 5, seed(7)
			got := New(p).Next(slices.Clone(logits))
			if logits[got] != logits[want] {
				t.Fatalf("%+v: got %d, want %d", p, got, want)
			}
		}
	})
}

// naive says which tokens may be picked, by sorting everything.
func naive(logits []float32, p Params) map[int32]bool {
	all := make([]candidate, len(logits))
	for i, l := range logits {
		all[i] = candidate{id: int32(i), logit: l} //nolint:gosec // small
	}
	slices.SortFunc(all, before)
	if p.TopK > 0 && p.TopK < len(all) {
		all = all[:p.TopK]
	}
	total, sum := 0.0, 0.0
	for _, c := range all {
		total += math.Exp(float64(c.logit - all[0].logit))
	}
	may := map[int32]bool{}
	for _, c := range all {
		w := math.Exp(float64(c.logit - all[0].logit))
		inTopP := p.TopP == 0 || sum < float64(p.TopP)*total*(1+1e-6)
		if inTopP && w >= float64(p.MinP)*(1-1e-5) {
			may[c.id] = true
		}
		sum += w
	}
	return may
}

func TestFilters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logits := logitsOf(t)
		p := Params{
			Temperature: rapid.Float32Range(0.1, 10).Draw(t, "temperature"),
			TopK:        rapid.IntRange(0, 50).Draw(t, "k"),
			TopP:        rapid.Float32Range(0, 0.999).Draw(t, "p"),
			MinP:        rapid.Float32Range(0, 0.5).Draw(t, "min"),
			Seed:        seed(rapid.Uint64().Draw(t, "seed")),
		}
		may := naive(logits, p)
		s := New(p)
		for range 50 {
			if got := s.Next(slices.Clone(logits)); !may[got] {
				t.Fatalf("%+v: got %d, which is filtered out; left are %v", p, got, may)
			}
		}
	})
}

func TestSeed(t *testing.T) {
	run := func(n *uint64) []int32 {
		s := New(Params{Temperature: 1, TopP: 0.95, TopK: 40, RepetitionPenalty: 1.1, Seed: n})
		var ids []int32
		for i := range 200 {
			logits := make([]float32, 100)
			for k := range logits {
				logits[k] = float32((k*7919+i*104729)%97) / 10
			}
			ids = append(ids, s.Next(logits))
		}
		return ids
	}
	if !slices.Equal(run(seed(3)), run(seed(3))) {
		t.Error("the same seed gives different tokens")
	}
	if slices.Equal(run(seed(3)), run(seed(4))) || slices.Equal(run(nil), run(nil)) {
		t.Error("different seeds give the same tokens")
	}
}

// Over many draws the picks follow the softmax.
func TestDistribution(t *testing.T) {
	logits := []float32{0, 1, 2, -1}
	const n, temperature = 40000, 0.7
	s := New(Params{Temperature: temperature, Seed: seed(1)})
	got := make([]float64, len(logits))
	for range n {
		got[s.Next(slices.Clone(logits))]++
	}
	total := 0.0
	for _, l := range logits {
		total += math.Exp(float64(l) / temperature)
	}
	for i, l := range logits {
		want := math.Exp(float64(l)/temperature) / total
		if math.Abs(got[i]/n-want) > 5*math.Sqrt(want*(1-want)/n) {
			t.Errorf("token %d: got %.4f, want %.4f", i, got[i]/n, want)
		}
	}
}

func TestPenalties(t *testing.T) {
	s := New(Params{RepetitionPenalty: 2, PresencePenalty: 0.25, FrequencyPenalty: 0.5, PenaltyLastN: 3})
	s.Accept(9, 0, 1, 1) // 9 is out of sight by now
	logits := []float32{4, -1, 3, 0, 0, 0, 0, 0, 0, 9}
	if got := s.Next(logits); got != 9 {
		t.Errorf("got %d, want 9", got)
	}
	if want := []float32{4.0/2 - 0.25 - 0.5, -1*2 - 0.25 - 2*0.5, 3, 0, 0, 0, 0, 0, 0, 9}; !slices.Equal(logits, want) {
		t.Errorf("got %v, want %v", logits, want)
	}
	s.Accept(-1, 1000, 1<<30) // a stranger's ids do no harm
	s.Next([]float32{1, 2})
}

func TestNextAllocatesNothing(t *testing.T) {
	logits := make([]float32, 5000)
	fresh := make([]float32, len(logits))
	for i := range logits {
		fresh[i] = float32((i * 7919) % 1013)
	}
	for _, p := range []Params{
		{}, {RepetitionPenalty: 1.1}, {Temperature: 1}, {Temperature: 1, TopK: 40, TopP: 0.9, MinP: 0.05, FrequencyPenalty: 0.1},
	} {
		s := New(p)
		s.Next(logits)
		if n := testing.AllocsPerRun(50, func() {
			copy(logits, fresh)
			s.Next(logits)
		}); n != 0 {
			t.Errorf("%+v: got %v allocations, want 0", p, n)
		}
	}
}

func TestSelectTop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.IntRange(0, 30), 1, 500).Draw(t, "values")
		c := make([]candidate, len(values))
		for i, v := range values {
			c[i] = candidate{id: int32(i), logit: float32(v)} //nolint:gosec // small
		}
		want := slices.Clone(c)
		slices.SortFunc(want, before)
		k := rapid.IntRange(0, len(c)).Draw(t, "k")
		selectTop(c, k)
		if !slices.Equal(c[:k], want[:k]) {
			t.Fatalf("top %d: got %v, want %v", k, c[:k], want[:k])
		}
	})
}

// However the text is cut into pieces, what comes out is what stands before
// the first stop string to be complete.
func TestStopMatcher(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.SampledFrom([]string{"a", "b", "ab", "\n"})
		text := strings.Join(rapid.SliceOfN(letters, 0, 30).Draw(t, "text"), "")
		var stops []string
		for range rapid.IntRange(0, 3).Draw(t, "stops") {
			stops = append(stops, strings.Join(rapid.SliceOfN(letters, 0, 4).Draw(t, "stop"), ""))
		}
		want, wantStop := cutAtStop(text, stops)
		m := NewStopMatcher(stops)
		var got strings.Builder
		stopped := false
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			out, stop := m.Push(rest[:n])
			got.WriteString(out)
			stopped = stop
			rest = rest[n:]
		}
		got.WriteString(m.Flush())
		if got.String() != want || stopped != wantStop {
			t.Fatalf("%q, stops %q: got %q, %v; want %q, %v", text, stops, got.String(), stopped, want, wantStop)
		}
	})
}

// cutAtStop is the definition: the shortest start of text that ends in a stop
// string, without that string.
func cutAtStop(text string, stops []string) (string, bool) {
	for end := range len(text) + 1 {
		longest := ""
		for _, s := range stops {
			if len(s) > len(longest) && strings.HasSuffix(text[:end], s) {
				longest = s
			}
		}
		if longest != "" {
			return text[:end-len(longest)], true
		}
	}
	return text, false
}

func BenchmarkNext(b *testing.B) {
	fresh := make([]float32, 128256)
	for i := range fresh {
		fresh[i] = float32((i*7919)%10007) / 500
	}
	logits := make([]float32, len(fresh))
	for name, p := range map[string]Params{
		"greedy": {}, "temperature": {Temperature: 1}, "topk": {Temperature: 1, TopK: 40},
		"topp": {Temperature: 1, TopP: 0.95}, "minp": {Temperature: 1, MinP: 0.05},
	} {
		b.Run(name, func(b *testing.B) {
			s := New(p)
			for b.Loop() {
				copy(logits, fresh)
				s.Next(logits)
			}
		})
	}
}
