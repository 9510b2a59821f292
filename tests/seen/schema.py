# SPDX-License-Identifier: Apache-2.0
"""What doc/*.schema.json say, by the checker of the end-to-end tests."""
import importlib.util
import json
import pathlib
import sys
import types

TOP = pathlib.Path(__file__).resolve().parents[2]


def _checker():
    # It takes TOP from the conftest beside it, which needs machines.
    shim = types.ModuleType("conftest")
    shim.TOP = TOP
    before = sys.modules.get("conftest")
    sys.modules["conftest"] = shim
    try:
        spec = importlib.util.spec_from_file_location(
            "e2e_schema", TOP / "tests/e2e/schema.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        if before:
            sys.modules["conftest"] = before
        else:
            del sys.modules["conftest"]
    return module


_module = _checker()


def validate(value, name):
    _module.validate(value, name)


def validate_text(text, name):
    value = json.loads(text)
    validate(value, name)
    return value
