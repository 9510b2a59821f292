# SPDX-License-Identifier: Apache-2.0
"""The unit tests' cases are what botocore says today."""
import io
import pathlib

import sigv4_cases

UNIT = pathlib.Path(__file__).resolve().parents[1] / "unit"


def test_the_cases_are_botocores():
    out = io.StringIO()
    sigv4_cases.write(out)
    assert out.getvalue() == (UNIT / "sigv4_cases.h").read_text()
