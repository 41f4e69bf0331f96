package weights

import "testing"

func TestHubName(t *testing.T) {
	for name, want := range map[string]string{
		"tok_embeddings.weight":                     "model.embed_tokens.weight",
		"output.weight":                             "lm_head.weight",
		"norm.weight":                               "model.norm.weight",
		"layers.3.attention.wq.weight":              "model.layers.3.self_attn.q_proj.weight",
		"layers.3.attention.wk.bias":                "model.layers.3.self_attn.k_proj.bias",
		"layers.31.attention_norm.weight":           "model.layers.31.input_layernorm.weight",
		"layers.0.ffn_norm.weight":                  "model.layers.0.post_attention_layernorm.weight",
		"layers.0.feed_forward.w2.weight":           "model.layers.0.mlp.down_proj.weight",
		"layers.0.feed_forward.w2.qscale_weight":    "model.layers.0.mlp.down_proj.weight_scale",
		"layers.0.feed_forward.w2.qscale_act":       "model.layers.0.mlp.down_proj.input_scale",
		"layers.0.feed_forward.gate.weight":         "model.layers.0.block_sparse_moe.gate.weight",
		"layers.0.feed_forward.experts.7.w3.weight": "model.layers.0.block_sparse_moe.experts.7.w3.weight",
		"layers.0.feed_forward.experts.7.w4.weight": "layers.0.feed_forward.experts.7.w4.weight",
		"layers.0.attention.wq_a.weight":            "layers.0.attention.wq_a.weight",
		"layers.99999.attention.wq.weight":          "layers.99999.attention.wq.weight",
		"vision_encoder.ln_pre.weight":              "vision_encoder.ln_pre.weight",
	} {
		if got := hubName(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// TestConsolidatedScales attaches Mistral's scales of 8-bit floats.
func TestConsolidatedScales(t *testing.T) {
	b := fileOf(t, spec{"layers.0.attention.wq.weight", "F8_E4M3", "[2,2]"}, spec{"layers.0.attention.wq.qscale_weight", "F32", "[]"},
		spec{"layers.0.attention.wq.qscale_act", "F32", "[]"})
	h, err := ReadHeader(inMemory(map[string][]byte{"consolidated.safetensors": b, paramsFile: []byte("{}")}))
	if err != nil {
		t.Fatal(err)
	}
	x := h.Tensors["model.layers.0.self_attn.q_proj.weight"]
	if len(h.Tensors) != 1 || x.Scale == nil || x.Scale.Rows != 2 || x.Scale.Cols != 2 {
		t.Errorf("got %v with scales %+v", names(h), x.Scale)
	}
}
