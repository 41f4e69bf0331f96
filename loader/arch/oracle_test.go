package arch

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"samara/loader/kernels"
	"samara/loader/state"
	"samara/loader/weights"
)

// familyFolders lists the folders that testdata/families.py wrote.
func familyFolders(t *testing.T) []string {
	t.Helper()
	dirs, err := filepath.Glob("testdata/families/*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("got no families: %v", err)
	}
	return dirs
}

// TestFamilies compares each architecture with transformers in float32, on
// random models that have what is special about it; in both layouts, with the
// ids read at once, in parts and one by one.
func TestFamilies(t *testing.T) {
	for _, dir := range familyFolders(t) {
		name := filepath.Base(dir)
		ids, want := vectors(t, "families/"+name+"/")
		for _, path := range []string{dir, filepath.Join(dir, "model.gguf")} {
			if _, err := os.Stat(path); err != nil {
				continue
			}
			t.Run(name+"/"+filepath.Base(path), func(t *testing.T) {
				if filepath.Ext(path) != ".gguf" && IsEncoder(readConfig(t, path)) {
					checkEncoder(t, path, ids, want)
					return
				}
				m, cfg := open(t, path)
				for _, step := range []int{len(ids), 7, 1} {
					checkSteps(t, m, cfg, ids, want, step)
				}
			})
		}
	}
}

// checkSteps evaluates the ids, step at a time.
func checkSteps(t *testing.T, m Model, cfg Config, ids []int32, want []float32, step int) {
	t.Helper()
	s, buf := m.NewState(len(ids)), m.NewBuffers()
	defer s.Close()
	for first := 0; first < len(ids); first += step {
		end := min(first+step, len(ids))
		logits, err := m.Forward(context.Background(), s, buf, ids[first:end], true)
		if err != nil {
			t.Fatal(err)
		}
		if l := cfg.Rope.Long; l != nil && len(ids) > l.OriginalContext && end <= l.OriginalContext {
			continue // transformers reads all ids with the angles of their whole length
		}
		part := want[first*cfg.Vocab : end*cfg.Vocab]
		e := nmse(logits, part)
		if !(e < MaxNMSE) || len(logits) != len(part) {
			t.Fatalf("ids %d to %d at once: got an error of %.2g over %d logits, want less than %g", first, end, e, len(logits), MaxNMSE)
		}
		checkBest(t, logits, part, cfg.Vocab)
	}
}

// checkEncoder compares the vectors of a text, and of its beginning in the same
// buffers.
func checkEncoder(t *testing.T, dir string, ids []int32, want []float32) {
	t.Helper()
	p := kernels.NewPool(2)
	defer p.Close()
	m, err := LoadEncoder(readConfig(t, dir), openDirectory(t, dir), p)
	if err != nil {
		t.Fatal(err)
	}
	buf := m.NewBuffers()
	for _, n := range []int{len(ids), 3, len(ids)} {
		got, err := m.Encode(context.Background(), buf, ids[:n])
		if err != nil {
			t.Fatal(err)
		}
		if e := nmse(got, want[:len(got)]); len(got) != len(want)*n/len(ids) || (n == len(ids)) != (e < MaxNMSE) {
			t.Errorf("%d ids: got an error of %.2g over %d values", n, e, len(got))
		}
	}
}

// TestPlainNames renames the tensors of a text model as those of one that also
// sees, and of one that was saved without its output matrix, are called.
func TestPlainNames(t *testing.T) {
	const dir = "testdata/families/qwen2"
	ids, want := vectors(t, "families/qwen2/")
	d, cfg := openDirectory(t, dir), readConfig(t, dir)
	p := kernels.NewPool(1)
	defer p.Close()
	for _, prefix := range []string{"", "language_model.model.", "model.language_model."} {
		h := *d.Header
		h.Tensors = map[string]weights.Tensor{"vision_tower.x.weight": {}}
		if prefix == "" {
			clear(h.Tensors)
		}
		for name, x := range d.Tensors {
			h.Tensors[prefix+strings.TrimPrefix(name, "model.")] = x
		}
		m, err := Load(cfg, &weights.Directory{Header: &h}, p)
		if err != nil {
			t.Fatal(err)
		}
		checkSteps(t, m, cfg, ids, want, len(ids))
	}
}

// checkBest wants the same most likely token wherever the oracle's margin over
// the second is more than rounding.
func checkBest(t *testing.T, got, want []float32, vocab int) {
	t.Helper()
	const margin = 1e-4
	for i := 0; i < len(want); i += vocab {
		row := want[i : i+vocab]
		sorted := slices.Sorted(slices.Values(row))
		best := slices.Index(row, sorted[vocab-1])
		if sorted[vocab-1]-sorted[vocab-2] > margin && got[i+best] != slices.Max(got[i:i+vocab]) {
			t.Errorf("row %d: token %d is not the most likely", i/vocab, best)
		}
	}
}

// TestFamiliesCanFail takes away what is special about each architecture and
// wants another result: the vectors would notice.
func TestFamiliesCanFail(t *testing.T) {
	for name, spoil := range map[string]func(c *Config){
		"linear":            func(c *Config) { c.Rope.Linear = 1 },
		"yarn":              func(c *Config) { c.Rope.Yarn.Magnitude = 1 },
		"yarn-mscale":       func(c *Config) { c.Rope.Yarn.Exact = false },
		"mistral":           func(c *Config) { c.Windows[1]++ },
		"ministral3":        func(c *Config) { c.Rope.QueryBeta = 0 },
		"mixtral":           func(c *Config) { c.NormExperts = false },
		"qwen2-window":      func(c *Config) { c.Windows[1] = 0 },
		"qwen3moe":          func(c *Config) { c.NormExperts = false },
		"qwen3moe-unnormed": func(c *Config) { c.NormExperts = true },
		"smollm3":           func(c *Config) { c.NoRope = nil },
		"smollm3-odd":       func(c *Config) { c.Windows[2] = 0 },
		"phi3":              func(c *Config) { c.Rope.Dims = 0 },
		"phi3-short":        func(c *Config) { c.Rope.Long.Short = c.Rope.Long.Long },
		"phi3-long":         func(c *Config) { c.Rope.Long.Magnitude = 1 },
		"gemma2":            func(c *Config) { c.AttentionSoftcap = 0 },
		"gemma2-scalar":     func(c *Config) { c.AttentionScale = 0 },
		"gemma3":            func(c *Config) { c.LocalRope = nil },
		"granite":           func(c *Config) { c.ResidualScale = 0 },
		"gptoss-limit":      func(c *Config) { c.ActLimit = 7 },
		"lfm2":              func(c *Config) { c.Epsilon = 0.1 },
		"qwen35":            func(c *Config) { c.Rope.Dims = 4 },
		"glm4moe":           func(c *Config) { c.Sigmoid.ActiveGroups = 4 },
		"deepseek3":         func(c *Config) { c.AttentionScale = 0.3 },
		"deepseek3-direct":  func(c *Config) { c.Latent.Interleaved = true },
		"olmo3":             func(c *Config) { c.LocalRope = nil },
		"olmo2":             func(c *Config) { c.Epsilon = 0.1 },
	} {
		t.Run(name, func(t *testing.T) {
			dir := "testdata/families/" + name
			ids, want := vectors(t, "families/"+name+"/")
			d, cfg := openDirectory(t, dir), readConfig(t, dir)
			spoil(&cfg)
			p := kernels.NewPool(1)
			defer p.Close()
			m, err := Load(cfg, d, p)
			if err != nil {
				t.Fatal(err)
			}
			s := m.NewState(len(ids))
			defer s.Close()
			logits, err := m.Forward(context.Background(), s, m.NewBuffers(), ids, true)
			if err != nil {
				t.Fatal(err)
			}
			if e := nmse(logits, want); e < 1000*MaxNMSE {
				t.Errorf("got an error of %.2g without it, want more", e)
			}
		})
	}
}

// readConfig reads a folder's config.json.
func readConfig(t *testing.T, dir string) Config {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := FromHub(b)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestLongState goes back and forth over the length at which the angles change,
// by truncation and by forks: what is remembered must not matter.
func TestLongState(t *testing.T) {
	m, cfg := open(t, "testdata/families/phi3-long")
	ids, _ := vectors(t, "families/phi3-long/")
	original, ctx, buf := cfg.Rope.Long.OriginalContext, context.Background(), m.NewBuffers()
	run := func(ids []int32) []float32 {
		s := m.NewState(64)
		defer s.Close()
		logits, err := m.Forward(ctx, s, buf, ids, false)
		if err != nil {
			t.Fatal(err)
		}
		return slices.Clone(logits)
	}
	s := m.NewState(64)
	defer s.Close()
	for _, n := range []int{original - 3, original + 4, original - 1, original, original + 1, original + 9} {
		from := min(s.Len(), n-1)
		if !s.Holds(from) {
			t.Fatalf("%d of %d tokens are not held", from, s.Len())
		}
		f := s.Fork(from)
		s.Truncate(from)
		want := run(ids[:n])
		if s.Len() != from || f.Len() != from {
			t.Fatalf("got %d and %d tokens, want %d", s.Len(), f.Len(), from)
		}
		logits, err := m.Forward(ctx, f, buf, ids[from:n], false)
		if err != nil || nmse(logits, want) > MaxNMSE {
			t.Errorf("fork of %d tokens: got %v and an error of %.2g", from, err, nmse(logits, want))
		}
		if logits, err = m.Forward(ctx, s, buf, ids[from:n], false); err != nil || nmse(logits, want) > MaxNMSE {
			t.Errorf("%d tokens from %d on: got %v and an error of %.2g", n, from, err, nmse(logits, want))
		}
		f.Close()
	}
}

// TestRecurrentState forks, empties and interrupts a state that cannot go back:
// what comes after must be what comes after the same ids alone.
func TestRecurrentState(t *testing.T) {
	m, cfg := open(t, "testdata/families/qwen35")
	ids, want := vectors(t, "families/qwen35/")
	buf := m.NewBuffers()
	s := m.NewState(64)
	defer s.Close()
	check := func(what string, s state.State, first, end int) {
		t.Helper()
		got, err := m.Forward(context.Background(), s, buf, ids[first:end], true)
		if err != nil {
			t.Fatal(err)
		}
		if e := nmse(got, want[first*cfg.Vocab:end*cfg.Vocab]); !(e < MaxNMSE) {
			t.Errorf("%s: got an error of %.2g", what, e)
		}
	}
	check("beginning", s, 0, 11)
	if s.Holds(5) || !s.Holds(11) || !s.Holds(0) {
		t.Errorf("got Holds %v %v %v", s.Holds(5), s.Holds(11), s.Holds(0))
	}
	f := s.Fork(11)
	defer f.Close()
	check("original", s, 11, 20)
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.Forward(canceled, s, buf, ids[:3], false); err == nil {
		t.Error("got no error from a context that has ended")
	}
	s.Truncate(s.Len())
	check("original after a failure", s, 20, 30)
	check("fork", f, 11, 40)
	s.Truncate(0)
	check("emptied", s, 0, 40)
}

// TestColdExperts takes the bytes of one expert at a time away: a token must
// need as many as it is routed to and read no other.
func TestColdExperts(t *testing.T) {
	const dir = "testdata/families/mixtral"
	d, cfg := openDirectory(t, dir), readConfig(t, dir)
	p := kernels.NewPool(1)
	defer p.Close()
	needed := 0
	for e := range cfg.Experts {
		h := *d.Header
		h.Tensors = map[string]weights.Tensor{}
		for name, x := range d.Tensors {
			if strings.HasPrefix(name, fmt.Sprintf("model.layers.0.block_sparse_moe.experts.%d.", e)) {
				x.Data = nil
			}
			h.Tensors[name] = x
		}
		m, err := Load(cfg, &weights.Directory{Header: &h}, p)
		if err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() {
				if recover() != nil {
					needed++
				}
			}()
			s := m.NewState(8)
			defer s.Close()
			if _, err := m.Forward(context.Background(), s, m.NewBuffers(), []int32{9}, false); err != nil {
				t.Error(err)
			}
		}()
	}
	if needed != cfg.ActiveExperts {
		t.Errorf("got %d experts read for one token, want %d", needed, cfg.ActiveExperts)
	}
}
