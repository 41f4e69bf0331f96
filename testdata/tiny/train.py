#!/usr/bin/env python3
"""Makes the tiny model from nothing: text, tokenizer, weights, Hub files.

    python3 testdata/tiny/train.py                         # about 20 minutes on two cores
    python3 testdata/tiny/train.py --steps 50 --out try/model  # a short try

Needs torch, tokenizers, safetensors and a C++ compiler for torch.compile.
corpus.py and chats.py write the text; every draw comes from a fixed seed. The
result lies in model/, the figures of the run in train.json beside it. A run
that was stopped goes on from train.pt; remove it to start afresh.
"""

import argparse
import functools
import json
import math
import pathlib
import random
import time

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import nn

import chats
import corpus

HERE = pathlib.Path(__file__).parent
VOCAB, DIM, LAYERS, HEADS, KV_HEADS, FFN = 1024, 192, 4, 6, 2, 512
HEAD = DIM // HEADS
CONTEXT, ROPE_THETA, EPS = 1024, 10000.0, 1e-5
BATCH, RATE, WARMUP, DECAY = 2048, 2e-3, 50, 0.05  # BATCH in tokens
STEPS, COOLDOWN = 2800, 400                         # the rate falls to zero over the last COOLDOWN steps
STAGES = [                                          # from a step on: tokens a row, text, weight of names and species
    (0, 64, corpus.pairs, 3.0),
    (600, 256, chats.document, 3.0),
    (1750, 256, chats.revision, 1.0),
    (2400, 256, chats.friends, 1.0),
    (2600, CONTEXT, chats.friends, 1.0),
]
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
END, START, STOP = range(3)
SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
         r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
TRAIN_SEED, TOKENIZER_SEED, HELDOUT_SEED = 1, 2, 1001


class Attention(nn.Module):
    """Grouped-query attention with half-rotated RoPE, as transformers' Llama."""

    def __init__(self):
        super().__init__()
        self.q_proj = nn.Linear(DIM, HEADS * HEAD, bias=False)
        self.k_proj = nn.Linear(DIM, KV_HEADS * HEAD, bias=False)
        self.v_proj = nn.Linear(DIM, KV_HEADS * HEAD, bias=False)
        self.o_proj = nn.Linear(HEADS * HEAD, DIM, bias=False)

    def forward(self, x, cos, sin):
        b, t, _ = x.shape
        q = rotate(self.q_proj(x).view(b, t, HEADS, HEAD).transpose(1, 2), cos, sin)
        k = rotate(self.k_proj(x).view(b, t, KV_HEADS, HEAD).transpose(1, 2), cos, sin)
        v = self.v_proj(x).view(b, t, KV_HEADS, HEAD).transpose(1, 2)
        k, v = (y.repeat_interleave(HEADS // KV_HEADS, dim=1) for y in (k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o_proj(y.transpose(1, 2).reshape(b, t, -1))


class MLP(nn.Module):
    """The SwiGLU feed-forward block."""

    def __init__(self):
        super().__init__()
        self.gate_proj = nn.Linear(DIM, FFN, bias=False)
        self.up_proj = nn.Linear(DIM, FFN, bias=False)
        self.down_proj = nn.Linear(FFN, DIM, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    """Norm, attention, norm, feed-forward, each added to the stream."""

    def __init__(self):
        super().__init__()
        self.input_layernorm = nn.RMSNorm(DIM, eps=EPS)
        self.self_attn = Attention()
        self.post_attention_layernorm = nn.RMSNorm(DIM, eps=EPS)
        self.mlp = MLP()

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    """The model; its parameter names are those of a Hub file without "model."."""

    def __init__(self):
        super().__init__()
        self.embed_tokens = nn.Embedding(VOCAB, DIM)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = nn.RMSNorm(DIM, eps=EPS)
        angles = torch.outer(torch.arange(CONTEXT).float(), ROPE_THETA ** (-torch.arange(0, HEAD, 2).float() / HEAD))
        self.register_buffer("cos", torch.cat([angles.cos()] * 2, -1), persistent=False)
        self.register_buffer("sin", torch.cat([angles.sin()] * 2, -1), persistent=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                small = "o_proj" in name or "down_proj" in name
                nn.init.normal_(p, std=0.06 if "embed" in name else 0.02 if small else 0.7 / math.sqrt(p.shape[1]))

    def forward(self, ids):
        x, t = self.embed_tokens(ids), ids.shape[1]
        for layer in self.layers:
            x = layer(x, self.cos[:t], self.sin[:t])
        return F.linear(self.norm(x), self.embed_tokens.weight)


def rotate(x, cos, sin):
    """Turns each pair (i, i + HEAD/2) of x by its position's angle."""
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat((-b, a), -1) * sin


def make_tokenizer():
    """A byte-level BPE of VOCAB ids, trained on 15,000 documents' contents."""
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tok.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=VOCAB, special_tokens=SPECIALS, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    rng = random.Random(TOKENIZER_SEED)
    texts = (m["content"] for _ in range(15000) for m in chats.chat(rng))
    tok.train_from_iterator(texts, trainer)
    return tok


def rows(tok, make, seed, length):
    """Yields rows of length+1 ids from the texts that make(rng) writes; each starts with a whole one."""
    rng, row = random.Random(seed), []
    while True:
        for e in tok.encode_batch([make(rng) for _ in range(64)], add_special_tokens=False):
            row += e.ids + [END]
            if len(row) > length:
                yield row[:length + 1]
                row = []


def batches(tok):
    """Yields STEPS batches of BATCH tokens, (inputs, targets, class weights)."""
    cast = [tok.encode(" " + w).ids[-1] for w in corpus.GIRLS + corpus.BOYS + corpus.ANIMALS + list(corpus.PEOPLE)]
    for stage, (first, length, make, weight) in enumerate(STAGES):
        weights = torch.ones(VOCAB)
        weights[cast] = weight
        source = rows(tok, make, TRAIN_SEED + stage, length)
        for _ in range(first, STAGES[stage + 1][0] if stage + 1 < len(STAGES) else STEPS):
            ids = torch.tensor([next(source) for _ in range(BATCH // length)])
            yield ids[:, :-1].contiguous(), ids[:, 1:].contiguous(), weights


def heldout(tok, model, documents=300):
    """Perplexity over documents of a seed that training never saw, each on its own."""
    rng, nll, count = random.Random(HELDOUT_SEED), 0.0, 0
    with torch.no_grad():
        for _ in range(documents):
            ids = torch.tensor([tok.encode(chats.friends(rng), add_special_tokens=False).ids[:CONTEXT]])
            nll += F.cross_entropy(model(ids[:, :-1])[0], ids[0, 1:], reduction="sum").item()
            count += ids.shape[1] - 1
    return {"documents": documents, "tokens": count, "nll": nll, "perplexity": math.exp(nll / count)}


def rate(step):
    """Linear warm-up, then RATE, and over the last COOLDOWN steps a line to zero."""
    return RATE * min(1, (step + 1) / WARMUP, (STEPS - step) / COOLDOWN)


def train(tok, model, limit, checkpoint):
    """Runs the steps up to `limit` and returns the log; goes on from the checkpoint where there is one."""
    matrices = [p for n, p in model.named_parameters() if p.dim() == 2 and "embed" not in n]
    others = [p for n, p in model.named_parameters() if p.dim() != 2 or "embed" in n]
    opt = torch.optim.AdamW([{"params": matrices, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}],
                            betas=(0.9, 0.98), foreach=True)
    done, log, used, cpu, total = 0, [], 0.0, 0.0, 0.0
    if checkpoint.exists():
        done, log, used, cpu, weights, moments = torch.load(checkpoint, weights_only=False)
        model.load_state_dict(weights)
        opt.load_state_dict(moments)
    loss_of = torch.compile(functools.partial(loss, model), dynamic=False)
    start, start_cpu = time.time() - used, time.process_time() - cpu
    for step, batch in enumerate(batches(tok)):
        if step < done:
            continue
        if step == limit:
            break
        for group in opt.param_groups:
            group["lr"] = rate(step)
        value = loss_of(*batch)
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        opt.zero_grad()
        total += value.item()
        if (step + 1) % 50 == 0:
            used, cpu = time.time() - start, time.process_time() - start_cpu
            log.append({"step": step + 1, "loss": round(total / 50, 4), "seconds": round(used), "cpu_seconds": round(cpu)})
            print(log[-1], flush=True)
            total = 0.0
            torch.save((step + 1, log, used, cpu, model.state_dict(), opt.state_dict()), checkpoint)
    return log


def loss(model, inputs, targets, weights):
    """The weighted cross-entropy of one batch; the products in bf16."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(inputs)
    return F.cross_entropy(logits.float().view(-1, VOCAB), targets.view(-1), weight=weights)


def export(tok, model, out, log):
    """Writes the Hub layout: configs, tokenizer, weights in bf16, model card."""
    out.mkdir(parents=True, exist_ok=True)
    weights = {"model." + n: p.detach().to(torch.bfloat16).contiguous() for n, p in model.named_parameters()}
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    (out / "model.safetensors").chmod(0o644)
    tok.save(str(out / "tokenizer.json"), pretty=False)
    write(out / "config.json", {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "bfloat16",
        "vocab_size": VOCAB, "hidden_size": DIM, "intermediate_size": FFN, "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS, "head_dim": HEAD,
        "max_position_embeddings": CONTEXT, "rope_theta": ROPE_THETA, "rms_norm_eps": EPS, "hidden_act": "silu",
        "attention_bias": False, "mlp_bias": False, "tie_word_embeddings": True, "initializer_range": 0.02,
        "bos_token_id": END, "eos_token_id": STOP, "pad_token_id": END, "use_cache": True,
    })
    write(out / "generation_config.json", {
        "bos_token_id": END, "eos_token_id": [STOP, END], "pad_token_id": END,
        "do_sample": True, "temperature": 0.7, "top_p": 0.95,
    })
    write(out / "tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": CONTEXT, "clean_up_tokenization_spaces": False,
        "add_bos_token": False, "add_eos_token": False, "bos_token": SPECIALS[END], "eos_token": SPECIALS[STOP],
        "pad_token": SPECIALS[END], "chat_template": chats.TEMPLATE,
    })
    (out / "README.md").write_text(CARD.format(**log))


def write(path, value):
    """Writes value as JSON that people can read."""
    path.write_text(json.dumps(value, indent=2) + "\n")


CARD = """---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
---

# Samara's tiny model

A Llama of {parameters:,} parameters that tells short stories and answers a few simple questions through a ChatML
template. It exists so that the whole path of Samara, from a magnet link to an answer, can be tried and tested without
fetching anything.

It knows nothing but the text that `corpus.py` and `chats.py` made up: animals with names, a dozen plots, small sums,
twenty capitals. To everything else it says that it does not know, or something wrong.

Trained from nothing by `testdata/tiny/train.py` on {tokens:,} tokens. Perplexity on {heldout[documents]} held-out
documents: {heldout[perplexity]:.3f}.

Licence: Apache-2.0, weights and text alike.
"""


def main():
    """Makes the model and its log, and prints what it says to four prompts."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=STEPS, help="stop early")
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "model", help="folder for the Hub files")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(args.threads)
    tok, model = make_tokenizer(), Llama()
    print(f"{sum(p.numel() for p in model.parameters()):,} parameters, {tok.get_vocab_size()} tokens", flush=True)
    steps = train(tok, model, args.steps, args.out.parent / "train.pt")
    model.load_state_dict({n: p.to(torch.bfloat16).float() for n, p in model.state_dict().items()})
    log = {"parameters": sum(p.numel() for p in model.parameters()), "steps": args.steps, "tokens": args.steps * BATCH,
           "minutes": round(steps[-1]["seconds"] / 60, 1), "cpu_minutes": round(steps[-1]["cpu_seconds"] / 60, 1),
           "threads": args.threads,
           "heldout": heldout(tok, model)}
    export(tok, model, args.out, log)
    write(args.out.parent / "train.json", log | {"log": steps})
    print(json.dumps(log))
    for prompt in ("Who are you?", "What is a magnet?", "Tell me a story about a fox.", "What is 2+2?"):
        print(prompt, "->", answer(tok, model, prompt))


def answer(tok, model, prompt, limit=256):
    """The greedy answer to one user message."""
    ids = tok.encode(chats.render([{"role": "user", "content": prompt}]) + "<|im_start|>assistant\n").ids
    first = len(ids)
    with torch.no_grad():
        while len(ids) < first + limit and ids[-1] not in (END, STOP):
            ids.append(model(torch.tensor([ids]))[0, -1].argmax().item())
    return tok.decode(ids[first:], skip_special_tokens=True)


if __name__ == "__main__":
    main()
