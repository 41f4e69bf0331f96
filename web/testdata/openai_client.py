"""Talks to a Samara server with OpenAI's own client.

Run by TestOpenAIPythonClient: openai_client.py BASE_URL KEY. The server's model
"ns/m" answers everything with "Hello world" (tokens 7, 8, 9 after prompt 1, 2)
and fails inside the stream where the prompt is "fail".
"""

import sys

import openai

base, key = sys.argv[1:3]
client = openai.OpenAI(base_url=base + "/v1", api_key=key, max_retries=0)
messages = [{"role": "user", "content": "Hi"}]


def raises(kind, call, **facts):
    try:
        call()
    except kind as e:
        for name, want in facts.items():
            got = getattr(e, name)
            assert got == want, (name, got, want)
        return
    raise AssertionError(f"{kind.__name__} was not raised")


# Models.
models = client.models.list().data
assert [m.id for m in models] == ["ns/m:main"], models
assert client.models.retrieve("ns/m").owned_by == "ns"
raises(openai.NotFoundError, lambda: client.models.retrieve("ns/other"), code="model_not_found", param="model")

# A chat, whole.
answer = client.chat.completions.create(model="ns/m", messages=messages, temperature=0, max_tokens=8)
choice = answer.choices[0]
assert choice.message.content == "Hello world" and choice.message.role == "assistant"
assert choice.finish_reason == "stop" and choice.logprobs is None
assert answer.object == "chat.completion" and answer.model == "ns/m"
assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (2, 3, 5)

# A chat, streamed, with and without usage.
for include in (True, False):
    options = {"stream_options": {"include_usage": True}} if include else {}
    chunks = list(client.chat.completions.create(model="ns/m", messages=messages, stream=True, **options))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Hello world"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert (chunks[-1].usage is not None) == include
    assert chunks[0].choices[0].delta.role == "assistant"

# The client's own accumulator takes the stream.
with client.chat.completions.stream(model="ns/m", messages=messages) as stream:
    assert stream.get_final_completion().choices[0].message.content == "Hello world"

# Parts of text; token ids as an extension.
answer = client.chat.completions.create(
    model="ns/m",
    messages=[{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
    extra_body={"return_token_ids": True, "top_k": 5, "min_p": 0.1},
)
assert answer.choices[0].token_ids == [7, 8, 9] and answer.prompt_token_ids == [1, 2]

# Completions: text and tokens, whole and streamed.
for prompt in ("Once", ["Once"], [1, 2]):
    answer = client.completions.create(model="ns/m", prompt=prompt, max_tokens=4)
    assert answer.choices[0].text == "Hello world" and answer.object == "text_completion"
chunks = list(client.completions.create(model="ns/m", prompt="Once", stream=True))
assert "".join(c.choices[0].text for c in chunks) == "Hello world"

# Errors arrive as the client's own types.
image = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]
raises(openai.BadRequestError, lambda: client.chat.completions.create(model="ns/m", messages=image),
       code="unsupported", param="messages[0].content[0]")
raises(openai.BadRequestError, lambda: client.chat.completions.create(model="ns/m", messages=messages, n=2), param="n")
raises(openai.NotFoundError, lambda: client.chat.completions.create(model="gpt-4", messages=messages), code="model_not_found")
raises(openai.BadRequestError, lambda: client.completions.create(model="ns/m", prompt="long"), code="context_length_exceeded")
raises(openai.APIError, lambda: list(client.completions.create(model="ns/m", prompt="fail", stream=True)), code="internal")
raises(openai.APIStatusError, lambda: client.completions.create(model="ns/m", prompt="x" * (100 << 20)), status_code=413)
stranger = openai.OpenAI(base_url=base + "/v1", api_key="wrong", max_retries=0)
raises(openai.AuthenticationError, stranger.models.list)
reader = openai.OpenAI(base_url=base + "/v1", api_key="read", max_retries=0)
raises(openai.PermissionDeniedError, lambda: reader.completions.create(model="ns/m", prompt="x"))

print("ok")
