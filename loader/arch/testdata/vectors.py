#!/usr/bin/env python3
"""Makes small random Llama models and their logits, computed by transformers in float32.

    python3 loader/arch/testdata/vectors.py     (needs torch, transformers, gguf, numpy)

hub-llama3/  two shards of BF16, head width not dim/heads, llama3 rope scaling
hub-tied/    one file of F16, tied embeddings
mixed.gguf   every type that the engine computes with, one per tensor, in turn
Each has NAME.ids.json and NAME.logits.f32, little-endian float32 [ids][vocab].
"""

import json
import pathlib

import gguf
import numpy
import torch
import transformers

OUT = pathlib.Path(__file__).parent
IDS = 48
TYPES = ["F16", "BF16", "F32", "Q8_0", "Q4_1", "Q4_0", "Q4_K", "Q6_K"]  # the larger ones meet the smaller matrices


def vectors(name, model, vocab):
    """Writes ids and logits of a model."""
    ids = torch.randint(0, vocab, (IDS,), generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        logits = model.eval()(ids[None]).logits[0]
    (OUT / f"{name}.ids.json").write_text(json.dumps(ids.tolist()) + "\n")
    logits.numpy().astype("<f4").tofile(OUT / f"{name}.logits.f32")


def hub(name, dtype, shard, **config):
    """Saves a random model in the Hub's layout."""
    torch.manual_seed(3)
    c = transformers.LlamaConfig(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
                                 num_key_value_heads=2, vocab_size=100, max_position_embeddings=64,
                                 initializer_range=0.15, **config)
    model = transformers.LlamaForCausalLM(c)
    for n, p in model.named_parameters():
        if "norm" in n:
            torch.nn.init.normal_(p, 1, 0.2)
    model.to(dtype).save_pretrained(OUT / name, max_shard_size=shard)
    (OUT / name / "generation_config.json").unlink()
    again = transformers.LlamaForCausalLM.from_pretrained(OUT / name, dtype=torch.float32)
    vectors(name, again, c.vocab_size)


def quantized(kind, rows, cols, rng):
    """A random matrix in blocks of a type: values of about 0.1."""
    t = gguf.GGMLQuantizationType[kind]
    values = rng.normal(0, 0.1, (rows, cols)).astype(numpy.float32)
    if kind not in ("Q4_K", "Q6_K"):
        return gguf.quantize(values, t), t
    _, size = gguf.GGML_QUANT_SIZES[t]
    out = rng.integers(0, 256, (rows * cols // 256, size), dtype=numpy.uint8)
    scale = {"Q4_K": [(0, 4e-4), (2, 2e-3)], "Q6_K": [(208, 4e-5)]}[kind]
    for offset, d in scale:
        half = numpy.full(len(out), d, numpy.float16)
        out[:, offset:offset + 2] = half.view(numpy.uint8).reshape(-1, 2)
    return out.reshape(rows, -1), t


def mixed():
    """Writes a GGUF file of two layers with the types in turn."""
    dim, ffn, heads, kv, head, vocab, layers = 256, 256, 8, 4, 16, 100, 2
    rng = numpy.random.default_rng(5)
    w = gguf.GGUFWriter(OUT / "mixed.gguf", "llama")
    w.add_name("mixed")
    w.add_license("apache-2.0")
    for add, v in [(w.add_block_count, layers), (w.add_context_length, 64), (w.add_embedding_length, dim),
                   (w.add_feed_forward_length, ffn), (w.add_head_count, heads), (w.add_head_count_kv, kv),
                   (w.add_layer_norm_rms_eps, 1e-5), (w.add_rope_freq_base, 500.0), (w.add_vocab_size, vocab),
                   (w.add_rope_dimension_count, head), (w.add_key_length, head), (w.add_value_length, head)]:
        add(v)
    turn = 0

    def matrix(name, rows, cols):
        nonlocal turn
        data, t = quantized(TYPES[turn % len(TYPES)], rows, cols, rng)
        w.add_tensor(name + ".weight", data, raw_dtype=t)
        turn += 1

    def norm(name):
        w.add_tensor(name + ".weight", rng.normal(1, 0.2, dim).astype(numpy.float32))

    matrix("token_embd", vocab, dim)
    for i in range(layers):
        norm(f"blk.{i}.attn_norm")
        matrix(f"blk.{i}.attn_q", heads * head, dim)
        matrix(f"blk.{i}.attn_k", kv * head, dim)
        matrix(f"blk.{i}.attn_v", kv * head, dim)
        matrix(f"blk.{i}.attn_output", dim, heads * head)
        norm(f"blk.{i}.ffn_norm")
        matrix(f"blk.{i}.ffn_gate", ffn, dim)
        matrix(f"blk.{i}.ffn_up", ffn, dim)
        matrix(f"blk.{i}.ffn_down", dim, ffn)
    norm("output_norm")
    matrix("output", vocab, dim)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    model = transformers.LlamaForCausalLM.from_pretrained(OUT, gguf_file="mixed.gguf", dtype=torch.float32)
    vectors("mixed", model, vocab)


def main():
    """Writes all of it beside this file."""
    torch.set_num_threads(2)
    rope = {"rope_type": "llama3", "rope_theta": 1000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 32}
    hub("hub-llama3", torch.bfloat16, "100KB", head_dim=24, rope_parameters=rope)
    hub("hub-tied", torch.float16, "10MB", tie_word_embeddings=True)
    mixed()


if __name__ == "__main__":
    main()
