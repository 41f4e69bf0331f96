"""Asks one question with the openai client, whole and streamed:

    OPENAI_API_KEY=TOKEN ask.py BASE_URL MODEL QUESTION
"""

import json
import sys

import openai

base, model, question = sys.argv[1:]
client = openai.OpenAI(base_url=base, max_retries=0)
messages = [{"role": "user", "content": question}]

whole = client.chat.completions.create(model=model, messages=messages, temperature=0)
pieces, usage = [], None
for chunk in client.chat.completions.create(
    model=model, messages=messages, temperature=0, stream=True, stream_options={"include_usage": True}
):
    if chunk.choices and chunk.choices[0].delta.content:
        pieces.append(chunk.choices[0].delta.content)
    usage = chunk.usage or usage
try:
    client.chat.completions.create(model="nobody/none", messages=messages)
    unknown = "answered"
except openai.NotFoundError as e:
    unknown = e.code
json.dump({
    "whole": whole.choices[0].message.content,
    "finish": whole.choices[0].finish_reason,
    "streamed": "".join(pieces),
    "tokens": usage.completion_tokens,
    "models": [m.id for m in client.models.list()],
    "unknown": unknown,
}, sys.stdout)
