package arch

import "samara/loader/kernels"

// routes says which experts the tokens of a pass go to, and holds what one
// expert reads and writes.
type routes struct {
	scores []float32 // [T][experts]
	choice []float32 // [experts] what one token chooses by
	groups []float32 // [groups]
	expert []int     // [T][active]
	weight []float32 // [T][active] what an expert's result counts
	rows   []int     // [T] tokens of the expert that is being computed
	share  []float32 // [T] its weight for each of them
	from   []float32 // [T][dim] what goes into the experts
	in     []float32 // [T][dim] the vectors of the tokens of one expert
	both   []float32 // [T][2·expertffn] its gate and up in turn, where they are one matrix
	out    []float32 // [T][dim] its results
}

func (r *routes) fit(c *Config, t int) {
	r.scores = resize(r.scores, t*c.Experts)
	if c.Sigmoid != nil {
		r.choice, r.groups = resize(r.choice, c.Experts), resize(r.groups, c.Sigmoid.Groups)
	}
	r.weight = resize(r.weight, t*c.ActiveExperts)
	r.share = resize(r.share, t)
	r.in = resize(r.in, t*c.Dim)
	r.out = resize(r.out, t*c.Dim)
	r.both = resize(r.both, t*2*c.ExpertFFN)
	if cap(r.expert) < t*c.ActiveExperts {
		r.expert = make([]int, t*c.ActiveExperts)
		r.rows = make([]int, t)
	}
	r.expert = r.expert[:t*c.ActiveExperts]
}

// route chooses the experts of each token: those with the highest scores,
// weighted by the softmax of all scores, or of theirs alone where the config
// says so.
func (p *pass) route(router *linear, from []float32) {
	c, r := &p.cfg, &p.routes
	p.multiply(from, product{router, r.scores})
	for t := range p.t {
		scores := r.scores[t*c.Experts : (t+1)*c.Experts]
		expert := r.expert[t*c.ActiveExperts : (t+1)*c.ActiveExperts]
		weight := r.weight[t*c.ActiveExperts : (t+1)*c.ActiveExperts]
		kernels.Softmax(scores)
		var sum float32
		for j := range expert {
			best := 0
			for e, s := range scores {
				if s > scores[best] {
					best = e
				}
			}
			expert[j], weight[j] = best, scores[best]
			sum += scores[best]
			scores[best] = -1
		}
		if c.NormExperts {
			kernels.Scale(weight, 1/sum)
		}
	}
}

// mix computes h = Σ weight · down(act(gate(from)) · up(from)) over the
// experts that the tokens are routed to. The weights of the others are not
// read. Where up is nil, the rows of gate are those of gate and up in turn.
func (p *pass) mix(from []float32, gate, up, down experts) {
	c, r := &p.cfg, &p.routes
	r.from = append(r.from[:0], from...)
	clear(p.h)
	tokens := p.t
	for e := range gate {
		n := r.gather(e, r.from, tokens, c)
		if n == 0 {
			continue
		}
		p.t = n
		if up == nil {
			p.multiply(r.in, product{&gate[e], r.both})
			for i := range n * c.ExpertFFN {
				p.gate[i], p.up[i] = r.both[2*i], r.both[2*i+1]
			}
		} else {
			p.multiply(r.in, product{&gate[e], p.gate}, product{&up[e], p.up})
		}
		p.gated = kernels.Gated{Act: c.Act, Limit: c.ActLimit, Gate: p.gate[:n*c.ExpertFFN], Up: p.up[:n*c.ExpertFFN]}
		p.gated.Run(p.pool)
		p.multiply(p.gate, product{&down[e], r.out})
		for i, t := range r.rows[:n] {
			kernels.Axpy(p.h[t*c.Dim:], r.share[i], r.out[i*c.Dim:(i+1)*c.Dim])
		}
	}
	p.t = tokens
}

// gather collects the tokens that go to expert e and returns how many they are.
func (r *routes) gather(e int, from []float32, tokens int, c *Config) int {
	n := 0
	for t := range tokens {
		for j, chosen := range r.expert[t*c.ActiveExperts : (t+1)*c.ActiveExperts] {
			if chosen == e {
				r.rows[n], r.share[n] = t, r.weight[t*c.ActiveExperts+j]
				copy(r.in[n*c.Dim:(n+1)*c.Dim], from[t*c.Dim:(t+1)*c.Dim])
				n++
			}
		}
	}
	return n
}
