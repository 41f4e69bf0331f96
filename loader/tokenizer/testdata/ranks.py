#!/usr/bin/env python3
"""Makes ranks.model, a tokenizer.model as Meta writes it, and ranks.json: texts and their ids by tiktoken.

    python3 loader/tokenizer/testdata/ranks.py     (needs tiktoken)

The tokens are those of llama3.json beside this file.
"""

import base64
import json
import pathlib

import tiktoken

HERE = pathlib.Path(__file__).parent
TEXTS = ["", "hello world", "The tokens are those of llama3.json.", "I'll say it's 12345 o'clock, isn't it?", "  two  spaces\n\n\tand tabs\r\n",
         "naïve café über straße", "日本語のテキスト", "👩‍👩‍👧 family", "for (int i = 0; i < 10; i++) { x += i; }", "a\u0301 combining", "\x00\x01\x7f",
         "<|eot_id|> in a text", "x" * 50, "١٢٣ ۴۵۶", "ЁЖИК и туман", "...!?!?", "https://example.org/a?b=c&d=%20"]


def alphabet():
    """Characters that stand for bytes in byte-level vocabularies."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    return {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(rest)}


def main():
    """Writes both files."""
    model = json.loads((HERE / "llama3.json").read_text())
    letters = alphabet()
    by_id = sorted((i, bytes(letters[c] for c in name)) for name, i in model["model"]["vocab"].items())
    tokens = [t for _, t in by_id]
    (HERE / "ranks.model").write_text("".join(f"{base64.b64encode(t).decode()} {i}\n" for i, t in enumerate(tokens)))
    pattern = model["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"]
    enc = tiktoken.Encoding("t", pat_str=pattern, mergeable_ranks={t: i for i, t in enumerate(tokens)}, special_tokens={})
    (HERE / "ranks.json").write_text(json.dumps([{"text": t, "ids": enc.encode(t, disallowed_special=())} for t in TEXTS], indent=1) + "\n")


if __name__ == "__main__":
    main()
