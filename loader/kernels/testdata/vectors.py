#!/usr/bin/env python3
"""Makes dequant.json: random blocks of every quantised type and what the gguf package reads in them.

    python3 loader/kernels/testdata/vectors.py     (needs numpy and gguf)

Scales are float16 numbers of ordinary size; all other bits are random, so that
every bit pattern of nibbles, bit pairs and 6-bit scales occurs.
"""

import base64
import json
import pathlib

import gguf
import numpy

BLOCKS = 6
BLOCKS_OF_256 = 3
# Byte offsets of the float16 numbers in a block.
HALVES = {"Q4_0": [0], "Q4_1": [0, 2], "Q8_0": [0], "Q4_K": [0, 2], "Q6_K": [208], "Q5_0": [0], "Q5_1": [0, 2],
          "Q2_K": [80, 82], "Q3_K": [108], "Q5_K": [0, 2], "IQ4_NL": [0], "IQ4_XS": [0], "IQ2_XXS": [0],
          "IQ2_XS": [0], "IQ2_S": [0], "IQ3_XXS": [0], "IQ3_S": [0], "TQ1_0": [52], "TQ2_0": [64],
          "MXFP4": [], "NVFP4": []}


def blocks(kind, rng):
    """Random blocks: [blocks][bytes]."""
    if kind in ("F16", "BF16"):
        values = rng.normal(0, 2, (BLOCKS, 32)).astype(numpy.float32)
        values[0, :4] = [0.0, -0.0, 1e-6, -3e-7]  # subnormal float16 numbers among them
        return gguf.quantize(values, gguf.GGMLQuantizationType[kind]).view(numpy.uint8)
    values, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]]
    n = BLOCKS_OF_256 if values == 256 else BLOCKS
    out = rng.integers(0, 256, (n, size), dtype=numpy.uint8)
    for offset in HALVES[kind]:
        half = rng.normal(0, 0.1, n).astype(numpy.float16)
        out[:, offset:offset + 2] = half.view(numpy.uint8).reshape(n, 2)
    if kind == "MXFP4":
        out[:, 0] = [0, 1, 2, 100, 127, 140]  # powers of two, the smallest among them
    if kind == "NVFP4":
        out[0, :4] = [0, 3, 0x7f, 0x80]  # scales that are zero, subnormal, no number, signed
    return out


def main():
    """Writes the file beside this one."""
    rng = numpy.random.default_rng(1)
    out = {}
    for kind in ["F16", "BF16", *HALVES]:
        data = blocks(kind, rng)
        want = gguf.dequantize(data, gguf.GGMLQuantizationType[kind]).astype("<f4")
        out[kind] = {name: base64.b64encode(a.tobytes()).decode() for name, a in [("blocks", data), ("values", want)]}
    path = pathlib.Path(__file__).with_name("dequant.json")
    path.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
