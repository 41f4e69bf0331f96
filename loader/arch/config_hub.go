package arch

import (
	"encoding/json"
	"fmt"
)

// hubConfig is what config.json says.
type hubConfig struct {
	Architectures []string `json:"architectures"`
	ModelType     string   `json:"model_type"`
	Layers        int      `json:"num_hidden_layers"`
	Dim           int      `json:"hidden_size"`
	FFN           int      `json:"intermediate_size"`
	Heads         int      `json:"num_attention_heads"`
	KVHeads       *int     `json:"num_key_value_heads"`
	Head          *int     `json:"head_dim"`
	Vocab         int      `json:"vocab_size"`
	Context       int      `json:"max_position_embeddings"`
	Epsilon       *float32 `json:"rms_norm_eps"`
	Act           string   `json:"hidden_act"`
	Tied          *bool    `json:"tie_word_embeddings"`
	Window        *int     `json:"sliding_window"`

	RopeTheta *float64 `json:"rope_theta"`
	// Scaling is where files of transformers 4 keep it, Rope those of 5.
	Scaling *hubRope `json:"rope_scaling"`
	Rope    *hubRope `json:"rope_parameters"`
}

// hubRope is the rope part of config.json.
type hubRope struct {
	Kind    string   `json:"rope_type"`
	OldKind string   `json:"type"`
	Theta   *float64 `json:"rope_theta"`

	Factor          float64 `json:"factor"`
	LowFreq         float64 `json:"low_freq_factor"`
	HighFreq        float64 `json:"high_freq_factor"`
	OriginalContext float64 `json:"original_max_position_embeddings"`
}

// FromHub reads config.json. It fails where it is not JSON, or asks for what
// is not computed here.
func FromHub(configJSON []byte) (Config, error) {
	var h hubConfig
	if err := json.Unmarshal(configJSON, &h); err != nil {
		return Config{}, fmt.Errorf("config.json: %w", err)
	}
	name := h.ModelType
	if len(h.Architectures) > 0 {
		name = h.Architectures[0]
	}
	switch name {
	case "LlamaForCausalLM", "MistralForCausalLM", "llama", "mistral":
	default:
		return Config{}, fmt.Errorf("config.json: got architecture %.40q, want LlamaForCausalLM or MistralForCausalLM", name)
	}
	if h.Act != "" && h.Act != "silu" {
		return Config{}, fmt.Errorf("config.json: got hidden_act %.40q, want silu", h.Act)
	}
	if h.Window != nil && *h.Window < h.Context {
		return Config{}, fmt.Errorf("config.json: got a sliding window of %d below the context of %d, want none", *h.Window, h.Context)
	}
	c := Config{
		Architecture: "llama", Layers: h.Layers, Dim: h.Dim, FFN: h.FFN, Heads: h.Heads,
		Vocab: h.Vocab, Context: h.Context,
		KVHeads: or(h.KVHeads, h.Heads), Epsilon: or(h.Epsilon, 1e-6), Tied: or(h.Tied, false),
	}
	if h.Heads > 0 {
		c.Head = or(h.Head, h.Dim/h.Heads)
	}
	var err error
	if c.Rope, err = h.rope(); err != nil {
		return Config{}, err
	}
	return c, c.check()
}

// rope reads the rotary part, wherever it is.
func (h *hubConfig) rope() (RopeConfig, error) {
	r := RopeConfig{Base: or(h.RopeTheta, 10000), Linear: 1}
	s := h.Rope
	if s == nil {
		s = h.Scaling
	}
	if s == nil {
		return r, nil
	}
	r.Base = or(s.Theta, r.Base)
	kind := s.Kind
	if kind == "" {
		kind = s.OldKind
	}
	switch kind {
	case "", "default":
	case "linear":
		r.Linear = s.Factor
	case "llama3":
		r.Llama3 = Llama3Scaling{Factor: s.Factor, LowFreq: s.LowFreq, HighFreq: s.HighFreq, OriginalContext: s.OriginalContext}
		if !(s.Factor >= 1) || !(s.LowFreq > 0) || !(s.HighFreq > s.LowFreq) || !(s.OriginalContext > 0) {
			return r, fmt.Errorf("config.json: got rope scaling %+v, want a factor from 1 on and 0 < low < high", r.Llama3)
		}
	default:
		return r, fmt.Errorf("config.json: got rope type %.40q, want default, linear or llama3", kind)
	}
	return r, nil
}

// or is *p, or v where p is nil.
func or[T any](p *T, v T) T {
	if p == nil {
		return v
	}
	return *p
}
