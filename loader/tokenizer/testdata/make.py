#!/usr/bin/env python3
"""Trains the small tokenizers of this folder and writes their vectors.json.

    python3 loader/tokenizer/testdata/make.py

Needs tokenizers and sentencepiece. Each tokenizer is trained on the texts of
testdata/tokenizers/texts.py alone, so all of this is the project's own. Its
vectors hold, for every text, the ids with special tokens as ordinary text
(plain), recognised (special), and with what the model adds around (added);
and what the plain ids decode to. A line that repeats the list before it is
null.
"""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "testdata" / "tokenizers"))

import sentencepiece
from texts import TEXTS
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors,
                        trainers)

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
TAIL = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
LLAMA3 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}" + TAIL
QWEN2 = CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}" + TAIL
TEKKEN = (rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*|\p{{N}}"
          r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
O200K = (rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{CONTRACTIONS}?|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{CONTRACTIONS}?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK = [r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+",
            r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"""
            r"|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
            r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]
CORPUS = [t for t in TEXTS for _ in range(3)]


def byte_level(splits, specials, normalizer=None, ignore_merges=False, bos=None, size=700):
    """A byte-level BPE whose pre-tokenizer is splits, then the bytes."""
    tok = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    tok.pre_tokenizer = pre_tokenizers.Sequence(splits) if len(splits) > 1 else splits[0]
    tok.decoder = decoders.ByteLevel()
    if normalizer:
        tok.normalizer = normalizer
    tok.train_from_iterator(CORPUS, trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tok.add_special_tokens(specials)
    if bos:
        tok.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, tok.token_to_id(bos))])])
    return tok


def regex(*patterns):
    """Splits by patterns, then bytes without a pattern of their own."""
    return [pre_tokenizers.Split(Regex(p), "isolated") for p in patterns] + [
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]


def characters(normalizer=None, pre=None, decoder=None, fallback=True, fuse=True, bos=False):
    """A BPE over characters, the way converted SentencePiece models are."""
    specials = ["<unk>", "<s>", "</s>"] + ([f"<0x{b:02X}>" for b in range(256)] if fallback else [])
    tok = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=fuse, byte_fallback=fallback))
    if normalizer:
        tok.normalizer = normalizer
    if pre:
        tok.pre_tokenizer = pre
    tok.decoder = decoder
    alphabet = sorted(set("".join(TEXTS[:80])))
    tok.train_from_iterator(CORPUS[:300], trainers.BpeTrainer(
        vocab_size=900, special_tokens=specials, limit_alphabet=len(alphabet), max_token_length=12, show_progress=False))
    value = json.loads(tok.to_str())
    value["added_tokens"] = value["added_tokens"][:3]  # the byte tokens are no added tokens
    tok = Tokenizer.from_str(json.dumps(value))
    if bos:
        tok.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    return tok


def tokenizers():
    """Every tokenizer.json of this folder, by name."""
    chatml = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    llama2 = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    odd = byte_level(regex(QWEN2), chatml, normalizers.NFC())
    odd.add_tokens([
        AddedToken("fox", single_word=True), AddedToken("café", normalized=True), AddedToken("<think>", normalized=False),
        AddedToken("[INST]", lstrip=True, normalized=False), AddedToken("[/INST]", rstrip=True, normalized=False),
        AddedToken("  a", normalized=False), AddedToken("word word", normalized=False), AddedToken("word", single_word=True)])
    odd.add_special_tokens([AddedToken("<s>", lstrip=True, rstrip=True), AddedToken("</s>", normalized=True), "<|im"])
    return {
        "gpt2": byte_level([pre_tokenizers.ByteLevel(add_prefix_space=False)], ["<|endoftext|>"]),
        "prefixed": byte_level([pre_tokenizers.ByteLevel(add_prefix_space=True)], ["<s>", "</s>"]),
        "smollm": byte_level([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)], chatml),
        "digits": byte_level([pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.Digits(individual_digits=False),
                              pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)], chatml, normalizers.Lowercase()),
        "llama3": byte_level(regex(LLAMA3), ["<|begin_of_text|>", "<|eot_id|>"], ignore_merges=True, bos="<|begin_of_text|>"),
        "qwen2": byte_level(regex(QWEN2), chatml, normalizers.NFC()),
        "tekken": byte_level(regex(TEKKEN), ["<s>", "</s>", "[INST]", "[/INST]"], ignore_merges=True, bos="<s>"),
        "o200k": byte_level(regex(O200K), ["<|endoftext|>"]),
        "deepseek": byte_level(regex(*DEEPSEEK), ["<｜begin▁of▁sentence｜>"], bos="<｜begin▁of▁sentence｜>"),
        "odd": odd,
        "behaviors": byte_level([
            pre_tokenizers.Split(",", "merged_with_previous"), pre_tokenizers.Split("(", "merged_with_next"),
            pre_tokenizers.Split(Regex(r"[A-Z]+"), "contiguous"), pre_tokenizers.Split(Regex(r"\S+"), "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)], chatml, normalizers.NFKC()),
        "llama2": characters(normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None, llama2, bos=True),
        "metaspace": characters(None, pre_tokenizers.Metaspace(prepend_scheme="first", split=False), llama2, bos=True),
        "metasplit": characters(None, pre_tokenizers.Metaspace(), decoders.Metaspace(), fallback=False),
        "t5": unigram(normalizers.Sequence([normalizers.Precompiled(charsmap("uni-nfkc")), normalizers.Replace(Regex(" {2,}"), " ")]),
                      pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]),
                      decoders.Metaspace(), ["<pad>", "</s>", "<unk>"]),
        "albert": unigram(normalizers.Sequence([normalizers.Nmt(), normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()]),
                          pre_tokenizers.Metaspace(prepend_scheme="first", split=False), llama2, ["<unk>", "<s>", "</s>"], fallback=True),
        "bert": word_pieces(),
        "bertcased": word_pieces(cased=True, lowercase=False, handle_chinese_chars=False),
        "unfused": characters(normalizers.Strip(), pre_tokenizers.Metaspace(prepend_scheme="never"), decoders.Metaspace(prepend_scheme="never"), fallback=False, fuse=False),
    }


def unigram(normalizer, pre, decoder, specials, fallback=False):
    """A Unigram model the way converted SentencePiece models are."""
    tok = Tokenizer(models.Unigram())
    tok.normalizer, tok.pre_tokenizer, tok.decoder = normalizer, pre, decoder
    tok.train_from_iterator(CORPUS[:400], trainers.UnigramTrainer(
        vocab_size=600, special_tokens=specials, unk_token="<unk>", show_progress=False))
    value = json.loads(tok.to_str())
    if fallback:
        value["model"]["byte_fallback"] = True
        value["model"]["vocab"] += [[f"<0x{b:02X}>", 0.0] for b in range(256)]
    tok = Tokenizer.from_str(json.dumps(value))
    tok.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", tok.token_to_id("</s>"))])
    return tok


def charsmap(name):
    """The compiled normalisation table of a .model of this folder."""
    from sentencepiece import sentencepiece_model_pb2
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString((HERE / (name + ".model")).read_bytes())
    return proto.normalizer_spec.precompiled_charsmap


def word_pieces(cased=False, **options):
    """A WordPiece model as BERT's are."""
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tok = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=20 if cased else 100))
    tok.normalizer = normalizers.BertNormalizer(**options)
    tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tok.decoder = decoders.WordPiece(cleanup=not cased)
    tok.train_from_iterator(CORPUS, trainers.WordPieceTrainer(vocab_size=900, special_tokens=specials, show_progress=False))
    tok.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return tok


def sentencepieces():
    """Trains every .model of this folder; returns their names."""
    rules = HERE / "rules.tsv"
    rules.write_text("FF41\t61\nFB01\t66 69\n65 301\tE9\n2026\t2E 2E 2E\nA0\t20\n3000\t20\n200B\t\n")
    common = dict(sentence_iterator=None, model_type="bpe", vocab_size=700, minloglevel=2, num_threads=1)
    for name, options in {
        "spm-fallback": dict(byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False,
                             character_coverage=0.99, allow_whitespace_only_pieces=True, split_digits=True),
        "spm-trimmed": dict(normalization_rule_tsv=str(rules), user_defined_symbols=["[INST]", "<a b>", "\t"], character_coverage=0.99),
        "spm-bare": dict(byte_fallback=True, normalization_rule_name="identity", add_dummy_prefix=False, bos_id=-1,
                         character_coverage=0.99, remove_extra_whitespaces=False, user_defined_symbols=["  ", "<|im_end|>"]),
        "uni-nfkc": dict(model_type="unigram", hard_vocab_limit=False, normalization_rule_name="nmt_nfkc", character_coverage=0.99),
        "uni-bare": dict(model_type="unigram", hard_vocab_limit=False, byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False,
                         add_dummy_prefix=False, character_coverage=0.98),
        "uni-symbols": dict(model_type="unigram", hard_vocab_limit=False, normalization_rule_tsv=str(rules), character_coverage=0.99,
                            user_defined_symbols=["[INST]", "<a b>", "the", "fo"]),
    }.items():
        options = common | options | dict(sentence_iterator=iter(t.replace("\n", " ").replace("\0", " ") for t in CORPUS[:None if name.startswith("uni") else 240]), model_prefix=str(HERE / name))
        sentencepiece.SentencePieceTrainer.train(**options)
        (HERE / (name + ".vocab")).unlink()
    rules.unlink()
    return ["spm-bare", "spm-fallback", "spm-trimmed", "uni-bare", "uni-nfkc", "uni-symbols"]


def vectors(tok):
    """The ids of every text, and what they decode to."""
    out = {}
    tok.encode_special_tokens = True
    out["plain"] = [tok.encode(t, add_special_tokens=False).ids for t in TEXTS]
    out["decoded"] = [tok.decode(ids, skip_special_tokens=True) for ids in out["plain"]]
    tok.encode_special_tokens = False
    out["special"] = [tok.encode(t, add_special_tokens=False).ids for t in TEXTS]
    out["added"] = [tok.encode(t, add_special_tokens=True).ids for t in TEXTS]
    return out


def rows(values):
    """A JSON array with one value a line."""
    return "[\n" + ",\n".join(json.dumps(v, separators=(",", ":"), ensure_ascii=False) for v in values) + "\n]"


def main():
    """Writes the tokenizers and vectors.json."""
    found = {}
    models_made = sentencepieces()
    for name, tok in tokenizers().items():
        tok.save(str(HERE / (name + ".json")), pretty=False)
        found[name] = vectors(tok)
    for name in models_made:
        model = sentencepiece.SentencePieceProcessor(model_file=str(HERE / (name + ".model")))
        found[name] = {"plain": [model.encode(t) for t in TEXTS]}
        found[name]["decoded"] = [model.decode(ids) for ids in found[name]["plain"]]
    parts = [f'"texts":{rows(TEXTS)}']
    for name, value in found.items():
        for later, earlier in (("added", "special"), ("special", "plain"), ("decoded", None)):
            before = value.get(earlier, TEXTS)
            if later in value:
                value[later] = [None if x == y else x for x, y in zip(value[later], before)]
        parts.append(f'"{name}":{{' + ",\n".join(f'"{k}":{rows(v)}' for k, v in value.items()) + "}")
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    json.loads(text)
    (HERE / "vectors.json").write_text(text)


if __name__ == "__main__":
    main()
