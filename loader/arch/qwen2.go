package arch

// qwen2 is Llama with a bias on queries, keys and values (arXiv:2407.10671):
// Qwen2 and Qwen2.5. The layers from max_window_layers on may look back through
// a window.
var qwen2Family = family{
	name:   "qwen2",
	models: "Qwen2, Qwen2.5",
	hub:    []string{"Qwen2ForCausalLM", "qwen2"},
	gguf:   []string{"qwen2"},
	fromHub: func(k *keys, c *Config) {
		c.QKVBias = true
		qwenWindows(k, c)
	},
	fromGGUF: func(_ *keys, c *Config) { c.QKVBias = true },
	load:     loadLlama,
}

// qwenWindows reads windows that a flag of their own turns on.
func qwenWindows(k *keys, c *Config) {
	window, first := k.integer("sliding_window", 0), k.integer("max_window_layers", c.Layers)
	if !k.flag("use_sliding_window", false) {
		window = 0
	}
	hubWindows(k, c, window, func(i int) bool { return i >= first })
}
