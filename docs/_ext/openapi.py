"""The directives ``operation`` and ``schema``, which describe parts of docs/openapi.yaml.

The page cannot drift from the code, because the document is generated from it, and a test compares
the two.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

DOCUMENT = Path(__file__).parents[1] / "openapi.yaml"
PREFIX = "/auth/"
# Each of these has the same meaning at every endpoint, and is described once.
COMMON = {"413", "415", "429", "500", "503"}
NAMES = {"string": "string", "integer": "integer", "boolean": "boolean", "number": "number"}
PLACEHOLDERS = {"provider": "github", "id": "7"}
# The bodies of several responses are described once, at a label of the page.
SHARED = {"SocialConnection": "the connection", "SocialPaused": "paused logins"}

Schema = dict[str, Any]


class Operation(SphinxDirective):
    """``.. operation:: socialBegin``: path, method, parameters, body, responses, examples."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        for path in (DOCUMENT, Path(__file__)):
            self.env.note_dependency(path)
        document = yaml.safe_load(DOCUMENT.read_text())
        try:
            method, path, operation = find(document, self.arguments[0])
        except LookupError:
            raise self.error(f"openapi.yaml has no operation {self.arguments[0]}.") from None
        lines = Description(document, method, path, operation).lines()
        return self.parse_text_to_nodes("\n".join(lines))


class Properties(SphinxDirective):
    """``.. schema:: SocialPaused``: the properties of an object, and what they mean."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        for path in (DOCUMENT, Path(__file__)):
            self.env.note_dependency(path)
        description = Description(yaml.safe_load(DOCUMENT.read_text()), "", "", {})
        schema = description.schemas[self.arguments[0]]
        return self.parse_text_to_nodes("\n".join(description.fields(schema, "")))


def find(document: Schema, identifier: str) -> tuple[str, str, Schema]:
    """Return the method, the path and the description of an operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if operation["operationId"] == identifier:
                return method.upper(), path, operation
    raise LookupError(identifier)


class Description:
    """The text of an operation in reStructuredText."""

    def __init__(self, document: Schema, method: str, path: str, operation: Schema) -> None:
        self.schemas: dict[str, Schema] = document["components"]["schemas"]
        self.responses: dict[str, Schema] = document["components"].get("responses", {})
        self.method = method
        self.path = path
        self.operation = operation

    def lines(self) -> Iterator[str]:
        shown = re.sub(r"{(\w+)}", r"<\1>", self.path.removeprefix(PREFIX))
        yield from [".. rst-class:: operation", "", f"**{self.method}** ``{shown}``", ""]
        yield from [literals(self.operation["description"]), ""]
        is_open = {} in self.operation.get("security", [{}])
        yield f":Who: {'Anyone' if is_open else 'A signed-in user'}"
        yield from self.parameters()
        yield from self.body()
        yield ""
        yield from self.request_example()
        for status, response in self.operation["responses"].items():
            if status not in COMMON:
                yield from self.response(status, response)
        common = sorted(COMMON & self.operation["responses"].keys())
        yield from ["", f"Also: {', '.join(common)} (:ref:`common responses`).", ""]

    def parameters(self) -> Iterator[str]:
        for place, title in (("path", "Path"), ("query", "Query"), ("header", "Headers")):
            found = [
                each
                for each in self.operation.get("parameters", [])
                if each["in"] == place and each["name"] != "provider"
            ]
            if found:
                yield f":{title}:"
                for parameter in sorted(found, key=lambda each: not each.get("required")):
                    required = ", required" if parameter.get("required") and place != "path" else ""
                    kind = self.type_of(parameter["schema"])
                    yield f"   ``{parameter['name']}`` ({kind}{required})"
                    yield f"      {literals(parameter['description'])}"
                    yield ""

    def body(self) -> Iterator[str]:
        content = self.operation.get("requestBody", {}).get("content")
        if not content:
            return
        schema = self.resolved(next(iter(content.values()))["schema"])
        yield ":Body:"
        if "description" in schema:
            yield from [f"   {literals(schema['description'])}", ""]
        if list(content) == ["application/x-www-form-urlencoded"]:
            yield from ["   A form, ``application/x-www-form-urlencoded``.", ""]
        yield from self.fields(schema, "   ", is_request=True)

    def fields(
        self, schema: Schema, indent: str, depth: int = 0, *, is_request: bool = False
    ) -> Iterator[str]:
        """Yield the description of the properties of an object."""
        for name, reference in schema.get("properties", {}).items():
            value = self.resolved(reference)
            details = [self.type_of(reference)]
            if value.get("nullable"):
                details.append("or null")
            is_required = name in schema.get("required", [])
            if is_required and is_request:
                details.append("required")
            if not is_required and not is_request and depth == 0:
                details.append("may be missing")
            yield f"{indent}``{name}`` ({', '.join(details).replace(', or', ' or')})"
            items = self.resolved(value.get("items", {}))
            text = value.get("description") or items.get("description", "")
            yield from block(text, indent)
            values = value.get("enum") or items.get("enum")
            if values and name != "error_code" and not all(f"`{each}`" in text for each in values):
                yield f"{indent}   One of {', '.join(f'``{each}``' for each in values)}."
            yield ""
            if "properties" in items and depth < 2:
                yield from self.fields(items, f"{indent}   ", depth + 1)

    def type_of(self, schema: Schema) -> str:
        """Return the type of a value, for a reader."""
        value = self.resolved(schema)
        if "oneOf" in value:
            return " or ".join(dict.fromkeys(self.type_of(each) for each in value["oneOf"]))
        if value.get("type") == "array":
            return "list"
        if value.get("type") == "object":
            return "object"
        if value.get("format") in ("uri", "date-time"):
            return {"uri": "URL", "date-time": "time"}[value["format"]]
        return NAMES.get(value.get("type", ""), "any value")

    def resolved(self, schema: Schema) -> Schema:
        """Return a schema without references at its top."""
        if "$ref" in schema:
            return self.schemas[schema["$ref"].rpartition("/")[2]]
        if len(schema.get("allOf", [])) == 1:
            outer = {name: value for name, value in schema.items() if name != "allOf"}
            return self.resolved(schema["allOf"][0]) | outer
        return schema

    def request_example(self) -> Iterator[str]:
        path = re.sub(r"{(\w+)}", lambda match: PLACEHOLDERS[match[1]], self.path)
        query = "&".join(
            f"{each['name']}=…"
            for each in self.operation.get("parameters", [])
            if each["in"] == "query" and each.get("required")
        )
        target = f"{path}?{query}" if query else path
        yield from [".. code-block:: http", "", f"   {self.method} {target} HTTP/1.1"]
        yield "   Host: api.example.com"
        if {} not in self.operation.get("security", [{}]):
            yield "   Authorization: Token e7e0909c4fde7cf105a7747f790716dd2861ad34"
        content = self.operation.get("requestBody", {}).get("content", {})
        for media_type, body in list(content.items())[:1]:
            yield from [f"   Content-Type: {media_type}", ""]
            for example in body.get("examples", {}).values():
                yield from written(example["value"], media_type)
        yield ""

    def response(self, status: str, response: Schema) -> Iterator[str]:
        yield from ["", f"**{status} {HTTPStatus(int(status)).phrase}**"]
        examples: list[Any] = []
        schema: Schema = {}
        shared = None
        for media_type, content in response.get("content", {}).items():
            schema = self.resolved(content["schema"])
            name = json.dumps(content["schema"]).rpartition("/")[2].strip('"}')
            shared = SHARED.get(name)
            examples = [each["value"] for each in content.get("examples", {}).values()]
            if media_type == "text/html":
                yield from ["   A small HTML page for the user.", ""]
        if status.startswith(("4", "5")):
            codes = [example["error_code"] for example in examples]
            links = ", ".join(f":errorcode:`{code}`" for code in codes)
            yield f"   {literals(response['description'])}"
            yield from [f"   For example {links}." if links else "", ""]
            return
        yield from [f"   {literals(response['description'])}", ""]
        if shared:
            yield from [f"   The fields are described at :ref:`{shared}`.", ""]
        else:
            is_list = schema.get("type") == "array"
            yield from self.fields(self.resolved(schema["items"]) if is_list else schema, "   ")
        for example in examples[:1]:
            if example:
                yield from ["   .. code-block:: json", ""]
                yield from (f"   {line}" for line in written(example, "application/json"))
                yield ""


def block(text: str, indent: str) -> Iterator[str]:
    """Yield a description below a term: paragraphs, and lists of values."""
    for paragraph in text.split("\n\n"):
        lines = paragraph.split("\n") if paragraph.startswith("- ") else [paragraph]
        yield from (f"{indent}   {literals(line)}" for line in lines)
        yield ""
    if not text:  # A term needs a description.
        yield f"{indent}   \\ "


def written(value: Any, media_type: str) -> Iterator[str]:
    """Yield the lines of a body."""
    if media_type == "application/json":
        text = json.dumps(value, indent=2, ensure_ascii=False)
    else:
        text = "&".join(f"{name}={each}" for name, each in value.items())
    for line in text.split("\n"):
        yield f"   {line}"


def literals(text: str) -> str:
    """Return a text in Markdown as reStructuredText, in one line."""
    return re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", " ".join(text.split()))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_directive("operation", Operation)
    app.add_directive("schema", Properties)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
