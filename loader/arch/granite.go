package arch

// granite is Llama with four scales of its own: of the embedding, of what is
// added to the residual stream, of attention scores and of logits.
var graniteFamily = family{
	name:   "granite",
	models: "Granite 3",
	hub:    []string{"GraniteForCausalLM", "granite"},
	gguf:   []string{"granite"},
	fromHub: func(k *keys, c *Config) {
		c.EmbedScale = float32(k.number("embedding_multiplier", 1))
		c.ResidualScale = float32(k.number("residual_multiplier", 1))
		c.AttentionScale = float32(k.number("attention_multiplier", 1))
		c.LogitScale = float32(1 / k.number("logits_scaling", 1))
		c.QKVBias = k.flag("attention_bias", false)
		c.OutBias = c.QKVBias
		c.FFNBias = k.flag("mlp_bias", false)
	},
	fromGGUF: func(k *keys, c *Config) {
		c.EmbedScale = float32(k.number("embedding_scale", 0))
		c.ResidualScale = float32(k.number("residual_scale", 0))
		c.AttentionScale = float32(k.number("attention.scale", 0))
		c.LogitScale = float32(1 / k.number("logit_scale", 1))
	},
	load: loadLlama,
}
