package arch

// mistral is Llama whose layers may look back through a window
// (arXiv:2310.06825): Mistral 7B, Nemo and Small.
var mistralFamily = family{
	name:   "mistral",
	models: "Mistral 7B, Nemo, Small",
	hub:    []string{"MistralForCausalLM", "mistral"},
	fromHub: func(k *keys, c *Config) {
		hubWindows(k, c, k.integer("sliding_window", 0), always)
	},
	load: loadLlama,
}
