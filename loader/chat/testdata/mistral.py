#!/usr/bin/env python3
"""Turns conversations into ids with mistral-common, for TestMistral.

Reads a list of {"messages": ..., "tools": ...} from stdin; writes one JSON
object a line for every tokenizer of the package's data folder: {"file": ...,
"version": ..., "ids": [[...] or null, ...]}, null where that version refuses the
conversation. Needs mistral-common and sentencepiece.
"""

import json
import pathlib
import sys

import mistral_common
from mistral_common.exceptions import MistralCommonException
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer


def ids(tokenizer, conversation):
    """The ids of one conversation, None where it is refused."""
    try:
        return tokenizer.encode_chat_completion(ChatCompletionRequest(**conversation)).tokens
    except MistralCommonException:
        return None


def main():
    """Answers the request."""
    conversations = json.load(sys.stdin)
    folder = pathlib.Path(mistral_common.__file__).parent / "data"
    for file in sorted(folder.iterdir()):
        if ".model" in file.name or file.name.startswith("tekken"):
            tokenizer = MistralTokenizer.from_file(str(file))
            print(json.dumps({"file": str(file), "version": tokenizer.version.value, "ids": [ids(tokenizer, c) for c in conversations]}))


if __name__ == "__main__":
    main()
