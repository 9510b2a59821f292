# SPDX-License-Identifier: Apache-2.0
import pytest

from core import Cloud
from client import Place
from s3 import S3
from sts import Sts


@pytest.fixture
def cloud():
    cloud = Cloud(S3(), Sts())
    yield cloud
    cloud.close()


@pytest.fixture
def key(cloud):
    return cloud.new_key()


@pytest.fixture
def place(tmp_path, cloud, key):
    return Place(tmp_path, cloud.environment(key))
