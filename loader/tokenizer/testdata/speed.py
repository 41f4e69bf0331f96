#!/usr/bin/env python3
"""Makes tokenizers of a real size and measures the tokenizers library on them.

    python3 loader/tokenizer/testdata/speed.py FOLDER
    SAMARA_TOKENIZER_SPEED=FOLDER go test ./loader/tokenizer -run '^$' -bench Speed

Writes FOLDER/text.txt, one megabyte that is half English prose, a third program
text and the rest of all scripts, all from Python's own library and
testdata/tokenizers; FOLDER/NAME.json, trained on more of the same; and
FOLDER/speed.json, the megabytes per second of processor time of one thread, best of
five, without the time to make Python objects of the ids. Needs tokenizers.
"""

import json
import os
import pathlib
import random
import sys
import sysconfig
import time

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import make
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

MEGABYTE = 1 << 20


def prose():
    """English documentation."""
    library = pathlib.Path(sysconfig.get_path("stdlib"))
    text = (library / "pydoc_data" / "topics.py").read_text()
    return text.encode().decode("unicode_escape", "ignore") if "\\n" in text[:2000] else text


def programs():
    """Program text."""
    library = pathlib.Path(sysconfig.get_path("stdlib"))
    return "\n".join(f.read_text(errors="ignore") for f in sorted(library.glob("*.py")))


def scripts(rng):
    """Texts of every script, without the names of special tokens."""
    texts = [t for t in make.TEXTS if not any(name in t for name in ("<s>", "</s>", "<unk>", "<pad>"))]
    return "\n".join(rng.choice(texts) for _ in range(40000))


def blocks(text, size=4096):
    """Cuts text."""
    return [text[i:i + size] for i in range(0, len(text), size)]


def corpus():
    """The megabyte, and what the tokenizers are trained on."""
    rng = random.Random(1)
    sources = [(prose(), 0.5), (programs(), 0.35), (scripts(rng), 0.15)]
    measured, trained = [], []
    for text, share in sources:
        cut = blocks(text)
        n = int(share * MEGABYTE / 4096)
        assert len(cut) > n // 2, "the library is too small"
        measured += cut[:n]
        trained += cut[:4 * n]
    rng.shuffle(measured)
    raw = "".join(measured).encode()[:MEGABYTE]
    return raw.decode(errors="ignore"), trained


def llama2():
    """A BPE over characters that has no pre-tokenizer."""
    specials = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)]
    tok = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tok.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tok.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    tok.train_from_iterator(make.CORPUS, trainers.BpeTrainer(vocab_size=32000, special_tokens=specials, show_progress=False))
    value = json.loads(tok.to_str())
    value["pre_tokenizer"] = None
    value["added_tokens"] = value["added_tokens"][:3]
    return Tokenizer.from_str(json.dumps(value))


def word_piece():
    """A WordPiece model as BERT's are."""
    tok = make.word_pieces()
    tok.model = models.WordPiece(unk_token="[UNK]")
    tok.train_from_iterator(make.CORPUS, trainers.WordPieceTrainer(
        vocab_size=30000, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    return tok


def unigram():
    """A Unigram model as T5's are."""
    tok = Tokenizer(models.Unigram())
    tok.normalizer = normalizers.Precompiled(make.charsmap("uni-nfkc"))
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tok.decoder = decoders.Metaspace()
    tok.train_from_iterator(make.CORPUS[:len(make.CORPUS) // 2], trainers.UnigramTrainer(
        vocab_size=16000, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False))
    return tok


def main():
    """Writes FOLDER."""
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    text, make.CORPUS = corpus()
    (folder / "text.txt").write_bytes(text.encode())
    size = dict(size=32000)
    makers = {
        "gpt2": lambda: make.byte_level([pre_tokenizers.ByteLevel(add_prefix_space=False)], [], **size),
        "smollm": lambda: make.byte_level([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)], [], **size),
        "llama3": lambda: make.byte_level(make.regex(make.LLAMA3), [], ignore_merges=True, **size),
        "qwen2": lambda: make.byte_level(make.regex(make.QWEN2), [], normalizers.NFC(), **size),
        "o200k": lambda: make.byte_level(make.regex(make.O200K), [], **size),
        "tekken": lambda: make.byte_level(make.regex(make.TEKKEN), [], ignore_merges=True, **size),
        "deepseek": lambda: make.byte_level(make.regex(*make.DEEPSEEK), [], **size),
        "llama2": llama2,
        "bert": word_piece,
        "t5": unigram,
    }
    speed = {}
    for name, maker in makers.items():
        file = folder / (name + ".json")
        if not file.exists():
            maker().save(str(file), pretty=False)
        tok = Tokenizer.from_file(str(file))
        tok.encode_special_tokens = True
        best = float("inf")
        for _ in range(5):
            begin = time.thread_time()
            encoding = tok.encode(text, add_special_tokens=False)
            best = min(best, time.thread_time() - begin)
        speed[name] = {"mb_per_s": round(len(text.encode()) / 1e6 / best, 3), "ids": len(encoding.ids)}
        print(name, speed[name], file=sys.stderr)
    (folder / "speed.json").write_text(json.dumps(speed, indent=1) + "\n")


if __name__ == "__main__":
    main()
