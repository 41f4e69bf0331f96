package openai

import (
	"context"
	"errors"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"samara/loader"
	"samara/web/client"
)

// metrics counts what was generated, whatever the model.
type metrics struct {
	generations      *prometheus.CounterVec
	promptTokens     prometheus.Counter
	completionTokens prometheus.Counter
	firstToken       prometheus.Histogram
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		generations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "samara_generations_total", Help: "Requests to a model, by how they ended.",
		}, []string{"outcome"}),
		promptTokens: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "samara_prompt_tokens_total", Help: "Tokens read.",
		}),
		completionTokens: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "samara_completion_tokens_total", Help: "Tokens written.",
		}),
		firstToken: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "samara_first_token_seconds", Help: "Time until the first token, loading included.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}),
	}
	return m, errors.Join(r.Register(m.generations), r.Register(m.promptTokens),
		r.Register(m.completionTokens), r.Register(m.firstToken))
}

// generate calls the Generator, counts, and names errors as OpenAI does.
func (d *Dialect) generate(c echo.Context, model string, lr loader.Request, emit func(loader.Chunk) error) (loader.Result, error) {
	start, first := time.Now(), true
	result, err := d.generator.Generate(c.Request().Context(), model, lr, func(chunk loader.Chunk) error {
		if first {
			first = false
			d.metrics.firstToken.Observe(time.Since(start).Seconds())
		}
		return emit(chunk)
	})
	d.metrics.promptTokens.Add(float64(result.Usage.PromptTokens))
	d.metrics.completionTokens.Add(float64(result.Usage.CompletionTokens))
	d.metrics.generations.WithLabelValues(outcome(c.Request().Context(), result, err)).Inc()
	return result, fromGenerator(model, err)
}

func outcome(ctx context.Context, r loader.Result, err error) string {
	switch {
	case err == nil:
		return r.FinishReason
	case ctx.Err() != nil:
		return client.CodeCanceled
	}
	return "error"
}
