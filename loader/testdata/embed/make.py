#!/usr/bin/env python3
"""Makes a tiny random BERT for embeddings, and what sentence-transformers makes of texts with it.

    python3 loader/testdata/embed/make.py     (needs torch, transformers, tokenizers, sentence-transformers)

model/        the model as sentence-transformers saves it, in BF16
vectors.json  the texts, and by pooling mode their vectors, normalised for "mean" alone
"""

import json
import pathlib
import shutil

import sentence_transformers
import torch
import transformers
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from tokenizers import BertWordPieceTokenizer

OUT = pathlib.Path(__file__).parent
WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] a magnet seed wind the on tree ##s ##let fall ##ing . ,".split()
TEXTS = ["A seed on the wind.", "magnets, seeds, treelets", "the falling seed on a tree, the wind on the falling tree. " * 3,
         "tree", "an unknown word"]
LIMIT = 16


def base(folder):
    """Saves tokenizer and encoder as transformers do."""
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    tokenizer = transformers.BertTokenizerFast(
        tokenizer_object=BertWordPieceTokenizer({w: i for i, w in enumerate(WORDS)})._tokenizer, model_max_length=32)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(3)
    config = transformers.BertConfig(vocab_size=len(WORDS), hidden_size=16, intermediate_size=24, num_hidden_layers=2,
                                     num_attention_heads=2, max_position_embeddings=32, initializer_range=0.3)
    transformers.BertModel(config).to(torch.bfloat16).save_pretrained(folder)


def main():
    """Writes all of it beside this file."""
    torch.set_num_threads(1)
    shutil.rmtree(OUT / "model", ignore_errors=True)
    shutil.rmtree(OUT / "base", ignore_errors=True)
    base(OUT / "base")
    vectors = {}
    for mode in ("cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"):
        t = Transformer(str(OUT / "base"), max_seq_length=LIMIT, model_kwargs={"dtype": torch.float32})
        modules = [t, Pooling(t.get_embedding_dimension(), pooling_mode=mode)]
        if mode == "mean":
            modules.append(Normalize())
        model = sentence_transformers.SentenceTransformer(modules=modules, device="cpu")
        vectors[mode] = [[float(x) for x in v] for v in model.encode(TEXTS, batch_size=1)]
        if mode == "mean":
            model.bfloat16().save(str(OUT / "model"), create_model_card=False)
    shutil.rmtree(OUT / "base")
    (OUT / "vectors.json").write_text(json.dumps({"texts": TEXTS, "vectors": vectors}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
