"""The records of ``engine.runs.records`` for others: ``python -m engine.tools.records`` writes the types that
the pages' scripts are checked with, with ``--schema`` it prints the JSON Schema.
"""

from __future__ import annotations

import json
import sys
from textwrap import indent
from typing import Any

from pydantic import TypeAdapter

from engine import ENGINE
from engine.runs import cards, drawn, headers, messages, records

RECORDS: dict[str, Any] = {
    "RunConfig": records.RunConfig,
    "Status": records.Status,
    "Row": records.Row,
    "RunEvent": records.RunEvent,
    "FrameHeader": headers.FrameHeader,
    "Game": drawn.Game,
    "Turns": drawn.Turns,
    "ModelConfig": cards.ModelConfig,
    "ModelCard": cards.ModelCard,
    "Dataset": cards.Dataset,
    "Message": messages.Message,
}
FILE = ENGINE.parent / "dashboard/components/static/base/records.d.ts"
HEAD = "// Made by `python -m engine.tools.records` of what engine/runs declares: change it there.\n"
PLAIN = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "null": "null"}
Schema = dict[str, Any]


def schema() -> Schema:
    """The JSON Schema of all records, each under its name in ``$defs``."""
    found, shared = TypeAdapter.json_schemas(
        [(name, "validation", TypeAdapter(record)) for name, record in RECORDS.items()]
    )
    named = {name: found[name, "validation"] for name in RECORDS}
    aliases = {name: one for name, one in named.items() if one != {"$ref": f"#/$defs/{name}"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": shared.get("$defs", {}) | aliases,
    }


def declarations() -> str:
    """The same as TypeScript declarations."""
    return HEAD + "".join(_declared(name, one) for name, one in sorted(schema()["$defs"].items()))


def _declared(name: str, one: Schema) -> str:
    said = one.get("description", "")
    comment = f"\n/**\n{indent(said, ' * ', lambda _: True)}\n */\n" if said else "\n"
    if "properties" not in one:
        return f"{comment}export type {name} = {_type(one)};\n"
    required = one.get("required", ())
    lines = [
        f"  {field}{'' if field in required else '?'}: {_type(kind)};\n"
        for field, kind in one["properties"].items()
    ]
    return f"{comment}export interface {name} {{\n{''.join(lines)}}}\n"


def _type(one: Schema) -> str:
    """A schema as a type, without what a record may hold beyond its names: that would hide misspelt ones."""
    if "$ref" in one:
        return one["$ref"].rpartition("/")[2]
    if "const" in one:
        return json.dumps(one["const"])
    if "enum" in one:
        return " | ".join(map(json.dumps, one["enum"]))
    if parts := one.get("anyOf") or one.get("oneOf"):
        return " | ".join(map(_type, parts))
    if one.get("type") == "array":
        if "prefixItems" in one:
            return f"[{', '.join(map(_type, one['prefixItems']))}]"
        item = _type(one["items"])
        return f"({item})[]" if "|" in item else f"{item}[]"
    if one.get("type") == "object":
        values = one.get("additionalProperties")
        return f"Record<string, {_type(values) if isinstance(values, dict) else 'unknown'}>"
    return PLAIN[one["type"]] if "type" in one else "unknown"


def main(arguments: list[str]) -> int:
    """Write the declarations, or print the schema."""
    if arguments == ["--schema"]:
        print(json.dumps(schema(), indent=1))
    elif arguments:
        print(__doc__, file=sys.stderr)
        return 2
    else:
        FILE.write_text(declarations(), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
