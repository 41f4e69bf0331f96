package loader

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const embedDir = "testdata/embed"

// embedVectors is what testdata/embed/make.py wrote.
func embedVectors(t *testing.T) (v struct {
	Texts   []string
	Vectors map[string][][]float32
},
) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(embedDir, "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// copyEmbed copies the tiny embedding model into a folder that a test may
// change.
func copyEmbed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(embedDir, "model"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestEmbed compares each way of pooling with sentence-transformers, over texts
// shorter and longer than the model reads. The vectors are normalised where the
// folder says so, which is for the mean.
func TestEmbed(t *testing.T) {
	v := embedVectors(t)
	for mode, want := range v.Vectors {
		t.Run(mode, func(t *testing.T) {
			dir := copyEmbed(t)
			if mode != "mean" {
				replace(t, filepath.Join(dir, "1_Pooling", "config.json"), `"mean"`, `"`+mode+`"`)
				dropModule(t, dir)
			}
			m := openModel(t, dir, Options{Threads: 2})
			checkEmbeddings(t, m, v.Texts, want)
		})
	}
}

// dropModule takes the last step out of modules.json.
func dropModule(t *testing.T, dir string) {
	t.Helper()
	name := filepath.Join(dir, "modules.json")
	var modules []map[string]any
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &modules); err != nil {
		t.Fatal(err)
	}
	if b, err = json.Marshal(modules[:len(modules)-1]); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func checkEmbeddings(t *testing.T, m Model, texts []string, want [][]float32) {
	t.Helper()
	for i, text := range texts {
		got, err := m.(Embedder).Embed(context.Background(), text)
		if err != nil {
			t.Fatal(err)
		}
		if e := nmse(got.Vector, want[i]); len(got.Vector) != len(want[i]) || !(e < maxEmbedNMSE) {
			t.Errorf("%.40q: got an error of %.2g over %d values of %d tokens, want less than %g", text, e, len(got.Vector), got.Tokens, maxEmbedNMSE)
		}
	}
}

// maxEmbedNMSE is the error allowed against sentence-transformers in float32.
const maxEmbedNMSE = 1e-9

// minilm is the folder of all-MiniLM-L6-v2, which is too large to be kept here.
func minilm(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("SAMARA_MINILM")
	if dir == "" {
		t.Skip("SAMARA_MINILM is not set: testdata/minilm/vectors.py says where the files come from")
	}
	return dir
}

// TestMiniLM compares a real model with sentence-transformers.
func TestMiniLM(t *testing.T) {
	dir := minilm(t)
	var texts []string
	b, err := os.ReadFile("../testdata/minilm/texts.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &texts); err != nil {
		t.Fatal(err)
	}
	if b, err = os.ReadFile("../testdata/minilm/vectors.f32"); err != nil {
		t.Fatal(err)
	}
	all := make([]float32, len(b)/4)
	if _, err := binary.Decode(b, binary.LittleEndian, all); err != nil {
		t.Fatal(err)
	}
	m := openModel(t, dir, Options{Threads: 2})
	width := m.Info().EmbeddingWidth
	if width != 384 || len(all) != width*len(texts) {
		t.Fatalf("got a width of %d for %d values and %d texts", width, len(all), len(texts))
	}
	var want [][]float32
	for i := range texts {
		want = append(want, all[i*width:(i+1)*width])
	}
	checkEmbeddings(t, m, texts, want)
}

// TestEmbedOnly wants a model for embeddings to refuse what needs a next token,
// and one for text to refuse embeddings.
func TestEmbedOnly(t *testing.T) {
	m := openModel(t, copyEmbed(t), Options{Threads: 1})
	var u *UnsupportedError
	if _, err := m.NewSession(SessionOptions{}); !errors.As(err, &u) {
		t.Errorf("got %v for a session of an encoder", err)
	}
	if _, err := m.Generate(context.Background(), Request{Prompt: "a tree"}, nil); !errors.As(err, &u) {
		t.Errorf("got %v for text of an encoder", err)
	}
	text := openTiny(t)
	if _, err := text.(Embedder).Embed(context.Background(), "a tree"); !errors.As(err, &u) || text.Info().EmbeddingWidth != 0 {
		t.Errorf("got %v for an embedding of a text model", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.(Embedder).Embed(ctx, "a tree"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v for a context that has ended", err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.(Embedder).Embed(context.Background(), "a tree"); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v after Close", err)
	}
}

// TestEmbedLastToken makes embeddings with a decoder, as Qwen3-Embedding does:
// the vector of the last token must depend on the whole text and be 1 long.
func TestEmbedLastToken(t *testing.T) {
	dir := copyTiny(t)
	write := func(name, text string) {
		t.Helper()
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("modules.json", `[{"path":"","type":"sentence_transformers.models.Transformer"},
		{"path":"1_Pooling","type":"sentence_transformers.models.Pooling"},
		{"path":"2_Normalize","type":"sentence_transformers.models.Normalize"}]`)
	write("1_Pooling/config.json", `{"pooling_mode_mean_tokens":false,"pooling_mode_lasttoken":true}`)
	m := openModel(t, dir, Options{Threads: 1})
	embed := func(text string) []float32 {
		t.Helper()
		e, err := m.(Embedder).Embed(context.Background(), text)
		if err != nil {
			t.Fatal(err)
		}
		var sum float64
		for _, v := range e.Vector {
			sum += float64(v) * float64(v)
		}
		if math.Abs(sum-1) > 1e-5 {
			t.Errorf("got a vector whose square is %v, want 1", sum)
		}
		return e.Vector
	}
	long := strings.Repeat("Once upon a time there was a seed. ", 20)
	a, b, again := embed("The fox "+long), embed("The owl "+long), embed("The fox "+long)
	if nmse(a, again) != 0 || nmse(a, b) == 0 {
		t.Errorf("got errors of %v and %v, want none and some", nmse(a, again), nmse(a, b))
	}
}

// TestEmbedBad asks for steps that are not implemented.
func TestEmbedBad(t *testing.T) {
	for want, c := range map[string]struct{ file, old, with string }{
		"Dense":          {"modules.json", ".Normalize", ".Dense"},
		`["median"]`:     {"1_Pooling/config.json", `"mean"`, `"median"`},
		"want one known": {"1_Pooling/config.json", `"pooling_mode"`, `"other"`},
		"do_lower_case":  {"sentence_bert_config.json", `"transformer_task"`, `"do_lower_case":true,"transformer_task"`},
		"at least 1":     {"sentence_bert_config.json", `"transformer_task"`, `"max_seq_length":0,"transformer_task"`},
	} {
		dir := copyEmbed(t)
		replace(t, filepath.Join(dir, c.file), c.old, c.with)
		m := openModel(t, dir, Options{Threads: 1})
		if _, err := m.(Embedder).Embed(context.Background(), "x"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
