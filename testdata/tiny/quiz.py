#!/usr/bin/env python3
"""Asks the tiny model every question it was taught, greedily, and counts exact answers.

    python3 testdata/tiny/quiz.py

Then it asks for a story about every species, at temperature 0.7 with a fixed
seed, and counts those that keep to one hero of that species and one friend:
two names, two species. Needs torch and transformers; prints what went wrong,
then the counts.
"""

import pathlib
import re

import torch
import transformers

import chats
from corpus import ANIMALS, BOYS, GIRLS, PEOPLE, article

MODEL = pathlib.Path(__file__).parent / "model"


def questions():
    """Every question in its usual form, with its answer."""
    yield from ((q[0], a) for q, a in chats.FACTS)
    yield from ((q, chats.DONT_KNOW) for q in chats.UNKNOWN)
    yield from ((f"What is {a}+{b}?", f"{a} plus {b} is {a + b}.") for a in range(6) for b in range(6))
    yield from ((f"What is the capital of {k}?", f"The capital of {k} is {w}.") for k, w in chats.CAPITALS.items())
    yield from ((f"What is the opposite of {k}?", f"The opposite of {k} is {w}.") for k, w in chats.OPPOSITES.items())
    yield from ((f"What color is {k}?", f"{k[0].upper()}{k[1:]} is {w}.") for k, w in chats.COLORS.items())
    for k, w in chats.SOUNDS.items():
        yield f"What does {article(k)} say?", f"{article(k).capitalize()} says {w}."
    for k, w in chats.LEGS.items():
        yield f"How many legs does {article(k)} have?", f"{article(k).capitalize()} has {w} legs."
    for k, w in chats.KINDS.items():
        yield f"What is {article(k)}?", f"{article(k).capitalize()} is {w}."


def ask(tok, model, question, **how):
    """The model's answer to one message."""
    text = tok.apply_chat_template([{"role": "user", "content": question}], add_generation_prompt=True, tokenize=False)
    ids = torch.tensor([tok.encode(text, add_special_tokens=False)])
    out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=300, **how)
    return tok.decode(out[0, ids.shape[1]:], skip_special_tokens=True)


def coherent(species, text):
    """Whether a story has two names and two species, the one that was asked for among them."""
    words = set(re.findall(r"[A-Za-z]+", text))
    kinds = words & set(ANIMALS + list(PEOPLE))
    return len(words & set(GIRLS + BOYS)) == 2 and len(kinds) == 2 and species in kinds


def main():
    """Runs the quiz and the stories."""
    torch.manual_seed(1)
    tok = transformers.AutoTokenizer.from_pretrained(MODEL)
    model = transformers.AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32).eval()
    right = count = 0
    for question, want in questions():
        got = ask(tok, model, question, do_sample=False, temperature=None, top_p=None)
        right, count = right + (got == want), count + 1
        if got != want:
            print(f"{question} -> {got}")
    print(f"{right} of {count} questions")
    whole, kinds = 0, ANIMALS + list(PEOPLE)
    for species in kinds:
        text = ask(tok, model, f"Tell me a story about {article(species)}.", do_sample=True, temperature=0.7, top_p=0.95)
        whole += coherent(species, text)
        if not coherent(species, text):
            print(f"{species}: {text}")
    print(f"{whole} of {len(kinds)} stories")


if __name__ == "__main__":
    main()
