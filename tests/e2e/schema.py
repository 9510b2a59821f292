# SPDX-License-Identifier: Apache-2.0
"""As much of JSON Schema as doc/*.schema.json use; a word that is not known
here is an error, so that nothing is passed over in silence."""
import json
import re

from conftest import TOP

TYPES = {"object": dict, "array": list, "string": str, "integer": int,
         "boolean": bool, "number": (int, float)}
PASSED_OVER = {"$schema", "$defs", "title", "description"}


def check(value, schema, root, where):
    for word, wanted in schema.items():
        if word == "$ref":
            name = wanted.removeprefix("#/$defs/")
            check(value, root["$defs"][name], root, where)
        elif word == "type":
            good = isinstance(value, TYPES[wanted])
            if isinstance(value, bool) and wanted != "boolean":
                good = False
            assert good, f"{where}: {value!r} is no {wanted}"
        elif word == "const":
            assert value == wanted, f"{where}: {value!r}"
        elif word == "enum":
            assert value in wanted, f"{where}: {value!r}"
        elif word == "pattern":
            assert re.search(wanted, value), f"{where}: {value!r}"
        elif word == "required":
            missing = [name for name in wanted if name not in value]
            assert not missing, f"{where} lacks {missing}"
        elif word == "properties":
            for name, member in value.items():
                if name in wanted:
                    check(member, wanted[name], root, f"{where}.{name}")
        elif word == "additionalProperties":
            assert wanted is False
            more = set(value) - set(schema.get("properties", {}))
            assert not more, f"{where}: not in the schema: {sorted(more)}"
        elif word == "items":
            for number, item in enumerate(value):
                check(item, wanted, root, f"{where}[{number}]")
        else:
            assert word in PASSED_OVER, f"schema.py does not know {word}"


def validate(value, name):
    """Is VALUE what doc/NAME.schema.json says?"""
    schema = json.loads((TOP / f"doc/{name}.schema.json").read_text())
    check(value, schema, schema, name)
