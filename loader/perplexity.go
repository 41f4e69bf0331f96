package loader

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"samara/loader/tokenizer"
)

// evalRun is how many tokens are evaluated at a time where all logits are
// wanted: it bounds their memory.
const evalRun = 64

// A PerplexityResult says how well a model predicts a text.
type PerplexityResult struct {
	Tokens     int     `json:"tokens"`     // tokens that were scored
	NLL        float64 `json:"nll"`        // mean negative log-likelihood of a scored token, in nats
	Perplexity float64 `json:"perplexity"` // exp(NLL)
}

// Perplexity scores a text, tokenised whole without special tokens, in chunks
// that do not overlap. Each chunk is evaluated alone and has at most chunk
// tokens (0: the model's context), BOS included: where the tokenizer adds BOS,
// every chunk begins with it and all its tokens are scored; where it does not,
// the first token of a chunk has nothing before it and is not scored. progress,
// where not nil, is told the tokens done and the tokens in all.
func Perplexity(ctx context.Context, m Model, text string, chunk int, progress func(done, total int)) (res PerplexityResult, err error) {
	ids, err := m.Tokenizer().Encode(text, tokenizer.EncodeOptions{})
	if err != nil {
		return res, err
	}
	var head []int32
	if bos, ok := m.Tokenizer().BOS(); ok && m.Tokenizer().AddBOS() {
		head = []int32{bos}
	}
	var sum float64
	for done := 0; done < len(ids); {
		n, err := scoreChunk(ctx, m, head, ids[done:], chunk, &res.Tokens, &sum)
		if err != nil {
			return res, err
		}
		done += n
		if progress != nil {
			progress(done, len(ids))
		}
	}
	if res.Tokens == 0 {
		return res, &RequestError{Reason: fmt.Sprintf("got a text of %d tokens, want at least 2", len(ids))}
	}
	res.NLL = sum / float64(res.Tokens)
	res.Perplexity = math.Exp(res.NLL)
	return res, nil
}

// scoreChunk scores the next chunk of ids and returns how many it took.
func scoreChunk(ctx context.Context, m Model, head, ids []int32, chunk int, scored *int, sum *float64) (int, error) {
	s, err := m.NewSession(SessionOptions{Context: chunk})
	if err != nil {
		return 0, err
	}
	defer func() { _ = s.Close() }() // never fails
	taken := min(s.Limit()-len(head), len(ids))
	if s.Limit() < 2 {
		return 0, &RequestError{Reason: fmt.Sprintf("got chunks of %d tokens, want at least 2", s.Limit())}
	}
	seq := append(head[:len(head):len(head)], ids[:taken]...)
	for first := 0; first < len(seq); first += evalRun {
		run := seq[first:min(first+evalRun, len(seq))]
		logits, err := s.Eval(ctx, run, All)
		if err != nil {
			return 0, err
		}
		vocab := len(logits) / len(run)
		for i := range run {
			if next := first + i + 1; next < len(seq) {
				*sum += nll(logits[i*vocab:(i+1)*vocab], seq[next])
				*scored++
			}
		}
	}
	return taken, nil
}

// nll is the negative log-likelihood of id under logits, in nats.
func nll(logits []float32, id int32) float64 {
	top := logits[0]
	for _, v := range logits {
		top = max(top, v)
	}
	var sum float64
	for _, v := range logits {
		sum += math.Exp(float64(v - top))
	}
	return math.Log(sum) - float64(logits[id]-top)
}

// Logits writes the logits after each of ids to w: little-endian float32,
// [ids][vocab].
func Logits(ctx context.Context, m Model, ids []int32, w io.Writer) error {
	s, err := m.NewSession(SessionOptions{})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // never fails
	if len(ids) > s.Limit() {
		return &ContextError{Tokens: len(ids), Limit: s.Limit()}
	}
	for first := 0; first < len(ids); first += evalRun {
		logits, err := s.Eval(ctx, ids[first:min(first+evalRun, len(ids))], All)
		if err != nil {
			return err
		}
		if err := binary.Write(w, binary.LittleEndian, logits); err != nil {
			return fmt.Errorf("write logits: %w", err)
		}
	}
	return nil
}
