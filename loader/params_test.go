package loader

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"samara/loader/weights"
)

// paramsHeader is the tensors that params.json is read with.
func paramsHeader() *weights.Header {
	return &weights.Header{Layout: "consolidated", Tensors: map[string]weights.Tensor{
		"model.embed_tokens.weight":           {Shape: []int{100, 64}},
		"model.layers.0.mlp.gate_proj.weight": {Shape: []int{96, 64}},
	}}
}

// TestParams reads what Mistral and Meta wrote.
func TestParams(t *testing.T) {
	for name, c := range map[string]struct{ params, want string }{
		"Mistral 7B v0.1": {
			`{"dim":4096,"n_layers":32,"head_dim":128,"hidden_dim":14336,"n_heads":32,"n_kv_heads":8,"norm_eps":1e-5,"sliding_window":4096,"vocab_size":32000}`,
			`{"architectures":["MistralForCausalLM"],"model_type":"mistral","hidden_size":4096,"num_hidden_layers":32,"head_dim":128,
			"intermediate_size":14336,"num_attention_heads":32,"num_key_value_heads":8,"rms_norm_eps":1e-5,"sliding_window":4096,
			"vocab_size":32000,"rope_theta":10000,"max_position_embeddings":32768,"tie_word_embeddings":false,"hidden_act":"silu"}`,
		},
		"Mixtral 8x7B": {
			`{"dim":4096,"n_layers":32,"head_dim":128,"hidden_dim":14336,"n_heads":32,"n_kv_heads":8,"norm_eps":1e-5,"vocab_size":32000,"moe":{"num_experts_per_tok":2,"num_experts":8}}`,
			`{"architectures":["MixtralForCausalLM"],"model_type":"mixtral","hidden_size":4096,"num_hidden_layers":32,"head_dim":128,
			"intermediate_size":14336,"num_attention_heads":32,"num_key_value_heads":8,"rms_norm_eps":1e-5,"vocab_size":32000,
			"rope_theta":1000000,"num_local_experts":8,"num_experts_per_tok":2,"tie_word_embeddings":false,"hidden_act":"silu"}`,
		},
		"Llama 3.1": {
			`{"dim":64,"n_layers":2,"n_heads":4,"n_kv_heads":2,"vocab_size":-1,"ffn_dim_multiplier":1.3,"multiple_of":32,"norm_eps":1e-5,"rope_theta":500000.0,"use_scaled_rope":true}`,
			`{"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":64,"num_hidden_layers":2,"intermediate_size":96,
			"num_attention_heads":4,"num_key_value_heads":2,"rms_norm_eps":1e-5,"vocab_size":100,"rope_theta":500000,
			"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":8192},
			"tie_word_embeddings":false,"hidden_act":"silu"}`,
		},
		"Llama 2": {
			`{"dim":64,"multiple_of":32,"n_heads":4,"n_layers":2,"norm_eps":1e-6,"vocab_size":-1}`,
			`{"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":64,"num_hidden_layers":2,"intermediate_size":96,
			"num_attention_heads":4,"num_key_value_heads":4,"rms_norm_eps":1e-6,"vocab_size":100,"rope_theta":10000,
			"tie_word_embeddings":false,"hidden_act":"silu"}`,
		},
		"YaRN, a list of windows as text": {
			`{"dim":64,"n_layers":2,"hidden_dim":96,"n_heads":4,"vocab_size":100,"tied_embeddings":true,"sliding_window":"[null, 32]","max_seq_len":128,
			"yarn":{"factor":16,"original_max_position_embeddings":8,"beta":32,"alpha":1,"apply_scale":false},"vision_encoder":null}`,
			`{"architectures":["MistralForCausalLM"],"model_type":"mistral","hidden_size":64,"num_hidden_layers":2,"intermediate_size":96,
			"num_attention_heads":4,"num_key_value_heads":4,"rms_norm_eps":1e-5,"vocab_size":100,"rope_theta":10000,"sliding_window":[null,32],
			"max_position_embeddings":128,"tie_word_embeddings":true,"hidden_act":"silu",
			"rope_scaling":{"rope_type":"yarn","factor":16,"original_max_position_embeddings":8,"beta_fast":32,"beta_slow":1,"attention_factor":1}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := paramsConfig([]byte(c.params), paramsHeader())
			if err != nil {
				t.Fatal(err)
			}
			var got, want map[string]any
			if err := json.Unmarshal(b, &got); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// TestParamsBad wants what cannot be read or is not implemented refused.
func TestParamsBad(t *testing.T) {
	for params, want := range map[string]string{
		``:                               "JSON",
		`[]`:                             "array",
		`{"dim":"x"}`:                    "dim",
		`{"dim":1e300}`:                  "dim",
		`{"moe":[]}`:                     "moe",
		`{"yarn":1}`:                     "yarn",
		`{"sliding_window":"all of it"}`: "sliding_window",
		`{"vision_encoder":{"dim":1}}`:   `"vision_encoder", which is not implemented`,
		`{"llama_4_scaling":{}}`:         `"llama_4_scaling", which is not`,
	} {
		if _, err := paramsConfig([]byte(params), paramsHeader()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", params, err, want)
		}
	}
}

func FuzzParams(f *testing.F) {
	f.Add([]byte(`{"dim":64,"n_layers":2,"n_heads":4,"vocab_size":-1,"multiple_of":32,"sliding_window":"[1]","moe":{"num_experts":2}}`))
	f.Add([]byte(`{"yarn":{"factor":2,"beta":1},"use_scaled_rope":true,"rope_scaling_factor":32}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := paramsConfig(b, paramsHeader())
		if err == nil && !json.Valid(c) {
			t.Errorf("got %q, want JSON", c)
		}
	})
}
