package loader

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The tokenizer's regular expressions share one clock that ends by itself.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/dlclark/regexp2/v2.runClock"))
}

// tinyDir holds the embedded model and what transformers says about it.
var tinyDir = "../testdata/tiny"

// Errors allowed against transformers in float32, which rounds the same sums
// in another order.
const maxNMSE = 1e-9

// An oracle is what transformers says about a model.
type oracle struct {
	Vocab     int
	IDs       []int32
	Positions []int // of the logits; nil for all
	Chats     []oracleAnswer
	Raw       []oracleAnswer
	Answers   []oracleAnswer
	Heldout   struct {
		Tokens     int
		NLL        float64 // sum
		Perplexity float64
	}
}

type oracleAnswer struct {
	Prompt       string
	PromptIDs    []int32 `json:"prompt_ids"`
	IDs          []int32
	Text         string
	FinishReason string `json:"finish_reason"`
}

func readOracle(t *testing.T, dir string) (o oracle, logits []float32) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &o); err != nil {
		t.Fatal(err)
	}
	if b, err = os.ReadFile(filepath.Join(dir, "logits.f32")); err != nil {
		t.Fatal(err)
	}
	logits = make([]float32, len(b)/4)
	if _, err := binary.Decode(b, binary.LittleEndian, logits); err != nil {
		t.Fatal(err)
	}
	return o, logits
}

// openModel opens the model at path and closes it when the test ends.
func openModel(t testing.TB, path string, o Options) Model {
	t.Helper()
	src, err := SourceFromPath(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Open(context.Background(), src, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func openTiny(t testing.TB) Model {
	t.Helper()
	return openModel(t, filepath.Join(tinyDir, "model"), Options{Threads: 2})
}

// smollm2 is the path of SmolLM2-135M-Instruct.Q4_1.gguf, which is too large
// to be kept here.
func smollm2(t testing.TB) string {
	t.Helper()
	path := os.Getenv("SAMARA_SMOLLM2")
	if path == "" {
		t.Skip("SAMARA_SMOLLM2 is not set: testdata/smollm2/vectors.py says where the file comes from")
	}
	return path
}

func newSession(t testing.TB, m Model) Session {
	t.Helper()
	s, err := m.NewSession(SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
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

func ptr[T any](v T) *T { return &v }

// greedy samples the most likely token.
func greedy() Sampling { return Sampling{Temperature: ptr[float32](0)} }
