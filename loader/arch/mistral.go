package arch

// mistral is Llama whose layers may look back through a window
// (arXiv:2310.06825): Mistral 7B, Nemo and Small.
var mistralFamily = family{
	name:   "mistral",
	models: "Mistral 7B, Nemo, Small",
	hub:    []string{"MistralForCausalLM", "mistral"},
	fromHub: func(k *keys, c *Config) {
		if pattern, ok := k.get("sliding_window").([]any); ok {
			c.Windows = k.windowPattern(pattern, c.Layers)
			return
		}
		hubWindows(k, c, k.integer("sliding_window", 0), always)
	},
	load: loadLlama,
}

// windowPattern repeats a list of windows, null for none, over the layers.
func (k *keys) windowPattern(pattern []any, layers int) []int {
	var windows []int
	for i := range layers {
		n, ok := 0, len(pattern) > 0
		if ok && pattern[i%len(pattern)] != nil {
			n, ok = wholeNumber(pattern[i%len(pattern)])
		}
		if !ok {
			k.fail("sliding_window", pattern, "a number, or a list of numbers and nulls")
			return nil
		}
		windows = append(windows, n)
	}
	return windows
}
