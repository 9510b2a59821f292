# SPDX-License-Identifier: Apache-2.0
"""The fixtures of tests/e2e for a conftest.py beside it:

    sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
    from borrow import E2E, borrow
    borrow(globals(), "rootfs", "box")

pytest finds fixtures and hooks among the names of a conftest; what tests/e2e
has modules for (machine.py, certs.py, ...) can be imported from then on."""
import importlib.util
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parent
E2E = TESTS / "e2e"


def e2e_conftest():
    """It, loaded once, under a name that is not that of the borrower."""
    if "e2e_conftest" not in sys.modules:
        spec = importlib.util.spec_from_file_location("e2e_conftest",
                                                      E2E / "conftest.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules["e2e_conftest"] = module
        spec.loader.exec_module(module)
    return sys.modules["e2e_conftest"]


def borrow(names, *wanted):
    """Put those fixtures, and what they need to be set up, among NAMES."""
    if str(E2E) not in sys.path:
        sys.path.insert(0, str(E2E))
    module = e2e_conftest()
    for name in ("pytest_configure", *wanted):
        names[name] = getattr(module, name)
