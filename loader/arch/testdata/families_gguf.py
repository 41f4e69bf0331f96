"""Writes a small Hub model as a GGUF file, as converters do: names, keys, stacked experts, rotary pairs."""

import math

import gguf
import numpy
import torch
from safetensors.torch import load_file

INTERLEAVED = ("llama", "granite", "smollm3")


def permuted(w, heads):
    """Rows of a query or key matrix with rotary pairs side by side."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def stack_experts(tensors):
    """Experts' matrices stacked into one tensor, under the name of the first."""
    out, stacks = {}, {}
    for name, t in tensors.items():
        if ".experts." not in name:
            out[name] = t
            continue
        before, rest = name.split(".experts.")
        number, rest = rest.split(".", 1)
        stacks.setdefault(f"{before}.experts.{rest}", {})[int(number)] = t
    for name, by_number in stacks.items():
        out[name] = numpy.stack([by_number[i] for i in sorted(by_number)])
    return out


def gpt_oss(tensors):
    """Experts whose gate and up lie in turn in the columns of one tensor, taken apart as converters do."""
    out = {}
    for name, t in tensors.items():
        before, _, last = name.rpartition(".")
        if last == "gate_up_proj":
            out[before + ".gate_proj.weight"] = t[..., ::2].swapaxes(1, 2)
            out[before + ".up_proj.weight"] = t[..., 1::2].swapaxes(1, 2)
        elif last == "gate_up_proj_bias":
            out[before + ".gate_proj.bias"], out[before + ".up_proj.bias"] = t[..., ::2], t[..., 1::2]
        elif last == "down_proj":
            out[name + ".weight"] = t.swapaxes(1, 2)
        elif last == "down_proj_bias":
            out[before + ".down_proj.bias"] = t
        elif last == "sinks":
            out[name + ".weight"] = t
        else:
            out[name] = t
    return out


def write(path, arch, config, safetensors):
    """Writes the weights of a Hub folder to path."""
    tensors = {n: t.float().numpy() for n, t in load_file(safetensors).items()}
    tensors = gpt_oss(tensors) if arch == "gpt-oss" else stack_experts(tensors)
    w = gguf.GGUFWriter(path, arch)
    keys(w, arch, config)
    number = {name: a for a, name in gguf.MODEL_ARCH_NAMES.items()}[arch]
    names = gguf.get_tensor_name_map(number, config.num_hidden_layers)
    for name, t in sorted(tensors.items()):
        new = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if new is None:
            raise SystemExit(f"{arch}: no GGUF name for {name}")
        if arch in INTERLEAVED and (".q_proj." in name or ".k_proj." in name):
            t = permuted(t, config.num_attention_heads if ".q_proj." in name else config.num_key_value_heads)
        if arch.startswith("gemma") and "norm" in name:
            t = t + 1
        if arch == "lfm2" and t.ndim == 3:
            t = t.squeeze(1)
        if t.ndim == 1 or new.endswith(".bias"):
            w.add_tensor(new, numpy.ascontiguousarray(t, numpy.float32))
        else:
            data = torch.tensor(numpy.ascontiguousarray(t)).to(torch.bfloat16).view(torch.uint16).numpy()
            w.add_tensor(new, data.view(numpy.uint8), raw_dtype=gguf.GGMLQuantizationType.BF16)
    if config.rope_parameters.get("rope_type") == "longrope":
        for which in ("short", "long"):
            factors = numpy.array(config.rope_parameters[which + "_factor"], numpy.float32)
            w.add_tensor(f"rope_factors_{which}.weight", factors)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def keys(w, arch, c):
    """Writes the metadata of a config."""
    rope = c.rope_parameters
    head = getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads
    w.add_block_count(c.num_hidden_layers)
    w.add_context_length(c.max_position_embeddings)
    w.add_embedding_length(c.hidden_size)
    ffn, heads = c.intermediate_size, c.num_key_value_heads
    if arch == "lfm2":
        ffn = -(-int(2 * ffn / 3) // c.block_multiple_of) * c.block_multiple_of
        heads = [0 if kind == "conv" else heads for kind in c.layer_types]
        w.add_shortconv_l_cache(c.conv_L_cache)
    w.add_feed_forward_length(ffn)
    w.add_head_count(c.num_attention_heads)
    w.add_head_count_kv(heads)
    w.add_layer_norm_rms_eps(c.norm_eps if arch == "lfm2" else c.rms_norm_eps)
    w.add_vocab_size(c.vocab_size)
    w.add_key_length(head)
    w.add_value_length(head)
    full = rope.get("full_attention", rope)
    w.add_rope_freq_base(full["rope_theta"])
    w.add_rope_dimension_count(int(head * rope.get("partial_rotary_factor", 1)))
    if full["rope_type"] in ("linear", "yarn"):
        w.add_rope_scaling_type(gguf.RopeScalingType(full["rope_type"]))
        w.add_rope_scaling_factor(full["factor"])
    if full["rope_type"] == "yarn":
        w.add_rope_scaling_orig_ctx_len(full["original_max_position_embeddings"])
        if "beta_fast" in full:
            w.add_rope_scaling_yarn_beta_fast(full["beta_fast"])
            w.add_rope_scaling_yarn_beta_slow(full["beta_slow"])
    if full["rope_type"] == "longrope":
        original = full["original_max_position_embeddings"]
        w.add_rope_scaling_orig_ctx_len(original)
        w.add_rope_scaling_attn_factors(math.sqrt(1 + math.log(c.max_position_embeddings / original) / math.log(original)))
    if experts := getattr(c, "num_local_experts", None) or getattr(c, "num_experts", None):
        w.add_expert_count(experts)
        w.add_expert_used_count(c.num_experts_per_tok)
    if arch == "qwen3moe":
        w.add_expert_feed_forward_length(c.moe_intermediate_size)
    if arch == "gpt-oss":
        w.add_expert_feed_forward_length(c.intermediate_size)
    if arch in ("phi3", "gemma2", "gemma3", "gpt-oss") and c.sliding_window:
        w.add_sliding_window(c.sliding_window)
    if arch == "gemma2":
        w.add_attn_logit_softcapping(c.attn_logit_softcapping)
        w.add_final_logit_softcapping(c.final_logit_softcapping)
    if arch == "granite":
        w.add_embedding_scale(c.embedding_multiplier)
        w.add_residual_scale(c.residual_multiplier)
        w.add_attention_scale(c.attention_multiplier)
        w.add_logit_scale(c.logits_scaling)
