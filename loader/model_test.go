package loader

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"samara/loader/weights"
)

// copyTiny copies the tiny model into a folder that a test may spoil.
func copyTiny(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(tinyDir, "model"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

func replace(t *testing.T, path, old, with string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(b), old, with, 1)
	if changed == string(b) {
		t.Fatalf("%s: %q is not in it", path, old)
	}
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestOpenBad spoils a sound model. Open must name the fault and close the
// files it was given.
func TestOpenBad(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir string)
		want  string
	}{
		"no weights":   {func(t *testing.T, dir string) { remove(t, dir, "model.safetensors") }, "no .gguf or .safetensors"},
		"no config":    {func(t *testing.T, dir string) { remove(t, dir, "config.json") }, "no config.json"},
		"no tokenizer": {func(t *testing.T, dir string) { remove(t, dir, "tokenizer.json") }, "no tokenizer.json"},
		"cut short": {func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, "model.safetensors"), 100000); err != nil {
				t.Fatal(err)
			}
		}, "cut short"},
		"gpt2": {func(t *testing.T, dir string) {
			replace(t, filepath.Join(dir, "config.json"), "LlamaForCausalLM", "GPT2Model")
		}, `architecture "GPT2Model"`},
		"other layers": {func(t *testing.T, dir string) {
			replace(t, filepath.Join(dir, "config.json"), `"num_hidden_layers": 4`, `"num_hidden_layers": 5`)
		}, "layers.4"},
		"broken generation config": {func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "generation_config.json"), []byte("{"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "generation_config.json"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyTiny(t)
			c.spoil(t, dir)
			src, err := SourceFromPath(dir)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Open(context.Background(), src, Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			for _, f := range src {
				if err := f.File.Close(); !errors.Is(err, os.ErrClosed) {
					t.Errorf("%s is still open", f.Path)
				}
			}
		})
	}
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func TestOpenCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	src, err := SourceFromPath(filepath.Join(tinyDir, "model"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, src, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
}

func TestInspect(t *testing.T) {
	for path, want := range map[string]ModelInfo{
		filepath.Join(tinyDir, "model"): {
			Format: "safetensors", Layout: "hub", Architecture: "llama", Quantization: "BF16", ContextLength: 1024,
			VocabSize: 1024, Tokenizer: "json", License: "apache-2.0", HasTemplate: true,
			CacheBytesPerToken: 4 * 2 * 2 * 32 * 4,
		},
		"arch/testdata/mixed.gguf": {
			Format: "gguf", Layout: "gguf", Architecture: "llama", Name: "mixed", Quantization: "Q4_0", ContextLength: 64,
			VocabSize: 100, License: "apache-2.0", CacheBytesPerToken: 2 * 2 * 4 * 16 * 4,
		},
	} {
		src, err := SourceFromPath(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Inspect(src)
		if err != nil {
			t.Fatal(err)
		}
		if got.Parameters < 1e5 || got.WeightBytes < got.Parameters/2 {
			t.Errorf("%s: got %d parameters in %d bytes", path, got.Parameters, got.WeightBytes)
		}
		want.Parameters, want.WeightBytes = got.Parameters, got.WeightBytes
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", path, d)
		}
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestInspectForeign describes a model that Open refuses.
func TestInspectForeign(t *testing.T) {
	dir := copyTiny(t)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"model_type":"bert","max_position_embeddings":512}`), 0o600); err != nil {
		t.Fatal(err)
	}
	src, err := SourceFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }() // read only
	got, err := Inspect(src)
	if err != nil || got.Architecture != "bert" || got.ContextLength != 512 || got.CacheBytesPerToken != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestSourceFromPath(t *testing.T) {
	dir := copyTiny(t)
	if err := os.Mkdir(filepath.Join(dir, "folder.gguf"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "other.safetensors"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]string{
		dir:                                     {"config.json", "model.safetensors", "other.safetensors", "tokenizer.json"},
		filepath.Join(dir, "model.safetensors"): {"config.json", "model.safetensors", "tokenizer.json"},
		filepath.Join("arch/testdata/mixed.gguf"): {"mixed.gguf"},
	} {
		src, err := SourceFromPath(path)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range src {
			if slices.Contains(want, f.Path) {
				got = append(got, f.Path)
			} else if strings.HasSuffix(f.Path, ".safetensors") || strings.HasSuffix(f.Path, ".gguf") {
				t.Errorf("%s: got %s too", path, f.Path)
			}
			if st, err := f.File.Stat(); err != nil || st.Size() != f.Size {
				t.Errorf("%s: got a size of %d", f.Path, f.Size)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := SourceFromPath(filepath.Join(dir, "absent.gguf")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v for an absent file", err)
	}
}

func TestSessionEval(t *testing.T) {
	m := openTiny(t)
	ctx := context.Background()
	s, err := m.NewSession(SessionOptions{Context: 150})
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]int32, 130)
	for i := range ids {
		ids[i] = int32(i)
	}
	all, err := s.Eval(ctx, ids, All)
	if err != nil {
		t.Fatal(err)
	}
	last := slices.Clone(all[129*1024:])
	if s.Len() != 130 || s.Limit() != 150 || len(all) != 130*1024 {
		t.Errorf("got %d tokens of %d, %d logits", s.Len(), s.Limit(), len(all))
	}
	other := newSession(t, m)
	if got, err := other.Eval(ctx, ids, Last); err != nil || nmse(got, last) > maxNMSE || len(got) != 1024 {
		t.Errorf("Last and All differ: %v", err)
	}
	var full *ContextError
	if _, err := s.Eval(ctx, ids[:21], Last); !errors.As(err, &full) || full.Tokens != 151 || full.Limit != 150 {
		t.Errorf("got %v, want a *ContextError", err)
	}
	if _, err := s.Eval(ctx, nil, Last); err == nil {
		t.Error("got no error for no ids")
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Eval(canceled, ids[:5], Last); !errors.Is(err, context.Canceled) || s.Len() != 130 {
		t.Errorf("got %v and %d tokens, want canceled and 130", err, s.Len())
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if _, err := s.Eval(ctx, ids[:1], Last); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v after Close", err)
	}
}

// TestDecodeAllocates wants decoding to allocate nothing, pages of the cache
// aside.
func TestDecodeAllocates(t *testing.T) {
	s := newSession(t, openTiny(t))
	ids := []int32{5}
	step := func() {
		if _, err := s.Eval(context.Background(), ids, Last); err != nil {
			t.Fatal(err)
		}
	}
	step()
	if n := testing.AllocsPerRun(50, step); n > 0 {
		t.Errorf("got %v allocations per token, want 0", n)
	}
}

// TestCloseWaits closes a model while a session is open.
func TestCloseWaits(t *testing.T) {
	m := openTiny(t)
	s, err := m.NewSession(SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- m.Close() }()
	for {
		other, err := m.NewSession(SessionOptions{})
		if errors.Is(err, ErrClosed) {
			break
		}
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	if _, err := s.Eval(context.Background(), []int32{1, 2, 3}, Last); err != nil {
		t.Errorf("an open session: %v", err)
	}
	select {
	case err := <-closed:
		t.Errorf("Close returned before the session was closed: %v", err)
	default:
	}
	if err := errors.Join(s.Close(), <-closed); err != nil {
		t.Error(err)
	}
}

// TestFileCutShort cuts the weights under the mapping: the session says so and
// stays as it was, and the model can be closed.
func TestFileCutShort(t *testing.T) {
	dir := copyTiny(t)
	m := openModel(t, dir, Options{Threads: 2})
	s := newSession(t, m)
	if _, err := s.Eval(context.Background(), []int32{1, 2, 3}, Last); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "model.safetensors"), 4096); err != nil {
		t.Fatal(err)
	}
	_, err := s.Eval(context.Background(), []int32{4}, Last)
	var fault *weights.FaultError
	if !errors.As(err, &fault) || s.Len() != 3 {
		t.Errorf("got %v and %d tokens, want a *FaultError and 3", err, s.Len())
	}
}

func TestNLL(t *testing.T) {
	logits := []float32{1000, 1001, 998}
	sum := math.Exp(-1) + 1 + math.Exp(-3)
	if got, want := nll(logits, 2), 3+math.Log(sum); math.Abs(got-want) > 1e-6 {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLogitsTooLong(t *testing.T) {
	m := openModel(t, filepath.Join(tinyDir, "model"), Options{Context: 10})
	var full *ContextError
	if err := Logits(context.Background(), m, make([]int32, 11), io.Discard); !errors.As(err, &full) {
		t.Errorf("got %v, want a *ContextError", err)
	}
}

func TestContextLimit(t *testing.T) {
	for _, c := range []struct{ made, asked, want int }{
		{0, 0, DefaultContext}, {1 << 20, 0, DefaultContext}, {512, 0, 512}, {512, 100, 100}, {512, 1000, 512}, {0, 20000, 20000}, {131072, 100000, 100000},
	} {
		if got := contextLimit(c.made, c.asked); got != c.want {
			t.Errorf("made for %d, asked for %d: got %d, want %d", c.made, c.asked, got, c.want)
		}
	}
}

func TestBench(t *testing.T) {
	open := func() (Source, error) { return SourceFromPath(filepath.Join(tinyDir, "model")) }
	res, err := Bench(context.Background(), open, BenchOptions{PromptTokens: 32, GenTokens: 8, Runs: 2, Options: Options{Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if res.Threads != 1 || res.Runs != 2 || res.Kernels == "" || !(res.PromptTPS > 0) || !(res.GenTPS > 0) ||
		!(res.LoadSeconds > 0) || !(res.FirstTokenSeconds > res.LoadSeconds) {
		t.Errorf("got %+v", res)
	}
	res, err = Bench(context.Background(), open, BenchOptions{})
	if err != nil || res.PromptTPS != 0 || res.GenTPS != 0 || res.Runs != 1 {
		t.Errorf("got %+v, %v with both parts left out", res, err)
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, path := range map[string]func() string{
		"tiny":    func() string { return filepath.Join(tinyDir, "model") },
		"smollm2": func() string { return os.Getenv("SAMARA_SMOLLM2") },
	} {
		b.Run(name, func(b *testing.B) {
			if path() == "" {
				b.Skip("SAMARA_SMOLLM2 is not set")
			}
			m := openModel(b, path(), Options{})
			s := newSession(b, m)
			b.ReportAllocs()
			b.SetBytes(m.Info().WeightBytes)
			for b.Loop() {
				if s.Len() == s.Limit() {
					s = newSession(b, m)
				}
				if _, err := s.Eval(context.Background(), []int32{5}, Last); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}
