package arch

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"samara/loader/kernels"
	"samara/loader/weights"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open maps the files at path, a file or a folder, and loads the model.
func open(t *testing.T, path string) (Model, Config) {
	t.Helper()
	d := openDirectory(t, path)
	var cfg Config
	var err error
	if d.Format == "gguf" {
		cfg, err = FromGGUF(d.Header)
	} else {
		var b []byte
		if b, err = os.ReadFile(filepath.Join(path, "config.json")); err == nil {
			cfg, err = FromHub(b)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	p := kernels.NewPool(2)
	t.Cleanup(p.Close)
	m, err := Load(cfg, d, p)
	if err != nil {
		t.Fatal(err)
	}
	return m, cfg
}

func openDirectory(t *testing.T, path string) *weights.Directory {
	t.Helper()
	names := []string{path}
	if st, err := os.Stat(path); err != nil {
		t.Fatal(err)
	} else if st.IsDir() {
		if names, err = filepath.Glob(filepath.Join(path, "model*.safetensors*")); err != nil {
			t.Fatal(err)
		}
	}
	var files []weights.File
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		st, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, weights.File{Path: filepath.Base(name), Size: st.Size(), R: f})
	}
	h, err := weights.ReadHeader(files)
	if err != nil {
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

// vectors reads ids and logits that testdata/vectors.py wrote.
func vectors(t *testing.T, name string) (ids []int32, logits []float32) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + "ids.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &ids); err != nil {
		t.Fatal(err)
	}
	if b, err = os.ReadFile("testdata/" + name + "logits.f32"); err != nil {
		t.Fatal(err)
	}
	logits = make([]float32, len(b)/4)
	if _, err := binary.Decode(b, binary.LittleEndian, logits); err != nil {
		t.Fatal(err)
	}
	return ids, logits
}

// nmse is the mean squared error over the mean square of want.
func nmse(got, want []float32) float64 {
	var sum, size float64
	for i := range want {
		d := float64(got[i]) - float64(want[i])
		sum += d * d
		size += float64(want[i]) * float64(want[i])
	}
	return sum / size
}

// MaxNMSE is the error allowed against transformers in float32: both round the
// same sums, in another order.
const MaxNMSE = 1e-9

// TestLlama compares with transformers on random models of both formats: both
// rotary layouts, every type, shards, tied embeddings, grouped queries, a head
// width of its own and llama3 scaling. A prompt read at once, in two parts and
// one by one must give the same.
func TestLlama(t *testing.T) {
	for name, path := range map[string]string{
		"hub-llama3": "testdata/hub-llama3", "hub-tied": "testdata/hub-tied", "mixed": "testdata/mixed.gguf",
	} {
		t.Run(name, func(t *testing.T) {
			m, cfg := open(t, path)
			ids, want := vectors(t, name+".")
			for _, step := range []int{len(ids), 29, 1} {
				s, buf := m.NewState(len(ids)), m.NewBuffers()
				for first := 0; first < len(ids); first += step {
					end := min(first+step, len(ids))
					logits, err := m.Forward(context.Background(), s, buf, ids[first:end], true)
					if err != nil {
						t.Fatal(err)
					}
					e := nmse(logits, want[first*cfg.Vocab:end*cfg.Vocab])
					if !(e < MaxNMSE) || len(logits) != (end-first)*cfg.Vocab {
						t.Errorf("ids %d to %d at once: got an error of %.2g over %d logits, want less than %g", first, end, e, len(logits), MaxNMSE)
					}
				}
				s.Close()
			}
		})
	}
}

// TestLast wants the last row of all logits where only that is asked for.
func TestLast(t *testing.T) {
	m, cfg := open(t, "testdata/mixed.gguf")
	ids, want := vectors(t, "mixed.")
	s := m.NewState(len(ids))
	defer s.Close()
	got, err := m.Forward(context.Background(), s, m.NewBuffers(), ids, false)
	if err != nil {
		t.Fatal(err)
	}
	if e := nmse(got, want[len(want)-cfg.Vocab:]); !(e < MaxNMSE) || len(got) != cfg.Vocab {
		t.Errorf("got an error of %.2g over %d logits", e, len(got))
	}
}

// TestForkedState decodes two continuations of one prompt from forks, which
// must equal the same continuations decoded alone.
func TestForkedState(t *testing.T) {
	m, _ := open(t, "testdata/hub-tied")
	ctx, buf := context.Background(), m.NewBuffers()
	run := func(ids ...[]int32) []float32 {
		s := m.NewState(64)
		defer s.Close()
		var out []float32
		for _, part := range ids {
			logits, err := m.Forward(ctx, s, buf, part, false)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out[:0], logits...)
		}
		return out
	}
	prompt, a, b := []int32{5, 6, 7, 8}, []int32{9, 10}, []int32{11}
	s := m.NewState(64)
	if _, err := m.Forward(ctx, s, buf, prompt, false); err != nil {
		t.Fatal(err)
	}
	for _, tail := range [][]int32{a, b} {
		f := s.Fork(3)
		logits, err := m.Forward(ctx, f, buf, tail, false)
		if err != nil {
			t.Fatal(err)
		}
		if e := nmse(logits, run(prompt[:3], tail)); e != 0 {
			t.Errorf("a fork and the same tokens alone differ by %.2g", e)
		}
		f.Close()
	}
	s.Close()
}

func TestForwardCanceled(t *testing.T) {
	m, _ := open(t, "testdata/hub-tied")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s := m.NewState(64)
	defer s.Close()
	if _, err := m.Forward(ctx, s, m.NewBuffers(), []int32{1}, false); err != context.Canceled || s.Len() != 0 {
		t.Errorf("got %v and %d tokens, want context canceled and none", err, s.Len())
	}
}

// TestForwardAllocates wants no allocation per token, between pages, whatever
// the architecture. Transposed matrices are no part of that.
func TestForwardAllocates(t *testing.T) {
	for _, path := range append(familyFolders(t), "testdata/mixed.gguf") {
		if filepath.Ext(path) != ".gguf" && IsEncoder(readConfig(t, path)) {
			continue
		}
		if name := filepath.Base(path); name == "gptoss" || name == "gptoss-limit" {
			continue
		}
		m, _ := open(t, path)
		s, buf, ids := m.NewState(64), m.NewBuffers(), []int32{1}
		defer s.Close()
		step := func() {
			if _, err := m.Forward(context.Background(), s, buf, ids, false); err != nil {
				t.Fatal(err)
			}
		}
		for range 50 { // past the lengths at which angles change
			step()
		}
		if n := testing.AllocsPerRun(10, step); n != 0 {
			t.Errorf("%s: got %v allocations per token, want 0", path, n)
		}
	}
}

// TestLoadBad changes a sound model so that config and tensors disagree.
func TestLoadBad(t *testing.T) {
	d := openDirectory(t, "testdata/mixed.gguf")
	sound, err := FromGGUF(d.Header)
	if err != nil {
		t.Fatal(err)
	}
	p := kernels.NewPool(1)
	defer p.Close()
	rename := func(from, to string) func(map[string]weights.Tensor, *Config) {
		return func(ts map[string]weights.Tensor, _ *Config) { ts[to] = ts[from]; delete(ts, from) }
	}
	for want, change := range map[string]func(map[string]weights.Tensor, *Config){
		"blk.1.attn_q.weight: it is missing":                     rename("blk.1.attn_q.weight", "blk.1.other.weight"),
		"blk.0.attn_q.bias: the architecture has no use":         rename("output.weight", "blk.0.attn_q.bias"),
		"blk.2.attn_norm.weight: it is missing":                  func(_ map[string]weights.Tensor, c *Config) { c.Layers = 3 },
		"blk.1.attn_k.weight: the architecture has no":           func(_ map[string]weights.Tensor, c *Config) { c.Layers = 1 },
		"token_embd.weight: got shape [100 256], want [100 128]": func(_ map[string]weights.Tensor, c *Config) { c.Dim = 128 },
		"token_embd.weight: got shape [100 256], want [90 256]":  func(_ map[string]weights.Tensor, c *Config) { c.Vocab = 90 },
		"blk.0.ffn_gate.weight: got shape [256 256]":             func(_ map[string]weights.Tensor, c *Config) { c.FFN = 512 },
		"got 3 heads over 2":                                     func(_ map[string]weights.Tensor, c *Config) { c.Heads, c.KVHeads = 3, 2 },
		"want an even number":                                    func(_ map[string]weights.Tensor, c *Config) { c.Head = 15 },
		"1 to 1024":                                              func(_ map[string]weights.Tensor, c *Config) { c.Layers = 1 << 30 },
		"want a multiple":                                        func(_ map[string]weights.Tensor, c *Config) { c.KVHeads = 5 },
		"rope base":                                              func(_ map[string]weights.Tensor, c *Config) { c.Rope.Base = math.NaN() },
		"got architecture":                                       func(_ map[string]weights.Tensor, c *Config) { c.Architecture = "gpt2" },
		"got type Q8_1": func(ts map[string]weights.Tensor, _ *Config) {
			x := ts["blk.0.ffn_up.weight"]
			x.Type = 9
			ts["blk.0.ffn_up.weight"] = x
		},
		"blk.0.ffn_up.weight: got shape [65536], want": func(ts map[string]weights.Tensor, _ *Config) {
			x := ts["blk.0.ffn_up.weight"]
			x.Shape = []int{256 * 256}
			ts["blk.0.ffn_up.weight"] = x
		},
	} {
		bad, cfg := *d.Header, sound
		bad.Tensors = map[string]weights.Tensor{}
		for name, x := range d.Tensors {
			bad.Tensors[name] = x
		}
		change(bad.Tensors, &cfg)
		_, err := Load(cfg, &weights.Directory{Header: &bad}, p)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestStretch wants the divisors that GGUF files carry to give the frequencies
// that llama3 scaling computes.
func TestStretch(t *testing.T) {
	plain := RopeConfig{Base: 500000, Linear: 1}
	scaled := plain
	scaled.Llama3 = Llama3Scaling{Factor: 8, LowFreq: 1, HighFreq: 4, OriginalContext: 8192}
	want := scaled.frequencies(128, nil)
	base := plain.frequencies(128, nil)
	divisors := make([]float32, len(base))
	for i := range base {
		divisors[i] = base[i] / want[i]
	}
	if divisors[0] != 1 || math.Abs(float64(divisors[63])-8) > 1e-6 {
		t.Errorf("got divisors from %v to %v, want 1 to 8", divisors[0], divisors[63])
	}
	for i, f := range plain.frequencies(128, divisors) {
		if math.Abs(float64(f-want[i])) > 1e-6*float64(want[i]) {
			t.Errorf("frequency %d: got %v, want %v", i, f, want[i])
		}
	}
}
