package arch

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"samara/loader/weights"
)

func TestFromHub(t *testing.T) {
	got, err := FromHub([]byte(`{"architectures":["LlamaForCausalLM"],"hidden_size":64,"intermediate_size":96,
		"num_hidden_layers":2,"num_attention_heads":4,"vocab_size":100,"max_position_embeddings":512,
		"rms_norm_eps":1e-5,"rope_theta":500000,"tie_word_embeddings":true,
		"rope_scaling":{"type":"linear","factor":4}}`))
	want := Config{
		Architecture: "llama", Layers: 2, Dim: 64, FFN: 96, Heads: 4, KVHeads: 4, Head: 16, Vocab: 100,
		Context: 512, Epsilon: 1e-5, Rope: RopeConfig{Base: 500000, Linear: 4}, Tied: true,
	}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("got %v (-want +got):\n%s", err, d)
	}
}

// TestFromHubPattern repeats a list of windows over the layers, as Mistral's own
// releases have it.
func TestFromHubPattern(t *testing.T) {
	const base = `{"architectures":["MistralForCausalLM"],"hidden_size":64,"intermediate_size":96,
		"num_hidden_layers":5,"num_attention_heads":4,"vocab_size":100,"sliding_window":`
	got, err := FromHub([]byte(base + `[null,128,256]}`))
	if d := cmp.Diff([]int{0, 128, 256, 0, 128}, got.Windows); err != nil || d != "" {
		t.Errorf("got %v (-want +got):\n%s", err, d)
	}
	for _, bad := range []string{`[]`, `["x"]`, `[-1]`, `true`} {
		if _, err := FromHub([]byte(base + bad + "}")); err == nil || !strings.Contains(err.Error(), "sliding_window") {
			t.Errorf("%s: got %v", bad, err)
		}
	}
}

// TestFromHubText reads the config of Gemma 3 4B, which sees too and leaves out
// what its text model has by default.
func TestFromHubText(t *testing.T) {
	got, err := FromHub([]byte(`{"architectures":["Gemma3ForConditionalGeneration"],"model_type":"gemma3",
		"text_config":{"hidden_size":2560,"intermediate_size":10240,"model_type":"gemma3_text","num_hidden_layers":34,
		"rope_scaling":{"factor":8.0,"rope_type":"linear"},"sliding_window":1024},
		"vision_config":{"hidden_size":1152,"model_type":"siglip_vision_model"}}`))
	if err != nil {
		t.Fatal(err)
	}
	windows := 0
	for i, w := range got.Windows {
		if w == 1024 && i%6 != 5 {
			windows++
		}
	}
	if got.Heads != 8 || got.KVHeads != 4 || got.Head != 256 || got.Vocab != 262208 || windows != 29 || !got.Tied ||
		got.Rope.Base != 1e6 || got.Rope.Linear != 8 || got.LocalRope.Base != 10000 || got.LocalRope.Linear != 1 {
		t.Errorf("got %+v", got)
	}
	if _, err := FromHub([]byte(`{"architectures":["X"],"text_config":{"model_type":"odd_text"}}`)); err == nil || !strings.Contains(err.Error(), "odd_text") {
		t.Errorf("got %v for a text model that is not known", err)
	}
}

func TestFromHubBad(t *testing.T) {
	const base = `"architectures":["LlamaForCausalLM"],"hidden_size":64,"intermediate_size":96,
		"num_hidden_layers":2,"num_attention_heads":4,"vocab_size":100,"max_position_embeddings":512`
	for more, want := range map[string]string{
		`"architectures":["GPT2Model"]`: "GPT2Model",
		`"hidden_act":"gelu"`:           "gelu",
		`"sliding_window":128`:          "sliding_window: got 128",
		`"num_attention_heads":0`:       "heads",
		`"num_key_value_heads":0`:       "key-value heads",
		`"num_key_value_heads":3`:       "want a multiple",
		`"head_dim":-2`:                 "head_dim",
		`"hidden_size":"64"`:            "hidden_size",
		`"vocab_size":1000000000`:       "vocabulary",
		`"max_position_embeddings":-1`:  "max_position_embeddings",
		`"rms_norm_eps":-1`:             "epsilon",
		`"rope_theta":-1`:               "rope base",
		`"rope_scaling":{"type":"yarn","factor":0,"original_max_position_embeddings":1e999}`:   "original_max",
		`"rope_scaling":{"type":"llama3","factor":0,"low_freq_factor":1,"high_freq_factor":4}`: "a factor from 1",
		`"rope_scaling":{"rope_type":"dynamic","factor":4}`:                                    "dynamic",
		`"rope_scaling":{"type":"yarn","factor":0.5}`:                                          "rope scaling",
		`"rope_scaling":{"type":"linear","factor":2,"odd":1}`:                                  "rope_scaling: odd",
		`"clip_qkv":6`:                     "clip_qkv: got 6, want no such key",
		`"hidden_act":5`:                   "hidden_act",
		`"rope_scaling":{"type":"linear"}`: "factor 0",
		`"rope_parameters":{"rope_type":"llama3","factor":0.5}`: "low_freq_factor",
	} {
		if _, err := FromHub([]byte("{" + base + "," + more + "}")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", more, err, want)
		}
	}
}

// metadata is that of a sound GGUF file, changed.
func metadata(change map[string]any) *weights.Header {
	md := map[string]any{
		"general.architecture": "llama", "llama.block_count": uint32(2), "llama.embedding_length": uint64(64),
		"llama.feed_forward_length": int32(96), "llama.attention.head_count": []int32{4, 4},
		"llama.attention.head_count_kv": uint8(2), "llama.attention.layer_norm_rms_epsilon": float32(1e-5),
		"llama.context_length": uint16(512), "llama.rope.freq_base": 1e4,
	}
	for k, v := range change {
		md[k] = v
		if v == nil {
			delete(md, k)
		}
	}
	return &weights.Header{Metadata: md, Tensors: map[string]weights.Tensor{"token_embd.weight": {Shape: []int{100, 64}}}}
}

func TestFromGGUF(t *testing.T) {
	got, err := FromGGUF(metadata(map[string]any{"llama.rope.scaling.type": "linear", "llama.rope.scaling.factor": float32(2)}))
	want := Config{
		Architecture: "llama", Layers: 2, Dim: 64, FFN: 96, Heads: 4, KVHeads: 2, Head: 16, Vocab: 100,
		Context: 512, Epsilon: 1e-5, Rope: RopeConfig{Base: 10000, Linear: 2}, Tied: true,
	}
	if d := cmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("got %v (-want +got):\n%s", err, d)
	}
	for key, c := range map[string]struct {
		value any
		want  string
	}{
		"general.architecture":       {"mamba", "mamba"},
		"llama.block_count":          {nil, "want a whole number"},
		"llama.embedding_length":     {"64", "want a whole number"},
		"llama.attention.head_count": {[]int32{4, 2}, "want a whole number"},
		"llama.feed_forward_length":  {int64(-1), "want a whole number"},
		"llama.context_length":       {uint64(1 << 40), "want a whole number"},
		"llama.rope.freq_base":       {"x", "want a number"},
		"llama.rope.scaling.type":    {"longrope", "longrope"},
		"llama.rope.dimension_count": {uint32(7), "got 7 rotated"},
		"llama.expert_count":         {uint32(8), "expert_used_count"},
		"llama.logit_scale":          {float32(2), "llama.logit_scale"},
	} {
		if _, err := FromGGUF(metadata(map[string]any{key: c.value})); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", key, err, c.want)
		}
	}
}

// TestFromGGUFBad changes one key of a sound file of each kind.
func TestFromGGUFBad(t *testing.T) {
	for _, c := range []struct {
		family, key string
		value       any
		want        string
	}{
		{"gemma3", "gemma3.attention.sliding_window_pattern", uint32(0), "at least 1"},
		{"gemma3", "gemma3.block_count", uint32(1 << 30), "layers"},
		{"gemma2", "gemma2.attention.sliding_window", nil, "sliding_window"},
		{"lfm2", "lfm2.shortconv.l_cache", uint32(0), "convolutions"},
		{"lfm2", "lfm2.attention.head_count_kv", []int32{0, 2}, "convolutions"},
		{"lfm2", "lfm2.attention.head_count_kv", []int32{0, 2, 1, 0}, "head_count_kv"},
		{"llama", "llama.attention.head_count_kv", []int32{0, 2}, "convolutions"},
		{"gptoss", "gpt-oss.expert_count", uint32(1), "active experts"},
		{"qwen3moe", "qwen3moe.expert_shared_count", uint32(1), "expert_shared_count"},
		{"phi3-long", "phi3.rope.scaling.original_context_length", nil, "original_context_length"},
		{"yarn", "llama.rope.scaling.factor", float32(0), "a factor from 1"},
	} {
		h := metadata(nil)
		if c.family != "llama" {
			h = openDirectory(t, "testdata/families/"+c.family+"/model.gguf").Header
		}
		bad := &weights.Header{Metadata: map[string]any{}, Tensors: h.Tensors}
		for k, v := range h.Metadata {
			bad.Metadata[k] = v
		}
		bad.Metadata[c.key] = c.value
		if _, err := FromGGUF(bad); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: got %v, want %q", c.key, c.value, err, c.want)
		}
	}
}

func FuzzFromHub(f *testing.F) {
	f.Add([]byte(`{"architectures":["LlamaForCausalLM"],"hidden_size":64,"rope_parameters":{"rope_type":"llama3"}}`))
	for _, name := range []string{"qwen35", "lfm2", "deepseek3", "glm4moe", "gptoss", "phi3-long", "gemma3", "smollm3-odd", "modernbert"} {
		b, err := os.ReadFile("testdata/families/" + name + "/config.json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := FromHub(b)
		if err == nil && c.check() != nil {
			t.Errorf("got a config that does not hold: %+v", c)
		}
	})
}
