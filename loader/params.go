package loader

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"samara/loader/weights"
)

// paramsFile is the configuration of the consolidated layout.
const paramsFile = "params.json"

// A releaseParams is what params.json says: Mistral's keys, and Meta's, which
// has multiple_of.
type releaseParams struct {
	Dim     int      `json:"dim"`
	Layers  int      `json:"n_layers"`
	Head    int      `json:"head_dim"`
	FFN     int      `json:"hidden_dim"`
	Heads   int      `json:"n_heads"`
	KVHeads *int     `json:"n_kv_heads"`
	Epsilon *float64 `json:"norm_eps"`
	Vocab   int      `json:"vocab_size"`
	Theta   *float64 `json:"rope_theta"`
	Context *int     `json:"max_position_embeddings"`
	MaxSeq  *int     `json:"max_seq_len"`
	Tied    bool     `json:"tied_embeddings"`
	// Window is a number, a list of numbers and nulls, one per layer, or such a
	// list as text.
	Window json.RawMessage `json:"sliding_window"`
	MoE    *struct {
		Experts int `json:"num_experts"`
		Used    int `json:"num_experts_per_tok"`
	} `json:"moe"`
	Yarn *struct {
		Factor   float64  `json:"factor"`
		Original int      `json:"original_max_position_embeddings"`
		Beta     *float64 `json:"beta"`
		Alpha    *float64 `json:"alpha"`
		Apply    *bool    `json:"apply_scale"`
	} `json:"yarn"`

	MultipleOf *int     `json:"multiple_of"`
	Scaled     bool     `json:"use_scaled_rope"`
	Scale      *float64 `json:"rope_scaling_factor"`
}

// paramsKnown are the keys that releaseParams reads, and those that say nothing
// about the computation.
var paramsKnown = []string{
	"dim", "n_layers", "head_dim", "hidden_dim", "n_heads", "n_kv_heads", "norm_eps", "vocab_size", "rope_theta",
	"max_position_embeddings", "max_seq_len", "tied_embeddings", "sliding_window", "moe", "yarn",
	"multiple_of", "ffn_dim_multiplier", "use_scaled_rope", "rope_scaling_factor", "rope_high_freq_factor",
	"model_type", "max_batch_size", "use_biases", "causal", "quantization",
}

// Numbers that params.json leaves out.
const (
	mistralTheta  = 1e6   // where there is no sliding window
	windowTheta   = 1e4   // where there is one, and in Meta's files
	windowContext = 32768 // of Mistral 7B v0.1, the release with a window and no context
	scaledContext = 8192  // what Meta's scaled rope stretches
	scaledFactor  = 8
)

// paramsConfig is the config.json that the Hub would have for the release of h,
// so that every architecture reads one form.
func paramsConfig(params []byte, h *weights.Header) ([]byte, error) {
	var all map[string]json.RawMessage
	var p releaseParams
	if err := json.Unmarshal(params, &all); err != nil {
		return nil, &FormatError{File: paramsFile, Object: "file", Reason: err.Error()}
	}
	if err := json.Unmarshal(params, &p); err != nil {
		return nil, &FormatError{File: paramsFile, Object: "file", Reason: err.Error()}
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if v := string(all[key]); !slices.Contains(paramsKnown, key) && v != "null" && v != "false" {
			return nil, fmt.Errorf("%s: got %.40q, which is not implemented", paramsFile, key)
		}
	}
	c := map[string]any{
		"hidden_size": p.Dim, "num_hidden_layers": p.Layers, "num_attention_heads": p.Heads, "num_key_value_heads": p.Heads,
		"intermediate_size": p.FFN, "vocab_size": p.Vocab, "tie_word_embeddings": p.Tied,
		"rms_norm_eps": 1e-5, "hidden_act": "silu",
	}
	if p.KVHeads != nil {
		c["num_key_value_heads"] = *p.KVHeads
	}
	if p.Epsilon != nil {
		c["rms_norm_eps"] = *p.Epsilon
	}
	if p.Head > 0 {
		c["head_dim"] = p.Head
	}
	p.fromTensors(c, h)
	if err := p.attention(c); err != nil {
		return nil, err
	}
	p.family(c)
	return json.Marshal(c)
}

// fromTensors fills in what the tensors say better than Meta's numbers do: the
// feed-forward's width, which those round up to a multiple, and a vocabulary
// of -1.
func (p *releaseParams) fromTensors(c map[string]any, h *weights.Header) {
	if gate, ok := h.Tensors["model.layers.0.mlp.gate_proj.weight"]; ok && p.FFN == 0 && len(gate.Shape) == 2 {
		c["intermediate_size"] = gate.Shape[0]
	}
	if embed, ok := h.Tensors["model.embed_tokens.weight"]; ok && p.Vocab <= 0 && len(embed.Shape) == 2 {
		c["vocab_size"] = embed.Shape[0]
	}
}

// attention fills in the window, the context and the rotary part.
func (p *releaseParams) attention(c map[string]any) error {
	window := p.Window
	var text string
	if json.Unmarshal(window, &text) == nil {
		window = json.RawMessage(text) // null gives ""
	}
	hasWindow := len(window) > 0
	if hasWindow {
		if !json.Valid(window) {
			return &FormatError{File: paramsFile, Object: "sliding_window", Reason: fmt.Sprintf("got %.40q, want a number or a list", window)}
		}
		c["sliding_window"] = window
	}
	theta := mistralTheta
	if hasWindow || p.MultipleOf != nil {
		theta = windowTheta
	}
	if p.Theta != nil {
		theta = *p.Theta
	}
	c["rope_theta"] = theta
	switch {
	case p.Context != nil:
		c["max_position_embeddings"] = *p.Context
	case p.MaxSeq != nil:
		c["max_position_embeddings"] = *p.MaxSeq
	case hasWindow:
		c["max_position_embeddings"] = windowContext
	}
	if p.Scaled {
		factor := float64(scaledFactor)
		if p.Scale != nil {
			factor = *p.Scale
		}
		c["rope_scaling"] = map[string]any{
			"rope_type": "llama3", "factor": factor, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
			"original_max_position_embeddings": scaledContext,
		}
	}
	if y := p.Yarn; y != nil {
		scaling := map[string]any{"rope_type": "yarn", "factor": y.Factor, "original_max_position_embeddings": y.Original}
		if y.Beta != nil {
			scaling["beta_fast"] = *y.Beta
		}
		if y.Alpha != nil {
			scaling["beta_slow"] = *y.Alpha
		}
		if y.Apply != nil && !*y.Apply {
			scaling["attention_factor"] = 1.0
		}
		c["rope_scaling"] = scaling
	}
	return nil
}

// family names the architecture.
func (p *releaseParams) family(c map[string]any) {
	name, kind := "MistralForCausalLM", "mistral"
	switch {
	case p.MoE != nil:
		name, kind = "MixtralForCausalLM", "mixtral"
		c["num_local_experts"], c["num_experts_per_tok"] = p.MoE.Experts, p.MoE.Used
	case p.MultipleOf != nil:
		name, kind = "LlamaForCausalLM", "llama"
	}
	c["architectures"], c["model_type"] = []string{name}, kind
}
