#!/usr/bin/env python3
"""Makes a tiny random Llama and Mixtral in every layout, and their logits by transformers in float32.

    python3 loader/testdata/layouts/make.py     (needs torch, transformers, gguf, numpy, safetensors)

hub/           config.json and model.safetensors
gguf/          one GGUF file
split/         the same in three files
consolidated/  params.json as Mistral writes it, consolidated.safetensors
pth/           the same with consolidated.00.pth
parallel/      params.json as Meta writes it, two model-parallel shards consolidated.0N.pth
logits.f32     little-endian float32 [ids][vocab] for ids.json

Its matrices of a layer in the types of quantised Hub releases, each with NAME.logits.f32 of the values they stand for:

fp8/   8-bit floats with weight_scale_inv
gptq/  4-bit groups of 16 inputs, in the order of g_idx
awq/   4-bit groups of 16 inputs

The same for a Mixtral:

moe-hub/           config.json and model.safetensors
moe-consolidated/  consolidated.safetensors, each expert by itself
moe-stacked/       three shards consolidated.0N.pt as the first release had them, experts stacked
moe.logits.f32     for ids.json
All weights are BF16 and the same numbers; all folders have the same tokenizer.
"""

import json
import pathlib
import shutil
import struct

import gguf
import numpy
import torch
import transformers
from safetensors.torch import save_file

OUT = pathlib.Path(__file__).parent
DIM, FFN, LAYERS, HEADS, KV, CONTEXT, BASE = 32, 48, 2, 4, 2, 128, 5000.0
WORDS = "▁ e t a o n ▁t he ▁the in".split()
PIECES = [("<unk>", 2), ("<s>", 3), ("</s>", 3)] + [(f"<0x{i:02X}>", 6) for i in range(256)] + [(w, 1) for w in WORDS]
VOCAB = len(PIECES)
LICENSE = "---\nlicense: apache-2.0\n---\nA random model.\n"


def score(i):
    """The score of a piece: merges in the order of the list."""
    return -float(i - 259) if i >= 259 else 0.0


def tokenizer_model():
    """A SentencePiece file, written field by field."""
    def field(number, payload):
        return bytes([number << 3 | 2, len(payload)]) + payload

    out = b""
    for i, (piece, kind) in enumerate(PIECES):
        out += field(1, field(1, piece.encode()) + b"\x15" + struct.pack("<f", score(i)) + bytes([0x18, kind]))
    trainer = b"\x18\x02" + b"\xb8\x02\x01"  # model_type BPE, byte_fallback
    return out + field(2, trainer) + field(3, field(1, b"identity"))


def interleave(w, heads):
    """Query or key rows from the Hub's halves to pairs side by side."""
    return w.view(heads, 2, -1, w.shape[1]).transpose(1, 2).reshape(w.shape).contiguous()


def original(sd):
    """The state dict under Meta's names."""
    out = {"tok_embeddings.weight": sd["model.embed_tokens.weight"], "norm.weight": sd["model.norm.weight"],
           "output.weight": sd["lm_head.weight"]}
    for i in range(LAYERS):
        hub, meta = f"model.layers.{i}.", f"layers.{i}."
        for a, b in [("attention.wq", "self_attn.q_proj"), ("attention.wk", "self_attn.k_proj"),
                     ("attention.wv", "self_attn.v_proj"), ("attention.wo", "self_attn.o_proj"),
                     ("feed_forward.w1", "mlp.gate_proj"), ("feed_forward.w2", "mlp.down_proj"),
                     ("feed_forward.w3", "mlp.up_proj"), ("attention_norm", "input_layernorm"),
                     ("ffn_norm", "post_attention_layernorm")]:
            w = sd[hub + b + ".weight"]
            if a.endswith(("wq", "wk")):
                w = interleave(w, HEADS if a.endswith("wq") else KV)
            out[meta + a + ".weight"] = w
    return {k: v.clone() for k, v in out.items()}


def parallel(sd, n):
    """Meta's n shards: by columns where a module sums over shards, else by rows."""
    shards = [{} for _ in range(n)]
    for name, w in sd.items():
        for i, s in enumerate(shards):
            if w.dim() == 1:
                s[name] = w
            elif name.endswith(("wo.weight", "w2.weight")) or name.startswith("tok_"):
                s[name] = w.chunk(n, 1)[i].clone()
            else:
                s[name] = w.chunk(n, 0)[i].clone()
    for s in shards:
        s["rope.freqs"] = torch.ones(DIM // HEADS // 2, dtype=torch.bfloat16)
    return shards


def pack(q, dim, order):
    """Eight 4-bit numbers along dim into each int32, the one at order[k] k nibbles up."""
    q = q.movedim(dim, -1)
    words = torch.zeros(*q.shape[:-1], q.shape[-1] // 8, dtype=torch.int64)
    for k, i in enumerate(order):
        words |= q[..., i::8].long() << (4 * k)
    return torch.where(words >= 2**31, words - 2**32, words).to(torch.int32).movedim(-1, dim).contiguous()


def to_fp8(base, w, have):
    """8-bit floats with one scale, as DeepSeek writes them; returns what they stand for."""
    scale = w.float().abs().max() / 400
    q = (w.float() / scale).to(torch.float8_e4m3fn)
    have[base + ".weight"], have[base + ".weight_scale_inv"] = q, scale.reshape(1, 1)
    return q.float() * scale


def to_groups(kind, base, w, have, gen):
    """4-bit groups of 16 inputs; returns what they stand for."""
    w = w.float().T.contiguous()  # [inputs][outputs]
    group_of = torch.arange(len(w)) // 16
    if kind == "gptq":
        group_of = group_of[torch.randperm(len(w), generator=gen)]
    groups = [w[group_of == g] for g in range(len(w) // 16)]
    low, high = (torch.stack([f(g, 0).values for g in groups]) for f in (torch.min, torch.max))
    scale = ((high - low) / 15).half()
    zero = torch.clamp(torch.round(-low / scale.float()), 1, 15).long()
    q = torch.clamp(torch.round(w / scale.float()[group_of]) + zero[group_of], 0, 15).long()
    have[base + ".scales"] = scale
    if kind == "gptq":
        have[base + ".qweight"], have[base + ".qzeros"] = pack(q, 0, range(8)), pack(zero - 1, 1, range(8))
        have[base + ".g_idx"] = group_of.to(torch.int32)
    else:
        order = [0, 2, 4, 6, 1, 3, 5, 7]
        have[base + ".qweight"], have[base + ".qzeros"] = pack(q, 1, order), pack(zero, 1, order)
    return (scale.float()[group_of] * (q - zero[group_of])).T.contiguous()


def write_quantized(model, config, ids):
    """The Llama in the types of quantised Hub releases."""
    sd = {k: v.clone() for k, v in model.state_dict().items()}
    gen = torch.Generator().manual_seed(13)
    for kind, method in [("fp8", {"quant_method": "fp8", "weight_block_size": [128, 128]}),
                         ("gptq", {"quant_method": "gptq", "bits": 4, "group_size": 16, "desc_act": True}),
                         ("awq", {"quant_method": "awq", "bits": 4, "group_size": 16, "version": "gemm"})]:
        have, plain = {}, {}
        for name, w in sd.items():
            base = name.removesuffix(".weight")
            if not base.endswith("_proj"):
                have[name] = w
                plain[name] = w.float()
            elif kind == "fp8":
                plain[name] = to_fp8(base, w, have)
            else:
                plain[name] = to_groups(kind, base, w, have, gen)
        path = folder(kind)
        save_file(have, path / "model.safetensors", metadata={"format": "pt"})
        (path / "config.json").write_text(json.dumps(config.to_dict() | {"quantization_config": method}, indent=1) + "\n")
        again = transformers.LlamaForCausalLM(config)
        again.load_state_dict(plain)
        with torch.no_grad():
            again.eval()(ids[None]).logits[0].numpy().astype("<f4").tofile(OUT / f"{kind}.logits.f32")


def moe(gen):
    """A Mixtral of one layer, its weights under the Hub's names."""
    experts, ffn = 4, 16
    def rand(*shape):
        return (torch.randn(*shape, generator=gen) * 0.2).bfloat16()
    layer = "model.layers.0."
    sd = {"model.embed_tokens.weight": rand(VOCAB, DIM), "lm_head.weight": rand(VOCAB, DIM),
          "model.norm.weight": rand(DIM) + 1, layer + "input_layernorm.weight": rand(DIM) + 1,
          layer + "post_attention_layernorm.weight": rand(DIM) + 1,
          layer + "block_sparse_moe.gate.weight": rand(experts, DIM)}
    width = DIM // HEADS
    for name, rows in [("q", DIM), ("k", KV * width), ("v", KV * width), ("o", DIM)]:
        sd[f"{layer}self_attn.{name}_proj.weight"] = rand(rows, DIM)
    for e in range(experts):
        for name in ("w1", "w2", "w3"):
            sd[f"{layer}block_sparse_moe.experts.{e}.{name}.weight"] = rand(*((DIM, ffn) if name == "w2" else (ffn, DIM)))
    config = transformers.MixtralConfig(
        hidden_size=DIM, intermediate_size=ffn, num_hidden_layers=1, num_attention_heads=HEADS, num_key_value_heads=KV,
        vocab_size=VOCAB, max_position_embeddings=CONTEXT, rms_norm_eps=1e-5, num_local_experts=experts,
        num_experts_per_tok=2, sliding_window=None, tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": BASE}, architectures=["MixtralForCausalLM"])
    params = {"dim": DIM, "n_layers": 1, "head_dim": width, "hidden_dim": ffn, "n_heads": HEADS, "n_kv_heads": KV,
              "norm_eps": 1e-5, "vocab_size": VOCAB, "rope_theta": BASE, "max_seq_len": CONTEXT,
              "moe": {"num_experts": experts, "num_experts_per_tok": 2}}
    return sd, config, params, experts


def write_moe(ids):
    """The Mixtral in its layouts."""
    sd, config, params, experts = moe(torch.Generator().manual_seed(12))
    hub = folder("moe-hub")
    config.save_pretrained(hub)
    save_file(sd, hub / "model.safetensors", metadata={"format": "pt"})
    model = transformers.MixtralForCausalLM.from_pretrained(hub, dtype=torch.float32)
    with torch.no_grad():
        model.eval()(ids[None]).logits[0].numpy().astype("<f4").tofile(OUT / "moe.logits.f32")

    old = {"tok_embeddings.weight": sd["model.embed_tokens.weight"], "norm.weight": sd["model.norm.weight"],
           "output.weight": sd["lm_head.weight"]}
    layer = "model.layers.0."
    for a, b in [("attention_norm", "input_layernorm"), ("ffn_norm", "post_attention_layernorm"), ("attention.wv", "self_attn.v_proj"),
                 ("attention.wo", "self_attn.o_proj")]:
        old[f"layers.0.{a}.weight"] = sd[f"{layer}{b}.weight"]
    old["layers.0.attention.wq.weight"] = interleave(sd[layer + "self_attn.q_proj.weight"], HEADS)
    old["layers.0.attention.wk.weight"] = interleave(sd[layer + "self_attn.k_proj.weight"], KV)
    gate = sd[layer + "block_sparse_moe.gate.weight"]

    def expert(e, name):
        return sd[f"{layer}block_sparse_moe.experts.{e}.{name}.weight"]

    each = {f"layers.0.feed_forward.experts.{e}.{n}.weight": expert(e, n) for e in range(experts) for n in ("w1", "w2", "w3")}
    save_file(old | each | {"layers.0.feed_forward.gate.weight": gate}, folder("moe-consolidated", params) / "consolidated.safetensors")
    stacks = {f"layers.0.block_sparse_moe.{n}": torch.cat([expert(e, n).T if n == "w2" else expert(e, n) for e in range(experts)]).contiguous()
              for n in ("w1", "w2", "w3")}
    path = folder("moe-stacked", params)
    first = {k: v for k, v in old.items() if "attention" not in k}
    torch.save(first, path / "consolidated.00.pt")
    torch.save({k: v for k, v in old.items() if k not in first}, path / "consolidated.01.pt")
    torch.save(stacks | {"layers.0.block_sparse_moe.gate.weight": gate}, path / "consolidated.02.pt")


def bf16(w):
    """Numbers as GGUF keeps them."""
    return gguf.quantize(w.float().numpy(), gguf.GGMLQuantizationType.BF16)


def write_gguf(path, sd, **split):
    """A GGUF file, or several."""
    w = gguf.GGUFWriter(path, "llama", **split)
    w.add_name("tiny")
    w.add_license("apache-2.0")
    for add, v in [(w.add_block_count, LAYERS), (w.add_context_length, CONTEXT), (w.add_embedding_length, DIM),
                   (w.add_feed_forward_length, FFN), (w.add_head_count, HEADS), (w.add_head_count_kv, KV),
                   (w.add_layer_norm_rms_eps, 1e-5), (w.add_rope_freq_base, BASE), (w.add_vocab_size, VOCAB),
                   (w.add_tokenizer_model, "llama"), (w.add_token_list, [p for p, _ in PIECES]),
                   (w.add_token_scores, [score(i) for i in range(VOCAB)]), (w.add_token_types, [k for _, k in PIECES]),
                   (w.add_bos_token_id, 1), (w.add_eos_token_id, 2), (w.add_unk_token_id, 0)]:
        add(v)
    names = {"tok_embeddings": "token_embd", "norm": "output_norm", "output": "output", "attention.wq": "attn_q",
             "attention.wk": "attn_k", "attention.wv": "attn_v", "attention.wo": "attn_output", "attention_norm": "attn_norm",
             "ffn_norm": "ffn_norm", "feed_forward.w1": "ffn_gate", "feed_forward.w2": "ffn_down", "feed_forward.w3": "ffn_up"}
    for name, t in sd.items():
        module = name.removesuffix(".weight")
        prefix = ""
        if module.startswith("layers."):
            _, i, module = module.split(".", 2)
            prefix = f"blk.{i}."
        if t.dim() == 1:
            w.add_tensor(prefix + names[module] + ".weight", t.float().numpy())
        else:
            w.add_tensor(prefix + names[module] + ".weight", bf16(t), raw_dtype=gguf.GGMLQuantizationType.BF16)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def folder(name, params=None):
    """An empty folder with tokenizer, README and params.json."""
    path = OUT / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    if not name.startswith(("gguf", "split")):
        (path / "tokenizer.model").write_bytes(tokenizer_model())
        (path / "README.md").write_text(LICENSE)
    if params:
        (path / "params.json").write_text(json.dumps(params, indent=1) + "\n")
    return path


def main():
    """Writes all of it beside this file."""
    torch.manual_seed(11)
    torch.set_num_threads(1)
    config = transformers.LlamaConfig(
        hidden_size=DIM, intermediate_size=FFN, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
        num_key_value_heads=KV, vocab_size=VOCAB, max_position_embeddings=CONTEXT, rms_norm_eps=1e-5,
        initializer_range=0.2, rope_parameters={"rope_type": "default", "rope_theta": BASE})
    model = transformers.LlamaForCausalLM(config)
    for n, p in model.named_parameters():
        if "norm" in n:
            torch.nn.init.normal_(p, 1, 0.2)
    model = model.to(torch.bfloat16)
    hub = folder("hub")
    model.save_pretrained(hub)
    (hub / "generation_config.json").unlink()
    sd = original(model.state_dict())

    write_gguf(folder("gguf") / "tiny.gguf", sd)
    write_gguf(folder("split") / "tiny.gguf", sd, split_max_tensors=8)
    mistral = {"dim": DIM, "n_layers": LAYERS, "head_dim": DIM // HEADS, "hidden_dim": FFN, "n_heads": HEADS,
               "n_kv_heads": KV, "norm_eps": 1e-5, "vocab_size": VOCAB, "rope_theta": BASE, "max_seq_len": CONTEXT}
    save_file(sd, folder("consolidated", mistral) / "consolidated.safetensors")
    torch.save(sd, folder("pth", mistral) / "consolidated.00.pth")
    meta = {"dim": DIM, "n_layers": LAYERS, "n_heads": HEADS, "n_kv_heads": KV, "multiple_of": 16, "norm_eps": 1e-5,
            "vocab_size": -1, "rope_theta": BASE, "max_seq_len": CONTEXT}
    path = folder("parallel", meta)
    for i, shard in enumerate(parallel(sd, 2)):
        torch.save(shard, path / f"consolidated.{i:02d}.pth")

    ids = torch.randint(0, VOCAB, (24,), generator=torch.Generator().manual_seed(7))
    again = transformers.LlamaForCausalLM.from_pretrained(hub, dtype=torch.float32)
    with torch.no_grad():
        logits = again.eval()(ids[None]).logits[0]
    (OUT / "ids.json").write_text(json.dumps(ids.tolist()) + "\n")
    logits.numpy().astype("<f4").tofile(OUT / "logits.f32")
    write_quantized(model, config, ids)
    write_moe(ids)


if __name__ == "__main__":
    main()
