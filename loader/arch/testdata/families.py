#!/usr/bin/env python3
"""Makes one small random model per architecture and its logits (of encoders, the vectors) by transformers in float32.

    python3 loader/arch/testdata/families.py [NAME...]     (needs torch, transformers, gguf, numpy)

families/NAME/ holds config.json and model.safetensors in BF16, ids.json, logits.f32 (little-endian
float32 [ids][vocab or width]), and model.gguf with the same weights where GGUF files know the architecture.
Each config is what is special about its architecture: see MODELS.
"""

import json
import pathlib
import shutil
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

OUT = pathlib.Path(__file__).parent / "families"
IDS = 40
VOCAB = 40
SMALL = dict(hidden_size=16, intermediate_size=20, num_hidden_layers=2, vocab_size=VOCAB, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, initializer_range=0.2, bos_token_id=1, eos_token_id=2,
             pad_token_id=0)


def rope(kind, **more):
    """Rope parameters of a kind, with few enough turns to matter at forty positions."""
    return {"rope_parameters": {"rope_type": kind, "rope_theta": 1000.0, **more}}


YARN = rope("yarn", factor=4.0, original_max_position_embeddings=16, beta_fast=2.0, beta_slow=0.3, truncate=False)

DEEPSEEK = dict(kv_lora_rank=6, qk_rope_head_dim=4, qk_nope_head_dim=5, v_head_dim=3, moe_intermediate_size=8,
                n_routed_experts=4, n_group=2, topk_group=1, num_experts_per_tok=2, n_shared_experts=1,
                routed_scaling_factor=1.7, first_k_dense_replace=1)

# name: class, GGUF architecture or None, config
MODELS = {
    "linear": ("Llama", "llama", rope("linear", factor=4.0)),
    "yarn": ("Llama", "llama", dict(head_dim=12, **rope("yarn", factor=4.0, original_max_position_embeddings=16))),
    "yarn-mscale": ("Llama", None, dict(head_dim=12, **rope(
        "yarn", factor=4.0, original_max_position_embeddings=16, mscale=0.7, mscale_all_dim=0.3, beta_fast=2.0,
        beta_slow=0.3, truncate=False))),
    "biases": ("Llama", None, dict(attention_bias=True, mlp_bias=True, num_attention_heads=5, num_key_value_heads=5,
                                   hidden_size=20, head_dim=6)),
    "mistral": ("Mistral", None, dict(sliding_window=13, head_dim=8, hidden_size=18, num_attention_heads=3,
                                      num_key_value_heads=1)),
    "ministral3": ("Ministral3", None, dict(head_dim=12, **rope(
        "yarn", factor=4.0, original_max_position_embeddings=16, mscale=1.0, mscale_all_dim=1.0,
        llama_4_scaling_beta=0.4))),
    "mixtral": ("Mixtral", "llama", dict(num_local_experts=5, num_experts_per_tok=3, sliding_window=None)),
    "qwen2": ("Qwen2", "qwen2", dict(tie_word_embeddings=True)),
    "qwen2-window": ("Qwen2", None, dict(use_sliding_window=True, sliding_window=7, max_window_layers=1)),
    "qwen3": ("Qwen3", "qwen3", dict(head_dim=12, num_attention_heads=3, num_key_value_heads=1, hidden_size=18)),
    "qwen3moe": ("Qwen3Moe", "qwen3moe", dict(head_dim=12, moe_intermediate_size=12, num_experts=6,
                                              num_experts_per_tok=2, norm_topk_prob=True, decoder_sparse_step=1)),
    "qwen3moe-unnormed": ("Qwen3Moe", None, dict(head_dim=8, moe_intermediate_size=12, num_experts=4,
                                                 num_experts_per_tok=2, norm_topk_prob=False)),
    "smollm3": ("SmolLM3", "smollm3", dict(num_hidden_layers=4, no_rope_layer_interval=4)),
    "smollm3-odd": ("SmolLM3", None, dict(num_hidden_layers=3, no_rope_layers=[0, 1, 0], use_sliding_window=True,
                                          sliding_window=9)),
    "phi3": ("Phi3", "phi3", dict(num_attention_heads=2, sliding_window=11,
                                  partial_rotary_factor=0.75, rope_parameters={
                                      "rope_type": "default", "rope_theta": 1000.0, "partial_rotary_factor": 0.75})),
    "phi3-short": ("Phi3", "phi3", dict(max_position_embeddings=256, original_max_position_embeddings=48)),
    "phi3-long": ("Phi3", "phi3", dict(max_position_embeddings=256, original_max_position_embeddings=16)),
    "gemma2": ("Gemma2", "gemma2", dict(head_dim=12, query_pre_attn_scalar=12, sliding_window=10,
                                        attn_logit_softcapping=5.0, final_logit_softcapping=4.0)),
    "gemma2-scalar": ("Gemma2", None, dict(head_dim=12, query_pre_attn_scalar=20, sliding_window=10)),
    "gemma3": ("Gemma3Text", "gemma3", dict(num_hidden_layers=6, head_dim=6,
                                            query_pre_attn_scalar=6, sliding_window=10)),
    "granite": ("Granite", "granite", dict(embedding_multiplier=3.0, residual_multiplier=0.4, attention_multiplier=0.3,
                                           logits_scaling=2.5, tie_word_embeddings=True)),
    "olmo3": ("Olmo3", None, dict(num_hidden_layers=4, sliding_window=9, rope_parameters={
        "sliding_attention": {"rope_type": "default", "rope_theta": 500.0},
        "full_attention": {"rope_type": "yarn", "rope_theta": 500.0, "factor": 4.0,
                           "original_max_position_embeddings": 16, "attention_factor": 1.2}})),
    "olmo2": ("Olmo2", "olmo2", {}),
    "gptoss": ("GptOss", "gpt-oss", dict(head_dim=12, num_local_experts=4, num_experts_per_tok=2, sliding_window=9,
                                         **YARN)),
    "gptoss-limit": ("GptOss", None, dict(head_dim=6, num_local_experts=3, num_experts_per_tok=2, swiglu_limit=0.9,
                                          sliding_window=9, **YARN)),
    "gptoss-mxfp4": ("GptOss", None, dict(hidden_size=32, intermediate_size=32, head_dim=8, num_local_experts=3,
                                          num_experts_per_tok=2, sliding_window=9, **YARN)),
    "lfm2": ("Lfm2", "lfm2", dict(num_hidden_layers=4, block_multiple_of=4, conv_L_cache=4, full_attn_idxs=[2])),
    "qwen35": ("Qwen3_5Text", None, dict(num_hidden_layers=3, head_dim=12, layer_types=[
        "linear_attention", "full_attention", "linear_attention"], linear_num_key_heads=2, linear_num_value_heads=4,
        linear_key_head_dim=6, linear_value_head_dim=4, linear_conv_kernel_dim=3, rope_parameters={
            "rope_type": "default", "rope_theta": 1000.0, "partial_rotary_factor": 0.5, "mrope_section": [1, 1, 1]})),
    "bert": ("Bert", None, dict(hidden_act="gelu")),
    "glm4moe": ("Glm4Moe", None, dict(num_hidden_layers=3, moe_intermediate_size=8, n_routed_experts=8, n_group=4,
                                      topk_group=2, num_experts_per_tok=3, n_shared_experts=2, routed_scaling_factor=1.7,
                                      first_k_dense_replace=1, use_qk_norm=True, attention_bias=True, head_dim=8)),
    "deepseek3": ("DeepseekV3", None, dict(DEEPSEEK, q_lora_rank=8, num_key_value_heads=4, **rope(
        "yarn", factor=4.0, original_max_position_embeddings=16, mscale=0.7, mscale_all_dim=0.9))),
    "deepseek3-direct": ("DeepseekV3", None, dict(DEEPSEEK, q_lora_rank=None, num_key_value_heads=4,
                                                  rope_interleave=False)),
    "modernbert": ("ModernBert", None, dict(num_hidden_layers=4, local_attention=14)),
    "modernbert-biases": ("ModernBert", None, dict(norm_bias=True, attention_bias=True, mlp_bias=True,
                                                   local_attention=8)),
    "roberta": ("XLMRoberta", None, dict(hidden_act="gelu_new", type_vocab_size=1)),
}


def long_rope(head, original):
    """LongRoPE with divisors that differ for every pair."""
    pairs = head // 2
    return {"rope_parameters": {"rope_type": "longrope", "rope_theta": 1000.0,
                                "original_max_position_embeddings": original,
                                "short_factor": [1.0 + 0.1 * i for i in range(pairs)],
                                "long_factor": [1.5 + 0.7 * i for i in range(pairs)]}}


def pack(path, model):
    """Puts random MXFP4 blocks in the place of the experts, in the file and, unpacked by transformers, in the model."""
    tensors = load_file(path)
    rng = torch.Generator().manual_seed(5)
    for name in [n for n in tensors if n.endswith(("gate_up_proj", "down_proj"))]:
        experts, cols, rows = tensors.pop(name).shape
        blocks = torch.randint(0, 256, (experts, rows, cols // 32, 16), generator=rng, dtype=torch.uint8)
        scales = torch.randint(122, 126, (experts, rows, cols // 32), generator=rng, dtype=torch.uint8)
        tensors[name + "_blocks"], tensors[name + "_scales"] = blocks, scales
        model.get_parameter(name).data = convert_moe_packed_tensors(blocks, scales, dtype=torch.float32)
    save_file(tensors, path, metadata={"format": "pt"})


def make(name):
    """Makes one model and its vectors."""
    kind, arch, special = MODELS[name]
    kwargs = {**SMALL, **special}
    if name in ("phi3-short", "phi3-long"):
        kwargs |= long_rope(4, kwargs["original_max_position_embeddings"])
    torch.manual_seed(3)
    config = getattr(transformers, kind + "Config")(**kwargs)
    kind = kind.removesuffix("Text")
    encoder = kind in ("Bert", "XLMRoberta", "ModernBert")
    cls = getattr(transformers, kind + ("Model" if encoder else "ForCausalLM"))
    model = cls(config)
    with torch.no_grad():
        for n, p in model.named_parameters():
            if "norm" in n.lower() and n.endswith("weight"):
                torch.nn.init.normal_(p, 0 if kind.startswith(("Gemma", "Qwen3_5")) else 1, 0.2)
            elif n.endswith(("conv.conv.weight", "conv1d.weight")):
                torch.nn.init.normal_(p, 0, 0.5)
            elif n.endswith("bias") or n.endswith("sinks"):
                torch.nn.init.normal_(p, 0, 0.3)
            elif p.dim() > 1 and "experts" in n or "gate.weight" in n:
                torch.nn.init.normal_(p, 0, 0.2)
        for n, b in model.named_buffers():
            if n.endswith("e_score_correction_bias"):
                torch.nn.init.normal_(b, 0, 0.2)
    folder = OUT / name
    shutil.rmtree(folder, ignore_errors=True)
    model.to(torch.bfloat16).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    again = cls.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    if name.endswith("-mxfp4"):
        pack(folder / "model.safetensors", again)
    first = 3 if encoder else 0  # padding is no part of a text
    ids = torch.randint(first, VOCAB, (IDS,), generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        out = again.eval()(ids[None])
        logits = (out.last_hidden_state if encoder else out.logits)[0]
    (folder / "ids.json").write_text(json.dumps(ids.tolist()) + "\n")
    logits.numpy().astype("<f4").tofile(folder / "logits.f32")
    if arch:
        import families_gguf
        families_gguf.write(folder / "model.gguf", arch, config, folder / "model.safetensors")


def main():
    """Makes those named, or all."""
    torch.set_num_threads(1)
    for name in sys.argv[1:] or MODELS:
        make(name)


if __name__ == "__main__":
    main()
