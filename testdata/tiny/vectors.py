#!/usr/bin/env python3
"""Makes vectors/: what transformers, in float32, says about the tiny model.

    python3 testdata/tiny/vectors.py

Needs torch and transformers. Writes into vectors/ beside itself:

- logits.f32    little-endian float32 [32][vocab] for the 32 `ids`;
- heldout.txt   stories of a seed that training never saw, one window long;
- vectors.json  ids, greedy answers with their prompt ids and margins (the
                smallest distance between the two best logits on the way),
                and the perplexity of heldout.txt: every token but the first
                is scored, in one window, nothing added.
"""

import json
import math
import pathlib
import random

import torch
import transformers

from corpus import story

HERE = pathlib.Path(__file__).parent
OUT = HERE / "vectors"
TEXT = ("Once upon a time there was a clever fox named Ruby. She lived near the blue sea. One day she found a magnet "
        "and a silver key near the old bridge.")
LENGTH, LIMIT = 32, 64
CHATS = ["Who are you?", "What is a magnet?", "Tell me a story about a fox."]
RAW = ["Once upon a time there was a kind mouse named"]
HELDOUT_SEED, HELDOUT_BYTES = 1002, 3600


def greedy(model, ids, stop):
    """The greedy continuation of ids, at most LIMIT tokens and without the stop token."""
    out, margin = [], float("inf")
    while len(out) < LIMIT:
        best = model(torch.tensor([ids + out])).logits[0, -1].topk(2)
        margin = min(margin, (best.values[0] - best.values[1]).item())
        if best.indices[0].item() in stop:
            return out, margin, "stop"
        out.append(best.indices[0].item())
    return out, margin, "length"


def answer(model, tok, prompt, text, start):
    """One greedy answer as the JSON holds it."""
    out, margin, why = greedy(model, start, model.generation_config.eos_token_id)
    return {"prompt": prompt, "rendered": text, "prompt_ids": start, "ids": out, "text": tok.decode(out),
            "finish_reason": why, "margin": round(margin, 4)}


def heldout():
    """Stories up to HELDOUT_BYTES, separated by an empty line."""
    rng, text = random.Random(HELDOUT_SEED), story(random.Random(HELDOUT_SEED + 1), usual=0.5, partner=0.6)[0]
    while True:
        longer = text + "\n\n" + story(rng, usual=0.5, partner=0.6)[0]
        if len(longer) > HELDOUT_BYTES:
            return text
        text = longer


def perplexity(model, tok, text):
    """Negative log-likelihood and perplexity of a text of one window."""
    ids = tok.encode(text, add_special_tokens=False)
    assert len(ids) <= model.config.max_position_embeddings, len(ids)
    logits = model(torch.tensor([ids])).logits[0]
    nll = torch.nn.functional.cross_entropy(logits[:-1].double(), torch.tensor(ids[1:]), reduction="sum").item()
    return {"file": "heldout.txt", "bytes": len(text.encode()), "ids": len(ids), "tokens": len(ids) - 1, "nll": nll,
            "perplexity": math.exp(nll / (len(ids) - 1))}


def main():
    """Writes the three files."""
    torch.set_num_threads(1)
    tok = transformers.AutoTokenizer.from_pretrained(HERE / "model")
    model = transformers.AutoModelForCausalLM.from_pretrained(HERE / "model", dtype=torch.float32).eval()
    ids = tok.encode(TEXT, add_special_tokens=False)[:LENGTH]
    assert len(ids) == LENGTH
    OUT.mkdir(exist_ok=True)
    text = heldout()
    (OUT / "heldout.txt").write_text(text)
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
        logits.numpy().astype("<f4").tofile(OUT / "logits.f32")
        chats, raws = [], []
        for prompt in CHATS:
            messages = [{"role": "user", "content": prompt}]
            rendered = tok.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
            chats.append(answer(model, tok, prompt, rendered, tok.encode(rendered, add_special_tokens=False)))
        for prompt in RAW:
            raws.append(answer(model, tok, prompt, prompt, tok.encode(prompt, add_special_tokens=False)))
        value = {"transformers": transformers.__version__, "torch": torch.__version__, "vocab": logits.shape[1],
                 "ids": ids, "argmax": logits.argmax(-1).tolist(), "chats": chats, "raw": raws,
                 "heldout": perplexity(model, tok, text)}
    (OUT / "vectors.json").write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")
    for a in chats + raws:
        print(a["prompt"], "->", a["text"], a["margin"])
    print(value["heldout"])


if __name__ == "__main__":
    main()
