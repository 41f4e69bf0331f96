package arch

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
)

// FromHub reads config.json. It fails where it is not JSON, or asks for what
// is not computed here.
func FromHub(configJSON []byte) (Config, error) {
	md := map[string]any{}
	dec := json.NewDecoder(bytes.NewReader(configJSON))
	dec.UseNumber()
	if err := dec.Decode(&md); err != nil {
		return Config{}, fmt.Errorf("config.json: %w", err)
	}
	k := newKeys(md, "config.json", "")
	name := k.text("model_type", "")
	if l := k.list("architectures"); len(l) > 0 {
		name, _ = l[0].(string)
	}
	if text := k.object("text_config"); text != nil {
		// A model that also sees or hears: its text model reads text alone.
		if _, own := text.md["tie_word_embeddings"]; !own {
			text.md["tie_word_embeddings"] = k.md["tie_word_embeddings"]
		}
		k, name = text, text.text("model_type", "")
	}
	f, err := find(name, hubNames)
	if err != nil {
		return Config{}, fmt.Errorf("config.json: %w", err)
	}
	for key, v := range f.defaults {
		if _, given := k.md[key]; !given {
			k.md[key] = v
		}
	}
	c := hubCommon(k)
	c.Architecture = f.name
	if err := c.countable(*k.err); err != nil {
		return Config{}, err
	}
	f.fromHub(k, &c)
	k.unreadHub()
	if *k.err != nil {
		return Config{}, *k.err
	}
	return c, c.check()
}

// hubCommon reads what every config has.
func hubCommon(k *keys) Config {
	c := Config{
		Layers:  k.integer("num_hidden_layers", -1),
		Dim:     k.integer("hidden_size", -1),
		FFN:     k.integer("intermediate_size", -1),
		Heads:   k.integer("num_attention_heads", -1),
		Vocab:   k.integer("vocab_size", -1),
		Context: k.integer("max_position_embeddings", 0),
		Epsilon: float32(k.number("rms_norm_eps", 1e-6)),
		Tied:    k.flag("tie_word_embeddings", false),
	}
	c.KVHeads = k.integer("num_key_value_heads", c.Heads)
	if c.Heads > 0 {
		c.Head = k.integer("head_dim", c.Dim/c.Heads)
	}
	c.Rope = hubRope(k, c.Head)
	return c
}

// neutral holds the keys that change what a model computes, and the values with
// which they change nothing. A family reads those that it implements; any other
// value of the rest is refused by name.
var neutral = map[string][]any{
	"hidden_act":                  {"silu"},
	"hidden_activation":           {"silu"},
	"attention_bias":              {false},
	"mlp_bias":                    {false},
	"use_bias":                    {false},
	"sliding_window":              {},
	"use_sliding_window":          {false},
	"layer_types":                 {},
	"no_rope_layers":              {},
	"use_qk_norm":                 {false},
	"qk_layernorm":                {false},
	"clip_qkv":                    {},
	"attn_logit_softcapping":      {},
	"final_logit_softcapping":     {},
	"query_pre_attn_scalar":       {},
	"embedding_multiplier":        {1.0},
	"residual_multiplier":         {1.0},
	"attention_multiplier":        {1.0},
	"logits_scaling":              {1.0},
	"logit_scale":                 {1.0},
	"num_experts":                 {},
	"num_local_experts":           {},
	"n_routed_experts":            {},
	"kv_lora_rank":                {},
	"use_bidirectional_attention": {false},
	"parallel_attn":               {false},
	"position_embedding_type":     {"rope"},
	"cross_attention_layers":      {},
	"text_config":                 {},
}

// unreadHub refuses a key that changes the model and that nobody has read.
func (k *keys) unreadHub() {
	for _, key := range slices.Sorted(maps.Keys(neutral)) {
		v := k.md[key]
		if v == nil || k.read[key] || slices.ContainsFunc(neutral[key], func(n any) bool { return equal(v, n) }) {
			continue
		}
		want := "no such key"
		if len(neutral[key]) > 0 {
			want = fmt.Sprint(neutral[key][0])
		}
		k.fail(key, v, want+": what it asks for is not implemented")
	}
}

// equal compares a value of JSON with a Go value.
func equal(v, n any) bool {
	if f, ok := n.(float64); ok {
		got, isNumber := floating(v)
		return isNumber && got == f
	}
	return v == n
}

// hubRope reads the rotary part: rope_parameters as transformers 5 writes it,
// or rope_theta and rope_scaling.
func hubRope(k *keys, head int) RopeConfig {
	base := k.number("rope_theta", 10000)
	scaling, parameters := k.object("rope_scaling"), k.object("rope_parameters")
	if parameters != nil {
		scaling = parameters
	}
	if full := scaling.object("full_attention"); full != nil {
		scaling = full // a family with several reads the others
	}
	return scaling.rope(base, head, k)
}

// rope reads one object that describes angles; top is the whole config.
func (k *keys) rope(base float64, head int, top *keys) RopeConfig {
	r := RopeConfig{Base: base, Linear: 1}
	part := top.number("partial_rotary_factor", 1)
	if k != nil {
		part = k.number("partial_rotary_factor", part)
	}
	if part != 1 {
		r.Dims = int(part * float64(head))
	}
	if k == nil {
		return r
	}
	r.Base = k.number("rope_theta", base)
	original := func() float64 {
		n := k.number("original_max_position_embeddings", 0)
		if n == 0 {
			n = top.number("original_max_position_embeddings", 0)
		}
		if n == 0 {
			n = top.number("max_position_embeddings", 0)
		}
		return n
	}
	switch kind := k.text("rope_type", k.text("type", "default")); kind {
	case "default":
		k.get("original_max_position_embeddings")
	case "linear":
		r.Linear = k.number("factor", 0)
	case "llama3":
		r.Llama3 = Llama3Scaling{
			Factor: k.number("factor", -1), LowFreq: k.number("low_freq_factor", -1),
			HighFreq: k.number("high_freq_factor", -1), OriginalContext: original(),
		}
		k.wantFactor(r.Llama3.Factor)
	case "yarn":
		r.Yarn = k.yarn(original(), top)
		k.wantFactor(r.Yarn.Factor)
	case "longrope", "su":
		r.Long = k.longrope(original(), top)
	default:
		k.fail("rope_type", kind, "default, linear, llama3, yarn or longrope")
	}
	if r.QueryBeta = k.number("llama_4_scaling_beta", 0); r.QueryBeta != 0 {
		r.QueryContext = original()
	}
	k.get("type")
	// With text alone, the positions that mrope tells apart are one.
	k.unread("max_position_embeddings", "mrope_section", "mrope_interleaved")
	return r
}

// wantFactor refuses a factor of 0, which would be no scaling.
func (k *keys) wantFactor(factor float64) {
	if factor == 0 {
		k.fail("factor", factor, "a factor from 1 on")
	}
}

// yarn reads what YaRN needs; the defaults are those of transformers.
func (k *keys) yarn(original float64, top *keys) YarnScaling {
	y := YarnScaling{
		Factor: k.number("factor", 0), OriginalContext: original,
		BetaFast: k.number("beta_fast", 32), BetaSlow: k.number("beta_slow", 1),
		Exact: !k.flag("truncate", true),
	}
	if y.Factor == 0 {
		y.Factor = top.number("max_position_embeddings", 0) / original
	}
	all, one := k.number("mscale_all_dim", 0), k.number("mscale", 0)
	switch given := k.number("attention_factor", 0); {
	case given != 0:
		y.Magnitude = given
	case all != 0 && one != 0:
		y.Magnitude = yarnMagnitude(y.Factor, one) / yarnMagnitude(y.Factor, all)
	default:
		y.Magnitude = yarnMagnitude(y.Factor, 1)
	}
	return y
}

// longrope reads what LongRoPE needs; the defaults are those of transformers.
func (k *keys) longrope(original float64, top *keys) *LongScaling {
	l := &LongScaling{
		Short: k.floats("short_factor"), Long: k.floats("long_factor"),
		OriginalContext: int(min(original, MaxContext)), Magnitude: k.number("attention_factor", 0),
	}
	factor := k.number("factor", 0)
	if factor == 0 {
		factor = top.number("max_position_embeddings", 0) / original
	}
	if l.Magnitude == 0 {
		l.Magnitude = longMagnitude(factor, original)
	}
	return l
}

// longMagnitude is the usual magnitude of LongRoPE.
func longMagnitude(factor, original float64) float64 {
	if factor <= 1 {
		return 1
	}
	return math.Sqrt(1 + math.Log(factor)/math.Log(original))
}

// hubWindows reads how far each layer looks back: sliding_window positions in
// the layers that layer_types calls sliding, or, without layer_types, where
// slides says so.
func hubWindows(k *keys, c *Config, window int, slides func(layer int) bool) {
	kinds := k.list("layer_types")
	if kinds != nil && len(kinds) != c.Layers {
		k.fail("layer_types", len(kinds), fmt.Sprintf("one for each of %d layers", c.Layers))
		return
	}
	if window == 0 && kinds == nil {
		return
	}
	c.Windows = make([]int, c.Layers)
	for i := range c.Windows {
		sliding := kinds == nil && slides(i)
		if kinds != nil {
			switch kinds[i] {
			case "full_attention":
			case "sliding_attention":
				sliding = true
			default:
				k.fail("layer_types", kinds[i], "full_attention or sliding_attention")
			}
		}
		if sliding {
			c.Windows[i] = window
		}
		if sliding && window == 0 {
			k.fail("sliding_window", nil, "a number: there are sliding layers")
		}
	}
}

// always is for layers that are all alike.
func always(int) bool { return true }
