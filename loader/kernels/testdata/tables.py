#!/usr/bin/env python3
"""Makes ../iqtables.bin: the tables of the IQ2 and IQ3 types, which are part of the format, a byte per value.

    python3 loader/kernels/testdata/tables.py     (needs numpy and gguf)
"""

import pathlib

import gguf.quants
import numpy


def main():
    """Writes the tables in the order that iquants.go cuts them."""
    out = b""
    for name in ["IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S"]:
        kind = getattr(gguf.quants, name)
        kind.init_grid()
        out += kind.grid.astype(numpy.uint8).tobytes()
    pathlib.Path(__file__).parent.with_name("iqtables.bin").write_bytes(out)


if __name__ == "__main__":
    main()
