package web_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"

	"samara/loader"
	"samara/registry"
)

// OpenAI's own Python client, over a real connection.
func TestOpenAIPythonClient(t *testing.T) {
	python := os.Getenv("SAMARA_TEST_PYTHON")
	if python == "" {
		t.Skip("SAMARA_TEST_PYTHON names no python")
	}
	if out, err := exec.Command(python, "-c", "import openai").CombinedOutput(); err != nil {
		t.Skipf("%s has no openai package: %s", python, out)
	}
	h := newHarness(t)
	h.mu.Lock() // the client is another process: nothing else orders this before its requests
	h.generate = func(_ context.Context, model string, r loader.Request, emit func(loader.Chunk) error) (loader.Result, error) {
		switch {
		case model != "ns/m":
			return loader.Result{}, &registry.NotFoundError{Kind: "version", Name: model}
		case r.Prompt == "long":
			return loader.Result{}, &loader.ContextError{Tokens: 9000, Limit: 8192}
		case r.Prompt == "fail":
			return loader.Result{}, errors.Join(emit(loader.Chunk{Text: "Hel"}), errors.New("broken"))
		}
		return say(r, emit)
	}
	h.mu.Unlock()
	out, err := exec.CommandContext(t.Context(), python, "testdata/openai_client.py", h.url, adminKey).CombinedOutput()
	if err != nil || string(out) != "ok\n" {
		t.Errorf("%v\n%s", err, out)
	}
}
