# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong: the stated exit status, a message that names place and
cause, the host byte for byte as before, the agent never started."""
import pytest

pytestmark = pytest.mark.host


def test_the_good_profile_of_this_file_is_good(scene):
    done = scene.apply()
    assert done.status == 0, done.err
    assert scene.agent_started()
    assert scene.host.disk.read("/srv/app/version") == "2\n"
    assert scene.host.disk.read("/srv/app/logs/old.log") != ""
    assert not scene.host.disk.path("/srv/tool/only-in-1").exists()
