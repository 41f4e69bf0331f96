package loader

import (
	"context"
	"fmt"
	"strings"
	"time"

	"samara/loader/sample"
	"samara/loader/tokenizer"
)

// Generate implements Model.
func (m *model) Generate(ctx context.Context, r Request, emit func(Chunk) error) (res Result, err error) {
	if err := m.predicts(); err != nil {
		return res, err
	}
	params, err := m.sampling(r.Sampling)
	if err != nil {
		return res, err
	}
	if r.MaxTokens < 0 {
		return res, &RequestError{Reason: fmt.Sprintf("got max_tokens %d, want 0 or more", r.MaxTokens)}
	}
	if res.PromptIDs, err = m.promptIDs(ctx, &r); err != nil {
		return res, err
	}
	res.Usage.PromptTokens = len(res.PromptIDs)
	s, err := m.NewSession(SessionOptions{})
	if err != nil {
		return res, err
	}
	defer func() { _ = s.Close() }() // never fails

	start := time.Now()
	logits, err := s.Eval(ctx, res.PromptIDs, Last)
	if err != nil {
		return res, err
	}
	res.PrefillSeconds = time.Since(start).Seconds()
	start = time.Now()
	g := generation{
		m: m, r: &r, s: s, res: &res, emit: emit,
		sampler: sample.New(params),
		stream:  tokenizer.NewStream(m.tok),
		stop:    sample.NewStopMatcher(r.Stop),
	}
	g.sampler.Accept(res.PromptIDs...)
	err = g.run(ctx, logits)
	res.DecodeSeconds = time.Since(start).Seconds()
	res.Text = g.text.String()
	res.Usage.CompletionTokens = len(res.IDs)
	return res, err
}

// A generation is one answer on its way.
type generation struct {
	m    *model
	r    *Request
	s    Session
	res  *Result
	emit func(Chunk) error

	sampler *sample.Sampler
	stream  *tokenizer.Stream
	stop    *sample.StopMatcher
	text    strings.Builder
}

// run decodes until something ends the answer.
func (g *generation) run(ctx context.Context, logits []float32) error {
	for {
		id := g.sampler.Next(logits)
		if g.m.stops[id] && !g.r.IgnoreEOS {
			g.res.FinishReason = FinishStop
			return g.flush()
		}
		g.res.IDs = append(g.res.IDs, id)
		ids := g.res.IDs[len(g.res.IDs)-1:]
		text, stopped := g.stop.Push(g.stream.Push(id))
		if err := g.send(text, ids); err != nil {
			return err
		}
		if stopped {
			g.res.FinishReason = FinishStop
			return nil
		}
		if len(g.res.IDs) == g.r.MaxTokens || g.s.Len() == g.s.Limit() {
			g.res.FinishReason = FinishLength
			return g.flush()
		}
		var err error
		if logits, err = g.s.Eval(ctx, ids, Last); err != nil {
			return err
		}
	}
}

// flush sends what was held back: an unfinished character, or text that might
// have become a stop string.
func (g *generation) flush() error {
	text, stopped := g.stop.Push(g.stream.Flush())
	if !stopped {
		text += g.stop.Flush()
	}
	if text == "" {
		return nil
	}
	return g.send(text, nil)
}

// send keeps and emits a piece of the answer.
func (g *generation) send(text string, ids []int32) error {
	g.text.WriteString(text)
	if g.emit == nil {
		return nil
	}
	return g.emit(Chunk{Text: text, IDs: ids})
}

// sampling fills what a request leaves open from the model's own defaults, and
// refuses what has no meaning.
func (m *model) sampling(s Sampling) (sample.Params, error) {
	d := m.defaults
	p := sample.Params{
		Temperature:       first(s.Temperature, d.Temperature, DefaultTemperature),
		TopP:              first(s.TopP, d.TopP, DefaultTopP),
		MinP:              first(s.MinP, d.MinP, 0),
		TopK:              first(s.TopK, d.TopK, 0),
		RepetitionPenalty: first(s.RepetitionPenalty, d.RepetitionPenalty, 1),
		PresencePenalty:   first(s.PresencePenalty, nil, 0),
		FrequencyPenalty:  first(s.FrequencyPenalty, nil, 0),
		Seed:              s.Seed,
	}
	switch {
	case !(p.Temperature >= 0 && p.Temperature <= MaxTemperature):
		return p, badSampling("temperature", p.Temperature, "0 to 100")
	case !(p.TopP > 0 && p.TopP <= 1):
		return p, badSampling("top_p", p.TopP, "more than 0, at most 1")
	case !(p.MinP >= 0 && p.MinP < 1):
		return p, badSampling("min_p", p.MinP, "0 to less than 1")
	case p.TopK < 0:
		return p, badSampling("top_k", p.TopK, "0 or more")
	case !(p.RepetitionPenalty > 0 && p.RepetitionPenalty <= MaxTemperature):
		return p, badSampling("repetition_penalty", p.RepetitionPenalty, "more than 0, at most 100")
	}
	return p, nil
}

// first is *a, or *b where a is nil, or c where both are.
func first[T any](a, b *T, c T) T {
	switch {
	case a != nil:
		return *a
	case b != nil:
		return *b
	}
	return c
}
