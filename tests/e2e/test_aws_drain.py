# SPDX-License-Identifier: Apache-2.0
"""`fitout drain --now` against a real supervisord."""
import json

import pytest

from scene import RUNNING

pytestmark = pytest.mark.host


def program_state(scene):
    done = scene.host.run("supervisorctl", "-s", "unix:///run/scene.sock",
                          "status", "app", check=False)
    return done.out.split()[1]


def test_programs_and_the_agent_stop(scene):
    scene.apply()
    assert program_state(scene) == "RUNNING"
    assert scene.host.exists(RUNNING)
    done = scene.host.run("fitout", "--json", "drain", "--now", check=False,
                          env=scene.environment)
    assert done.status == 0, done.err
    events = [json.loads(line)["event"] for line in done.err.splitlines()]
    assert events.index("drain.agent") < events.index("program.stop")
    assert program_state(scene) == "STOPPED"
    assert not scene.host.exists(RUNNING)
    assert not scene.host.exists("/run/fitout/ready")
    # A person may think better of it.
    scene.apply()
    assert program_state(scene) == "RUNNING"
    assert scene.host.exists(RUNNING)
