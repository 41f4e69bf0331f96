package arch

import (
	"slices"

	"samara/loader/weights"
)

// FromGGUF reads the config of a GGUF file from its metadata. It fails where a
// key is missing, has another type or asks for what is not computed here: a
// key of the architecture that its family does not read is refused.
func FromGGUF(h *weights.Header) (Config, error) {
	arch, _ := h.Metadata["general.architecture"].(string)
	f, err := find(arch, ggufNames)
	if err != nil {
		return Config{}, err
	}
	k := newKeys(h.Metadata, "metadata", arch+".")
	c := Config{
		Architecture: f.name,
		Layers:       k.integer("block_count", -1),
		Dim:          k.integer("embedding_length", -1),
		FFN:          k.integer("feed_forward_length", -1),
		Heads:        k.integer("attention.head_count", -1),
		Context:      k.integer("context_length", 0),
		Epsilon:      float32(k.number("attention.layer_norm_rms_epsilon", -1)),
	}
	k.keyHeads(&c)
	if c.Heads > 0 {
		c.Head = k.integer("attention.key_length", c.Dim/c.Heads)
	}
	k.want("attention.value_length", c.Head)
	if embed, ok := h.Tensors["token_embd.weight"]; ok && len(embed.Shape) == 2 {
		c.Vocab = embed.Shape[0]
	}
	_, output := h.Tensors["output.weight"]
	c.Tied = !output
	c.Rope = ggufRope(k, c.Head)
	if err := c.countable(*k.err); err != nil {
		return Config{}, err
	}
	f.fromGGUF(k, &c)
	k.unread("vocab_size")
	if *k.err != nil {
		return Config{}, *k.err
	}
	return c, c.check()
}

// keyHeads reads the key-value heads: a number, or one for each layer, 0 where it
// convolves.
func (k *keys) keyHeads(c *Config) {
	list, ok := k.get("attention.head_count_kv").([]int32)
	if most := slices.Max(append(list, 0)); ok && slices.Contains(list, 0) && most > 0 {
		for _, n := range list {
			if n != 0 && n != most {
				k.fail("attention.head_count_kv", list, "one number or 0 for each layer")
			}
			c.Convs = append(c.Convs, n == 0)
		}
		c.KVHeads = int(most)
		return
	}
	c.KVHeads = k.integer("attention.head_count_kv", c.Heads)
}

// ggufRope reads the rotary part. The kind "llama3" is not among the keys: such
// a file carries divisors of the frequencies as a tensor.
func ggufRope(k *keys, head int) RopeConfig {
	r := RopeConfig{Base: k.number("rope.freq_base", 10000), Linear: 1}
	if dims := k.integer("rope.dimension_count", head); dims != head {
		r.Dims = dims
	}
	switch kind := k.text("rope.scaling.type", "none"); kind {
	case "none":
		k.get("rope.scaling.original_context_length")
	case "linear":
		r.Linear = k.number("rope.scaling.factor", 1)
	case "yarn":
		y := YarnScaling{
			Factor:          k.number("rope.scaling.factor", -1),
			OriginalContext: float64(k.integer("rope.scaling.original_context_length", -1)),
			BetaFast:        k.number("rope.scaling.yarn_beta_fast", 32),
			BetaSlow:        k.number("rope.scaling.yarn_beta_slow", 1),
		}
		if y.Factor == 0 {
			k.fail("rope.scaling.factor", 0, "a factor from 1 on")
		}
		y.Magnitude = k.number("rope.scaling.attn_factor", 1) * yarnMagnitude(y.Factor, 1)
		r.Yarn = y
	default:
		k.fail("rope.scaling.type", kind, "none, linear or yarn")
	}
	return r
}
