#!/usr/bin/env python3
"""Makes hub.safetensors and want.safetensors: matrices in the types of Hub releases, and their values as float32.

    python3 loader/kernels/testdata/hub.py     (needs torch and safetensors)

8-bit floats are torch's, with the scales of DeepSeek (one per 128 x 128, "weight_scale_inv") and vLLM (one per row,
one per matrix, "weight_scale"). The 4-bit groups are packed as AutoGPTQ and AutoAWQ pack them: GPTQ eight inputs to
a word and its zeros less one; AWQ eight outputs to a word in the order 0 2 4 6 1 3 5 7.
"""

import pathlib

import torch
from safetensors.torch import save_file

OUT = pathlib.Path(__file__).parent
ORDER = [0, 2, 4, 6, 1, 3, 5, 7]


def pack(q, dim, order):
    """Eight 4-bit numbers along dim into each int32, the one at order[k] k nibbles up."""
    q = q.movedim(dim, -1)
    words = torch.zeros(*q.shape[:-1], q.shape[-1] // 8, dtype=torch.int64)
    for k, i in enumerate(order):
        words |= q[..., i::8].long() << (4 * k)
    words = torch.where(words >= 2**31, words - 2**32, words)
    return words.to(torch.int32).movedim(-1, dim).contiguous()


def groups(kind, name, have, want, group_of, gen):
    """A matrix of 64 inputs and 24 outputs in two groups."""
    inputs, outputs, n = 64, 24, 2
    q = torch.randint(0, 16, (inputs, outputs), generator=gen)
    z = torch.randint(1, 16, (n, outputs), generator=gen)
    s = (torch.rand(n, outputs, generator=gen) / 8 + 0.01).half()
    if kind == "gptq":
        have[name + ".qweight"], have[name + ".qzeros"] = pack(q, 0, range(8)), pack(z - 1, 1, range(8))
    else:
        have[name + ".qweight"], have[name + ".qzeros"] = pack(q, 1, ORDER), pack(z, 1, ORDER)
    have[name + ".scales"] = s
    if name in ("shuffled", "indexed"):
        have[name + ".g_idx"] = group_of.to(torch.int32)
    want[name + ".weight"] = (s.float()[group_of] * (q - z[group_of])).T.contiguous()


def main():
    """Writes both files beside this one."""
    gen = torch.Generator().manual_seed(4)
    have, want = {}, {}
    codes = torch.arange(256, dtype=torch.uint8).view(4, 64)
    for name, dtype in [("e4m3", torch.float8_e4m3fn), ("e5m2", torch.float8_e5m2), ("e8m0", torch.float8_e8m0fnu)]:
        have[name + ".weight"] = codes.clone().view(dtype)
        want[name + ".weight"] = codes.view(dtype).float()
    have["double.weight"] = torch.randn(3, 5, generator=gen, dtype=torch.float64)
    want["double.weight"] = have["double.weight"].float()
    for name, suffix, shape, scale in [("blocks", "weight_scale_inv", (129, 130), (2, 2)), ("rows", "weight_scale", (6, 10), (6, 1)),
                                       ("whole", "weight_scale", (6, 10), ()), ("vector", "weight_scale", (6, 10), (6,))]:
        w = torch.randn(shape, generator=gen).to(torch.float8_e4m3fn)
        s = torch.rand(scale, generator=gen) + 0.5
        have[f"{name}.weight"], have[f"{name}.{suffix}"] = w, s
        have[f"{name}.input_scale"] = torch.ones(())
        full = s.repeat_interleave(128, 0).repeat_interleave(128, 1)[:129, :130] if name == "blocks" else s
        if name == "vector":
            full = s[:, None]
        want[f"{name}.weight"] = w.float() * full
    order = torch.arange(64) // 32
    groups("gptq", "gptq", have, want, order, gen)
    groups("awq", "awq", have, want, order, gen)
    groups("gptq", "indexed", have, want, order, gen)
    groups("gptq", "shuffled", have, want, order[torch.randperm(64, generator=gen)], gen)
    save_file(have, OUT / "hub.safetensors")
    save_file(want, OUT / "want.safetensors")


if __name__ == "__main__":
    main()
