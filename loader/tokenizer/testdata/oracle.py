#!/usr/bin/env python3
"""Tokenizes texts with other programs, for TestOracle.

Reads {"files": [...], "texts": [...], "many": [...], "few": ...} from stdin;
writes one JSON object a line, {"file": ..., "ids": [[...], ...]}: plain ids,
special tokens in the text being ordinary characters; of all texts for files
named in many, of the first few for others. "mistral" among the files stands for every model in
mistral-common's data folder; a .gguf must hold SmolLM2's tokenizer.
"""

import json
import pathlib
import sys


def tekken(path):
    """A tekken.json, by mistral-common."""
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer
    tok = Tekkenizer.from_file(path)
    return lambda text: tok.encode(text, bos=False, eos=False)


def hub(path):
    """A tokenizer.json, by tokenizers."""
    from tokenizers import Tokenizer
    tok = Tokenizer.from_file(path)
    tok.encode_special_tokens = True
    tok.no_truncation()
    tok.no_padding()
    return lambda text: tok.encode(text, add_special_tokens=False).ids


def sentencepiece(path):
    """A tokenizer.model, by sentencepiece."""
    import sentencepiece
    return sentencepiece.SentencePieceProcessor(model_file=path).encode


def smollm(path):
    """The vocabulary of a gguf whose pre-tokenizer is "smollm", by tokenizers."""
    from gguf import GGUFReader
    from tokenizers import Tokenizer, models, pre_tokenizers
    fields = GGUFReader(path).fields
    assert fields["tokenizer.ggml.pre"].contents() == "smollm"
    tokens = fields["tokenizer.ggml.tokens"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
    assert not any(t == 4 for t in types)
    tok = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges))
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    return lambda text: tok.encode(text, add_special_tokens=False).ids


def main():
    """Answers one request."""
    request = json.load(sys.stdin)
    files = [f for f in request["files"] if f != "mistral"]
    if "mistral" in request["files"]:
        import mistral_common
        folder = pathlib.Path(mistral_common.__file__).parent / "data"
        files += sorted(str(f) for f in folder.iterdir() if ".model" in f.name or f.name.startswith("tekken"))
    for file in files:
        name = pathlib.Path(file).name
        if name.endswith(".gguf"):
            encode = smollm(file)
        elif name.endswith(".json"):
            encode = tekken(file) if name.startswith("tekken_") else hub(file)
        else:
            encode = sentencepiece(file)
        texts = request["texts"] if name in request["many"] else request["texts"][:request["few"]]
        print(json.dumps({"file": file, "ids": [encode(t) for t in texts]}))


if __name__ == "__main__":
    main()
