package arch

import (
	"math"
	"slices"
)

// A SigmoidRouter says how tokens choose experts by sigmoids (arXiv:2412.19437):
// among the ActiveGroups groups whose two best are best.
type SigmoidRouter struct {
	Groups, ActiveGroups int     // Groups divides the experts
	Scale                float32 // of the chosen experts' weights
	Shared               int     // experts that every token goes to
}

// check refuses numbers that do not fit n experts.
func (r *SigmoidRouter) check(n int) bool {
	return r == nil || r.Groups > 0 && n%r.Groups == 0 && r.ActiveGroups > 0 && r.ActiveGroups <= r.Groups &&
		r.Shared > 0 && r.Shared <= MaxExperts && r.Scale > 0 && !math.IsInf(float64(r.Scale), 0)
}

// routeSigmoid chooses the experts of each token by the sigmoids of their
// scores plus a correction, weighted without it.
func (p *pass) routeSigmoid(router *linear, correction, from []float32) {
	c, r := &p.cfg, &p.routes
	p.multiply(from, product{router, r.scores})
	for t := range p.t {
		scores := r.scores[t*c.Experts : (t+1)*c.Experts]
		expert := r.expert[t*c.ActiveExperts : (t+1)*c.ActiveExperts]
		weight := r.weight[t*c.ActiveExperts : (t+1)*c.ActiveExperts]
		for e := range scores {
			scores[e] = sigmoid(scores[e])
			r.choice[e] = scores[e] + correction[e]
		}
		c.Sigmoid.keepGroups(r.choice, r.groups)
		sum := float32(1e-20) // as the models were trained
		for j := range expert {
			best := slices.Index(r.choice, slices.Max(r.choice))
			r.choice[best] = float32(math.Inf(-1))
			expert[j], weight[j] = best, scores[best]
			sum += scores[best]
		}
		for j := range weight {
			if c.NormExperts {
				weight[j] /= sum
			}
			weight[j] *= c.Sigmoid.Scale
		}
	}
}

// keepGroups takes the experts of all but the best groups out of the choice.
// best is memory for a number per group.
func (r *SigmoidRouter) keepGroups(choice, best []float32) {
	if r.Groups == r.ActiveGroups {
		return
	}
	size := len(choice) / r.Groups
	for g := range best {
		first, second := float32(math.Inf(-1)), float32(math.Inf(-1))
		for _, v := range choice[g*size : (g+1)*size] {
			first, second = max(first, v), max(second, min(first, v))
		}
		best[g] = first + second
	}
	for range r.Groups - r.ActiveGroups {
		worst := slices.Index(best, slices.Min(best))
		best[worst] = float32(math.Inf(1))
		for e := worst * size; e < (worst+1)*size; e++ {
			choice[e] = float32(math.Inf(-1))
		}
	}
}
