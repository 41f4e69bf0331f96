// Package sample picks the next token from a model's logits and watches the
// produced text for stop strings.
//
//	s := sample.New(sample.Params{Temperature: 0.8, TopP: 0.95})
//	id := s.Next(logits)
package sample

// Params say how to sample. The zero value is greedy.
type Params struct {
	Temperature       float32 // 0: always the likeliest token
	TopK              int     // keep the K likeliest; 0: all
	TopP              float32 // keep the smallest set with this probability; 0 or ≥ 1: all
	MinP              float32 // drop below MinP × the likeliest's probability; 0: none
	RepetitionPenalty float32 // divides (or multiplies) logits of seen tokens; 0 or 1: none
	PresencePenalty   float32 // subtracted once from a seen token's logit
	FrequencyPenalty  float32 // subtracted per occurrence
	PenaltyLastN      int     // tokens looked back at for penalties; 0: DefaultPenaltyLastN
	Seed              *uint64 // nil: a random one
}

// DefaultPenaltyLastN is how many tokens penalties look back at.
const DefaultPenaltyLastN = 64

// A Sampler picks tokens for one sequence. It is not safe for concurrent use.
type Sampler struct {
	p Params
}

// New returns a sampler; the same seed, logits and accepted tokens give the
// same picks.
func New(p Params) *Sampler { return &Sampler{p: p} }

// Accept tells the sampler about tokens it did not pick (the prompt); only
// penalties look at them.
func (s *Sampler) Accept(ids ...int32) {}

// Next picks a token and remembers it. logits is [vocab]; it may be changed.
func (s *Sampler) Next(logits []float32) int32 { return 0 }
