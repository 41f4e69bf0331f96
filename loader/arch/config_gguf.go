package arch

import (
	"fmt"
	"math"

	"samara/loader/weights"
)

// FromGGUF reads the config of a GGUF file from its metadata. It fails where a
// key is missing, has another type or asks for what is not computed here.
func FromGGUF(h *weights.Header) (Config, error) {
	r := ggufKeys{md: h.Metadata}
	arch, _ := h.Metadata["general.architecture"].(string)
	if arch != "llama" {
		return Config{}, fmt.Errorf("got architecture %.40q, want llama", arch)
	}
	r.prefix = arch + "."
	c := Config{
		Architecture: arch,
		Layers:       r.integer("block_count", -1),
		Dim:          r.integer("embedding_length", -1),
		FFN:          r.integer("feed_forward_length", -1),
		Heads:        r.integer("attention.head_count", -1),
		Context:      r.integer("context_length", 0),
		Epsilon:      float32(r.number("attention.layer_norm_rms_epsilon", -1)),
		Rope:         RopeConfig{Base: r.number("rope.freq_base", 10000), Linear: 1},
	}
	c.KVHeads = r.integer("attention.head_count_kv", c.Heads)
	if c.Heads > 0 {
		c.Head = r.integer("attention.key_length", c.Dim/c.Heads)
	}
	if embed, ok := h.Tensors["token_embd.weight"]; ok && len(embed.Shape) == 2 {
		c.Vocab = embed.Shape[0]
	}
	for _, want := range []struct {
		key   string
		value int
	}{
		{"attention.value_length", c.Head},
		{"rope.dimension_count", c.Head},
		{"expert_count", 0},
	} {
		if got := r.integer(want.key, want.value); got != want.value && r.err == nil {
			r.err = fmt.Errorf("metadata %s: got %d, want %d", r.prefix+want.key, got, want.value)
		}
	}
	switch kind := r.text("rope.scaling.type", "none"); kind {
	case "none":
	case "linear":
		c.Rope.Linear = r.number("rope.scaling.factor", 1)
	default:
		return Config{}, fmt.Errorf("metadata rope.scaling.type: got %.40q, want none or linear", kind)
	}
	if r.err != nil {
		return Config{}, r.err
	}
	return c, c.check()
}

// ggufKeys reads metadata by key; the first error sticks.
type ggufKeys struct {
	md     map[string]any
	prefix string
	err    error
}

func (r *ggufKeys) fail(key string, v any, want string) {
	if r.err == nil {
		r.err = fmt.Errorf("metadata %s: got %.40v, want %s", r.prefix+key, v, want)
	}
}

// integer reads a whole number; an absent key gives or, or an error where or
// is negative. A list of equal numbers counts as that number.
func (r *ggufKeys) integer(key string, or int) int {
	v, ok := r.md[r.prefix+key]
	if !ok {
		if or < 0 {
			r.fail(key, "nothing", "a whole number")
		}
		return or
	}
	n, ok := wholeNumber(v)
	if !ok {
		r.fail(key, v, "a whole number")
	}
	return n
}

func wholeNumber(v any) (int, bool) {
	switch v := v.(type) {
	case uint8:
		return int(v), true
	case uint16:
		return int(v), true
	case uint32:
		return int(v), true
	case int32:
		return int(v), v >= 0
	case uint64:
		return int(v & math.MaxInt32), v <= math.MaxInt32
	case int64:
		return int(v & math.MaxInt32), v >= 0 && v <= math.MaxInt32
	case []int32:
		return same(v)
	case []uint32:
		return same(v)
	}
	return 0, false
}

// same is the number that a list repeats.
func same[T int32 | uint32](v []T) (int, bool) {
	if len(v) == 0 || v[0] < 0 {
		return 0, false
	}
	for _, n := range v {
		if n != v[0] {
			return 0, false
		}
	}
	return int(v[0]), true
}

// number reads a floating-point number; absent keys as in integer.
func (r *ggufKeys) number(key string, or float64) float64 {
	switch v := r.md[r.prefix+key].(type) {
	case float32:
		return float64(v)
	case float64:
		return v
	case nil:
		if or < 0 {
			r.fail(key, "nothing", "a number")
		}
		return or
	default:
		r.fail(key, v, "a number")
		return or
	}
}

// text reads a string.
func (r *ggufKeys) text(key, or string) string {
	switch v := r.md[r.prefix+key].(type) {
	case string:
		return v
	case nil:
		return or
	default:
		r.fail(key, v, "text")
		return or
	}
}
