# SPDX-License-Identifier: Apache-2.0
"""Machines as in tests/e2e: its fixtures, and what they are made of."""
import pathlib
import sys

E2E = pathlib.Path(__file__).resolve().parents[1] / "e2e"
sys.path.insert(0, str(E2E))
sys.path.append(str(E2E.parent / "security"))     # signing.py

# pylint: disable=wrong-import-position,unused-import,wildcard-import
import importlib.util  # noqa: E402

_spec = importlib.util.spec_from_file_location("e2e_conftest",
                                               E2E / "conftest.py")
_module = importlib.util.module_from_spec(_spec)
sys.modules.setdefault("e2e_conftest", _module)
_spec.loader.exec_module(_module)
for _name, _value in vars(_module).items():
    if not _name.startswith("__"):
        globals()[_name] = _value
