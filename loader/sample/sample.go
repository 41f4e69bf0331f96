// Package sample picks the next token from a model's logits and watches the
// produced text for stop strings.
//
//	s := sample.New(sample.Params{Temperature: 0.8, TopP: 0.95})
//	id := s.Next(logits)
//
// The order is llama.cpp's: penalties, top-k, top-p, min-p, temperature; each
// looks at what the one before left.
package sample

import (
	"math"
	"math/rand/v2"
)

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

// MaxPenaltyLastN bounds PenaltyLastN.
const MaxPenaltyLastN = 1 << 20

// A Sampler picks tokens for one sequence. It is not safe for concurrent use.
type Sampler struct {
	p    Params
	rng  *rand.Rand
	seen []int32 // the last tokens, a ring
	next int     // where in seen the next token goes
	full bool    // seen is full

	counts []int32     // [vocab], zero between calls
	cands  []candidate // [vocab]
}

// A candidate is a token that may be picked.
type candidate struct {
	id     int32
	logit  float32
	weight float64 // its probability times a constant, once pick has set it
}

// New returns a sampler; the same seed, logits and accepted tokens give the
// same picks.
func New(p Params) *Sampler {
	if p.PenaltyLastN <= 0 {
		p.PenaltyLastN = DefaultPenaltyLastN
	}
	seed := rand.Uint64() //nolint:gosec // no secret depends on it
	if p.Seed != nil {
		seed = *p.Seed
	}
	return &Sampler{
		p:    p,
		rng:  rand.New(rand.NewPCG(seed, 0x5A3A4A)), //nolint:gosec // no secret depends on it
		seen: make([]int32, min(p.PenaltyLastN, MaxPenaltyLastN)),
	}
}

// Accept tells the sampler about tokens it did not pick (the prompt); only
// penalties look at them.
func (s *Sampler) Accept(ids ...int32) {
	for _, id := range ids {
		s.seen[s.next] = id
		if s.next++; s.next == len(s.seen) {
			s.next, s.full = 0, true
		}
	}
}

// Next picks a token and remembers it. logits is [vocab] and is changed where
// there are penalties. Of equal logits the lower id comes first; a logit that
// is not a number is never picked unless all are. Next allocates only when
// vocab grows.
func (s *Sampler) Next(logits []float32) int32 {
	s.penalize(logits)
	id := int32(0)
	if s.p.Temperature > 0 {
		id = s.draw(logits)
	} else {
		id = likeliest(logits)
	}
	s.Accept(id)
	return id
}

// likeliest returns the first index of the largest number.
func likeliest(logits []float32) int32 {
	best, at := float32(math.Inf(-1)), 0
	for i, l := range logits {
		if l > best {
			best, at = l, i
		}
	}
	return int32(at) //nolint:gosec // a token id
}

// penalize lowers the logits of seen tokens.
func (s *Sampler) penalize(logits []float32) {
	p := &s.p
	repeat := p.RepetitionPenalty
	if repeat <= 0 {
		repeat = 1
	}
	if repeat == 1 && p.PresencePenalty == 0 && p.FrequencyPenalty == 0 {
		return
	}
	if len(s.counts) < len(logits) {
		s.counts = make([]int32, len(logits))
	}
	seen := s.seen
	if !s.full {
		seen = seen[:s.next]
	}
	for _, id := range seen {
		if id >= 0 && int(id) < len(logits) {
			s.counts[id]++
		}
	}
	for _, id := range seen {
		if id < 0 || int(id) >= len(logits) || s.counts[id] == 0 {
			continue
		}
		l := logits[id]
		if l > 0 {
			l /= repeat
		} else {
			l *= repeat
		}
		logits[id] = l - p.PresencePenalty - p.FrequencyPenalty*float32(s.counts[id])
		s.counts[id] = 0
	}
}

// draw filters the candidates and picks one of the rest by its probability.
func (s *Sampler) draw(logits []float32) int32 {
	c := s.candidates(logits)
	if len(c) == 0 {
		return likeliest(logits)
	}
	if k := s.p.TopK; k > 0 && k < len(c) {
		selectTop(c, k)
		c = c[:k]
	}
	most := maxLogit(c)
	if p := s.p.TopP; p > 0 && p < 1 {
		c = topP(c, most, float64(p))
	}
	if p := s.p.MinP; p > 0 {
		c = atLeast(c, most+float32(math.Log(float64(min(p, 1)))))
	}
	return s.pick(c, most)
}

// candidates lists every token that has a chance, in order of id.
func (s *Sampler) candidates(logits []float32) []candidate {
	if cap(s.cands) < len(logits) {
		s.cands = make([]candidate, 0, len(logits))
	}
	c := s.cands[:0]
	for i, l := range logits {
		switch {
		case math.IsInf(float64(l), 1):
			l = math.MaxFloat32
		case l != l || math.IsInf(float64(l), -1): //nolint:staticcheck // NaN
			continue
		}
		c = append(c, candidate{id: int32(i), logit: l}) //nolint:gosec // a token id
	}
	s.cands = c
	return c
}

func maxLogit(c []candidate) float32 {
	most := c[0].logit
	for _, x := range c {
		most = max(most, x.logit)
	}
	return most
}

// weight is a candidate's probability times a constant.
func weight(l, most float32) float64 { return math.Exp(float64(l) - float64(most)) }

// topP keeps the likeliest candidates whose probabilities add up to p.
func topP(c []candidate, most float32, p float64) []candidate {
	total := 0.0
	for _, x := range c {
		total += weight(x.logit, most)
	}
	for k := min(64, len(c)); ; k = min(4*k, len(c)) {
		selectTop(c, k)
		sum := 0.0
		for i, x := range c[:k] {
			if sum += weight(x.logit, most); sum >= p*total {
				return c[:i+1]
			}
		}
		if k == len(c) {
			return c // rounding kept the sum below p
		}
	}
}

// atLeast keeps the candidates with a logit of least or more.
func atLeast(c []candidate, least float32) []candidate {
	kept := c[:0]
	for _, x := range c {
		if x.logit >= least {
			kept = append(kept, x)
		}
	}
	return kept
}

// pick draws one candidate, softmax at the temperature.
func (s *Sampler) pick(c []candidate, most float32) int32 {
	t := float64(s.p.Temperature)
	total := 0.0
	for i, x := range c {
		c[i].weight = math.Exp((float64(x.logit) - float64(most)) / t)
		total += c[i].weight
	}
	left := s.rng.Float64() * total
	for _, x := range c {
		if left -= x.weight; left < 0 {
			return x.id
		}
	}
	return c[len(c)-1].id // rounding
}
