package arch

// ministral3 is Mistral whose queries grow with the position, so that attention
// stays sharp far beyond the context of its training.
var ministral3Family = family{
	name:   "ministral3",
	models: "Ministral 3",
	hub:    []string{"Ministral3ForCausalLM", "ministral3"},
	fromHub: func(k *keys, c *Config) {
		c.Head = k.integer("head_dim", 128)
		c.Epsilon = float32(k.number("rms_norm_eps", 1e-5))
		hubWindows(k, c, k.integer("sliding_window", 0), always)
	},
	load: loadLlama,
}
