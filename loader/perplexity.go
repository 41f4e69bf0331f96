package loader

import (
	"context"
	"io"
)

// A PerplexityResult says how well a model predicts a text.
type PerplexityResult struct {
	Tokens     int     `json:"tokens"`     // tokens that were scored
	NLL        float64 `json:"nll"`        // mean negative log-likelihood of a scored token, in nats
	Perplexity float64 `json:"perplexity"` // exp(NLL)
}

// Perplexity scores text, read whole, in chunks of the given number of tokens
// (0 means the model's limit). progress, where not nil, is told the tokens done
// and the tokens in all.
func Perplexity(ctx context.Context, m Model, text string, chunk int, progress func(done, total int)) (PerplexityResult, error) {
	return PerplexityResult{}, errNoModel
}

// Logits writes the logits after each of ids to w, little-endian float32
// [ids][vocab].
func Logits(ctx context.Context, m Model, ids []int32, w io.Writer) error {
	return errNoModel
}
