package openai

import (
	"bytes"
	"errors"
	"testing"

	"samara/loader"
)

// Whatever a client sends becomes a request within the bounds or an error that
// names a field.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		`{"model":"m","messages":[{"role":"user","content":"x"}],"stop":["a"],"top_k":-1,"seed":1}`,
		`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"x"}]}],"stream":true,"stream_options":{"include_usage":true}}`,
		`{"model":"m","prompt":[[1,2]],"max_tokens":3}`,
		`{"model":"m","prompt":"x","temperature":1e400}`,
		`{"model":null,"n":1.0}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var c chatRequest
		err := read(opChat, bytes.NewReader(b), chatFields, &c)
		if err == nil {
			var lr loader.Request
			if lr, err = c.build(); err == nil {
				checkBounds(t, lr)
				if len(lr.Messages) == 0 {
					t.Error("no messages")
				}
			}
		}
		checkError(t, err)

		var p completionRequest
		err = read(opComplete, bytes.NewReader(b), completionFields, &p)
		if err == nil {
			lr := loader.Request{MaxTokens: DefaultMaxTokens}
			if err = errors.Join(p.apply(opComplete, &lr), prompt(p.Prompt, &lr)); err == nil {
				checkBounds(t, lr)
			}
		}
		checkError(t, err)
	})
}

func checkBounds(t *testing.T, lr loader.Request) {
	t.Helper()
	s := lr.Sampling
	switch {
	case lr.MaxTokens < 0, len(lr.Stop) > MaxStops,
		s.Temperature != nil && (*s.Temperature < 0 || *s.Temperature > 2),
		s.TopP != nil && (*s.TopP <= 0 || *s.TopP > 1),
		s.TopK != nil && *s.TopK < 0,
		s.RepetitionPenalty != nil && *s.RepetitionPenalty <= 0:
		t.Errorf("out of bounds: %+v", lr)
	}
	for _, id := range lr.PromptIDs {
		if id < 0 {
			t.Errorf("token %d", id)
		}
	}
}

func checkError(t *testing.T, err error) {
	t.Helper()
	var field *fieldError
	if err != nil && !errors.As(err, &field) {
		t.Errorf("got %T %v, want an error that names a field", err, err)
	}
}
