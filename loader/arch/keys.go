package arch

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// keys reads numbers and words by key: from the metadata of a GGUF file or
// from config.json. The first error sticks. It remembers what was read, so that
// a key nobody asked about can be refused.
type keys struct {
	md     map[string]any
	where  string // "metadata" or "config.json"
	prefix string // before every key
	read   map[string]bool
	err    *error // shared with the keys of nested objects
}

func newKeys(md map[string]any, where, prefix string) *keys {
	return &keys{md: md, where: where, prefix: prefix, read: map[string]bool{}, err: new(error)}
}

// get looks a key up; null in JSON is nothing.
func (k *keys) get(key string) any {
	k.read[k.prefix+key] = true
	return k.md[k.prefix+key]
}

// fail keeps the first error about a key.
func (k *keys) fail(key string, got any, want string) {
	if *k.err == nil {
		if got == nil {
			got = "nothing"
		}
		*k.err = fmt.Errorf("%s: %s%s: got %.40v, want %s", k.where, k.prefix, key, got, want)
	}
}

// integer reads a whole number; an absent key gives or, or an error where or
// is negative. A list of equal numbers counts as that number.
func (k *keys) integer(key string, or int) int {
	v := k.get(key)
	if v == nil {
		if or < 0 {
			k.fail(key, v, "a whole number")
		}
		return or
	}
	n, ok := wholeNumber(v)
	if !ok {
		k.fail(key, v, "a whole number")
	}
	return n
}

// number reads a floating-point number; absent keys as in integer.
func (k *keys) number(key string, or float64) float64 {
	v := k.get(key)
	f, ok := floating(v)
	switch {
	case v == nil && or >= 0:
		return or
	case v == nil || !ok:
		k.fail(key, v, "a number")
		return or
	}
	return f
}

// text reads a string.
func (k *keys) text(key, or string) string {
	switch v := k.get(key).(type) {
	case string:
		return v
	case nil:
		return or
	default:
		k.fail(key, v, "text")
		return or
	}
}

// flag reads a truth value.
func (k *keys) flag(key string, or bool) bool {
	switch v := k.get(key).(type) {
	case bool:
		return v
	case nil:
		return or
	default:
		k.fail(key, v, "true or false")
		return or
	}
}

// list reads a list; nil where the key is absent.
func (k *keys) list(key string) []any {
	switch v := k.get(key).(type) {
	case []any:
		return v
	case []bool:
		return anySlice(v)
	case []int32:
		return anySlice(v)
	case []uint32:
		return anySlice(v)
	case []float32:
		return anySlice(v)
	case nil:
		return nil
	default:
		k.fail(key, v, "a list")
		return nil
	}
}

func anySlice[T any](v []T) []any {
	out := make([]any, len(v))
	for i := range v {
		out[i] = v[i]
	}
	return out
}

// floats reads a list of numbers.
func (k *keys) floats(key string) []float32 {
	var out []float32
	for _, v := range k.list(key) {
		f, ok := floating(v)
		if !ok {
			k.fail(key, v, "a list of numbers")
		}
		out = append(out, float32(f))
	}
	return out
}

// object reads a nested object; nil where the key is absent.
func (k *keys) object(key string) *keys {
	if k == nil {
		return nil
	}
	switch v := k.get(key).(type) {
	case map[string]any:
		return &keys{md: v, where: k.where + ": " + key, read: map[string]bool{}, err: k.err}
	case nil:
		return nil
	default:
		k.fail(key, v, "an object")
		return nil
	}
}

// want refuses a whole number other than value; an absent key passes.
func (k *keys) want(key string, value int) {
	if got := k.integer(key, value); got != value {
		k.fail(key, got, fmt.Sprint(value))
	}
}

// unread refuses a key with the prefix that nobody has read and that is not
// known to change nothing.
func (k *keys) unread(harmless ...string) {
	for _, key := range slices.Sorted(maps.Keys(k.md)) {
		name, ours := strings.CutPrefix(key, k.prefix)
		if ours && k.md[key] != nil && !k.read[key] && !slices.Contains(harmless, name) {
			k.fail(name, k.md[key], "no such key: what it asks for is not implemented")
		}
	}
}

func wholeNumber(v any) (int, bool) {
	switch v := v.(type) {
	case json.Number:
		n, err := v.Int64()
		return int(n & math.MaxInt32), err == nil && n >= 0 && n <= math.MaxInt32
	case int:
		return v, v >= 0
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

func floating(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	case float32:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}
