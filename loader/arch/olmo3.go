package arch

// olmo3 is OLMo 2 with three layers that have a window to one that has none;
// rope scaling is for the latter.
var olmo3Family = family{
	name:   "olmo3",
	models: "OLMo 3",
	hub:    []string{"Olmo3ForCausalLM", "olmo3"},
	fromHub: func(k *keys, c *Config) {
		c.Epsilon = float32(k.number("rms_norm_eps", 1e-5))
		c.QKVBias = k.flag("attention_bias", false)
		c.OutBias = c.QKVBias
		local := RopeConfig{Base: k.number("rope_theta", 500000), Linear: 1}
		if r := k.object("rope_parameters").object("sliding_attention"); r != nil {
			local = r.rope(local.Base, c.Head, k)
		} else if k.get("rope_theta") == nil {
			c.Rope.Base = local.Base
		}
		c.LocalRope = &local
		hubWindows(k, c, k.integer("sliding_window", 4096), func(i int) bool { return (i+1)%4 != 0 })
	},
	load: loadOlmo2,
}
