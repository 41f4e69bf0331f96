#!/usr/bin/env python3
"""Renders templates with jinja2, set up as transformers does for chats.

    python3 loader/chat/testdata/oracle.py --vectors    writes vectors.json
    python3 loader/chat/testdata/oracle.py < request    answers a differential test

Needs jinja2. A request is {"templates": [...], "contexts": [...]}, contexts
being JSON texts; the answer is one line for every template and context in
turn: {"text": ...} or {"error": ...}. The clock stands at 2026-03-04 15:06:07.
"""

import datetime
import json
import pathlib
import sys

import jinja2
import jinja2.ext
import jinja2.sandbox

HERE = pathlib.Path(__file__).parent
NOW = datetime.datetime(2026, 3, 4, 15, 6, 7)


class Generation(jinja2.ext.Extension):
    """{% generation %}: marks what the assistant says; renders as its body."""

    tags = {"generation"}

    def parse(self, parser):
        """Parses the block as a call of said with the body as caller."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("said"), [], [], body).set_lineno(line)

    def said(self, caller):
        """Renders the body."""
        return caller()


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    """JSON without HTML escapes."""
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


class Namespace(jinja2.utils.Namespace):
    """A namespace without names that start with an underscore."""

    def __init__(*args, **kwargs):
        """Takes what dict takes."""
        self, args = args[0], args[1:]
        values = dict(*args, **kwargs)
        jinja2.utils.Namespace.__init__(self)
        for name, value in values.items():
            self[name] = value

    def __setitem__(self, name, value):
        """Sets an attribute."""
        if name.startswith("_"):
            raise jinja2.exceptions.SecurityError(f"no underscore first: {name!r}")
        jinja2.utils.Namespace.__setitem__(self, name, value)


def raise_exception(message):
    """Lets a template refuse its input."""
    raise jinja2.exceptions.TemplateError(message)


def environment():
    """The sandbox that transformers renders chats in."""
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["namespace"] = Namespace
    env.globals["strftime_now"] = NOW.strftime
    return env


def render(env, source, contexts):
    """The text of one template over each context, or its error."""
    answers = []
    for context in contexts:
        try:
            template = env.from_string(source) if not answers or "error" in answers[-1] else template
            answers.append({"text": template.render(**context)})
        except Exception as e:  # whatever a template can cause
            answers.append({"error": f"{type(e).__name__}: {e}"})
    return answers


def vectors():
    """Writes vectors.json: every template over every context, every snippet over the last."""
    env = environment()
    contexts = json.loads((HERE / "contexts.json").read_text())
    lines = []
    for path in sorted((HERE / "templates").iterdir()):
        for i, answer in enumerate(render(env, path.read_text(), contexts)):
            lines.append({"template": path.name, "context": i} | answer)
    for snippet in (HERE / "snippets.txt").read_text().splitlines():
        if snippet and not snippet.startswith("#"):
            lines.append({"snippet": snippet} | render(env, snippet, contexts[-1:])[0])
    text = "[\n" + ",\n".join(json.dumps(x, ensure_ascii=False) for x in lines) + "\n]\n"
    (HERE / "vectors.json").write_text(text)


def answer():
    """Answers the request on stdin."""
    env = environment()
    request = json.load(sys.stdin)
    for source in request["templates"]:
        for answer in render(env, source, [json.loads(c) for c in request["contexts"]]):
            print(json.dumps(answer))


if __name__ == "__main__":
    vectors() if sys.argv[1:] == ["--vectors"] else answer()
