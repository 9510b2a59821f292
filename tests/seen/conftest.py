# SPDX-License-Identifier: Apache-2.0
import pytest

from runs import Runs
from stand import Stand
from terminal import Terminal


@pytest.fixture
def stand(tmp_path):
    stand = Stand(tmp_path)
    yield stand
    stand.close()


@pytest.fixture
def terminal(tmp_path):
    """terminal(columns, rows): a tmux window."""
    made = []

    def make(columns=80, rows=24):
        # A socket's path has little room.
        made.append(Terminal(tmp_path, columns, rows))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    runs = Runs(tmp_path_factory.mktemp("runs"))
    yield runs.make()
    runs.close()
