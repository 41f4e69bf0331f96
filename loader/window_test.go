package loader

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
)

// failAfter is a context that ends after some looks at it.
type failAfter struct {
	context.Context
	looks int
}

func (c *failAfter) Err() error {
	if c.looks--; c.looks < 0 {
		return context.Canceled
	}
	return nil
}

// TestEvalUndone interrupts a long Eval of a model with a sliding window after
// the window has moved on: the sequence must be as before, and go on as if
// nothing had happened.
func TestEvalUndone(t *testing.T) {
	dir := copyTiny(t)
	config := filepath.Join(dir, "config.json")
	replace(t, config, `"LlamaForCausalLM"`, `"MistralForCausalLM"`)
	replace(t, config, `"model_type": "llama"`, `"model_type": "mistral", "sliding_window": 70`)
	m := openModel(t, dir, Options{Threads: 1})
	if info := m.Info(); info.CacheBytesPerToken != 0 || info.WindowBytes == 0 {
		t.Errorf("got %d bytes per token and %d in windows", info.CacheBytesPerToken, info.WindowBytes)
	}
	ids := make([]int32, 200)
	for i := range ids {
		ids[i] = int32(i*7%250 + 5)
	}
	eval := func(s Session, ids []int32) []float32 {
		t.Helper()
		logits, err := s.Eval(context.Background(), ids, Last)
		if err != nil {
			t.Fatal(err)
		}
		return append([]float32(nil), logits...)
	}
	alone := newSession(t, m)
	eval(alone, ids[:90])
	want := eval(alone, ids[100:])

	s := newSession(t, m)
	eval(s, ids[:90])
	const layers = 4 // a pass looks at its context in each
	ctx := &failAfter{context.Background(), layers + 1}
	if _, err := s.Eval(ctx, ids, Last); !errors.Is(err, context.Canceled) || s.Len() != 90 {
		t.Fatalf("got %v and %d tokens, want canceled and 90", err, s.Len())
	}
	if e := nmse(eval(s, ids[100:]), want); e > maxNMSE {
		t.Errorf("got an error of %.2g after an interrupted Eval", e)
	}
}
