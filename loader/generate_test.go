package loader

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"samara/loader/chat"
)

// story is a request that goes on until something ends it.
func story(tokens int) Request {
	return Request{Prompt: "Once upon a time", MaxTokens: tokens, IgnoreEOS: true, Sampling: greedy()}
}

func generate(t *testing.T, m Model, r Request) Result {
	t.Helper()
	res, err := m.Generate(context.Background(), r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestGenerateEnds(t *testing.T) {
	m := openTiny(t)
	whole := generate(t, m, story(30))
	if whole.FinishReason != FinishLength || len(whole.IDs) != 30 || whole.PrefillSeconds <= 0 || whole.DecodeSeconds <= 0 {
		t.Fatalf("got %+v, want 30 tokens", whole)
	}

	words := strings.Fields(whole.Text)
	r := story(30)
	r.Stop = []string{"no such text", words[len(words)/2]}
	stopped := generate(t, m, r)
	before, _, _ := strings.Cut(whole.Text, r.Stop[1])
	if stopped.Text != before || stopped.FinishReason != FinishStop {
		t.Errorf("stop string %q: got %q, %s; want %q", r.Stop[1], stopped.Text, stopped.FinishReason, before)
	}

	r = story(0)
	r.PromptIDs, r.Prompt = slices.Repeat([]int32{7}, 1000), ""
	full := generate(t, m, r)
	if want := 1024 - 1000 + 1; len(full.IDs) != want || full.FinishReason != FinishLength {
		t.Errorf("until the context is full: got %d tokens, %s; want %d", len(full.IDs), full.FinishReason, want)
	}
}

func TestGenerateSampling(t *testing.T) {
	m := openTiny(t)
	r := story(20)
	r.Sampling = Sampling{Temperature: ptr[float32](1.5), TopP: ptr[float32](1), Seed: ptr[uint64](7)}
	a, b := generate(t, m, r), generate(t, m, r)
	r.Sampling.Seed = ptr[uint64](8)
	c := generate(t, m, r)
	if !slices.Equal(a.IDs, b.IDs) || slices.Equal(a.IDs, c.IDs) {
		t.Errorf("got %v and %v with one seed, %v with another", a.IDs, b.IDs, c.IDs)
	}
	r.Sampling = Sampling{Temperature: ptr[float32](5), TopK: ptr(1)}
	if got, want := generate(t, m, r).IDs, generate(t, m, story(20)).IDs; !slices.Equal(got, want) {
		t.Errorf("with top-k 1 got %v, want the greedy %v", got, want)
	}
}

func TestGenerateBad(t *testing.T) {
	m := openTiny(t)
	long := slices.Repeat([]int32{7}, 1025)
	for name, c := range map[string]struct {
		r          Request
		code, text string
	}{
		"nothing":      {Request{}, "invalid_request", "empty prompt"},
		"two prompts":  {Request{Prompt: "a", PromptIDs: []int32{1}}, "invalid_request", "more than one"},
		"id":           {Request{PromptIDs: []int32{-1}}, "invalid_request", "token -1"},
		"large id":     {Request{PromptIDs: []int32{1 << 20}}, "invalid_request", "token 1048576"},
		"temperature":  {Request{Prompt: "a", Sampling: Sampling{Temperature: ptr[float32](-1)}}, "invalid_request", "temperature"},
		"top_p":        {Request{Prompt: "a", Sampling: Sampling{TopP: ptr[float32](0)}}, "invalid_request", "top_p"},
		"min_p":        {Request{Prompt: "a", Sampling: Sampling{MinP: ptr[float32](1)}}, "invalid_request", "min_p"},
		"max_tokens":   {Request{Prompt: "a", MaxTokens: -1}, "invalid_request", "max_tokens -1"},
		"top_k":        {Request{Prompt: "a", Sampling: Sampling{TopK: ptr(-1)}}, "invalid_request", "top_k"},
		"repetition":   {Request{Prompt: "a", Sampling: Sampling{RepetitionPenalty: ptr[float32](0)}}, "invalid_request", "repetition_penalty"},
		"long prompt":  {Request{PromptIDs: long}, "context_length_exceeded", "got 1025 tokens, want at most 1024"},
		"long message": {Request{Messages: []chat.Message{{Role: "user", Content: strings.Repeat("a fox ", 1000)}}}, "context_length_exceeded", "want at most 1024"},
	} {
		_, err := m.Generate(context.Background(), c.r, nil)
		var coded interface{ Code() string }
		if !errors.As(err, &coded) || coded.Code() != c.code || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v, want code %s and %q", name, err, c.code, c.text)
		}
	}
}

// TestGenerateCanceled ends ctx while text comes: Generate must return its
// error and what there was.
func TestGenerateCanceled(t *testing.T) {
	m := openTiny(t)
	ctx, cancel := context.WithCancel(context.Background())
	res, err := m.Generate(ctx, story(500), func(Chunk) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) || len(res.IDs) != 1 || res.FinishReason != "" {
		t.Errorf("got %v and %d tokens, want canceled after one", err, len(res.IDs))
	}
	if _, err := m.Generate(ctx, story(5), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v for a context that has ended", err)
	}
	gone := errors.New("client is gone")
	if _, err := m.Generate(context.Background(), story(500), func(Chunk) error { return gone }); !errors.Is(err, gone) {
		t.Errorf("got %v, want the error of emit", err)
	}
}

// TestGenerateAtOnce runs several generations at the same time: each must give
// what it gives alone.
func TestGenerateAtOnce(t *testing.T) {
	m := openTiny(t)
	prompts := []string{"Once upon a time", "The fox", "A magnet is"}
	var alone []Result
	for _, p := range prompts {
		alone = append(alone, generate(t, m, Request{Prompt: p, MaxTokens: 20, Sampling: greedy()}))
	}
	var wg sync.WaitGroup
	for i, p := range prompts {
		wg.Go(func() {
			res, err := m.Generate(context.Background(), Request{Prompt: p, MaxTokens: 20, Sampling: greedy()}, nil)
			if err != nil || res.Text != alone[i].Text {
				t.Errorf("%s: got %q, %v; want %q", p, res.Text, err, alone[i].Text)
			}
		})
	}
	wg.Wait()
}

// TestChatCannotForge writes the template's own tokens in a message: they must
// arrive as text.
func TestChatCannotForge(t *testing.T) {
	m := openTiny(t)
	ids := func(content string) []int32 {
		return generate(t, m, Request{Messages: []chat.Message{{Role: "user", Content: content}}, MaxTokens: 1, Sampling: greedy()}).PromptIDs
	}
	control := func(ids []int32) (n int) {
		for _, id := range ids {
			if m.Tokenizer().IsControl(id) {
				n++
			}
		}
		return n
	}
	plain, eos := ids("hello"), m.Tokenizer().Token(m.Tokenizer().EOS()[0])
	forged := ids("hello" + eos + "hello")
	if control(plain) == 0 || control(forged) != control(plain) {
		t.Errorf("got %d control tokens in %v, want %d as in %v", control(forged), forged, control(plain), plain)
	}
}
