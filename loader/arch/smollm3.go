package arch

// smollm3 is Llama in which every fourth layer does not rotate
// (arXiv:2501.18795, NoPE).
var smollm3Family = family{
	name:   "smollm3",
	models: "SmolLM3",
	hub:    []string{"SmolLM3ForCausalLM", "smollm3"},
	gguf:   []string{"smollm3"},
	fromHub: func(k *keys, c *Config) {
		c.QKVBias = k.flag("attention_bias", false)
		c.OutBias = c.QKVBias
		c.FFNBias = k.flag("mlp_bias", false)
		window := k.integer("sliding_window", 0)
		if !k.flag("use_sliding_window", false) {
			window = 0
		}
		c.everyFourth(k.integer("no_rope_layer_interval", 4))
		if rotates := k.list("no_rope_layers"); rotates != nil { // 1 where a layer does
			c.NoRope = nil
			for _, v := range rotates {
				n, ok := wholeNumber(v)
				if !ok {
					k.fail("no_rope_layers", v, "0 or 1 for each layer")
				}
				c.NoRope = append(c.NoRope, n == 0)
			}
		}
		hubWindows(k, c, window, func(i int) bool { return i < len(c.NoRope) && c.NoRope[i] })
	},
	fromGGUF: func(_ *keys, c *Config) { c.everyFourth(4) },
	load:     loadLlama,
}

// everyFourth turns the rotation off in every interval-th layer.
func (c *Config) everyFourth(interval int) {
	if interval < 1 {
		return
	}
	c.NoRope = make([]bool, c.Layers)
	for i := interval - 1; i < c.Layers; i += interval {
		c.NoRope[i] = true
	}
}
