# SPDX-License-Identifier: Apache-2.0
"""s3:// in profiles: what comes, and what is said when it does not."""
import hashlib
import time

import pytest

from client import archive, text

DATA = archive({"hello": "from the bucket\n"})
URL = "s3://packages-test/a%20b/c+d/app.tar"
KEY = "a b/c+d/app.tar"


@pytest.fixture
def bucket(cloud):
    bucket = cloud.s3.make("packages-test")
    bucket.put(KEY, DATA)
    return bucket


def has_come(place):
    return (place.path / "app/hello").read_text() == "from the bucket\n"


def nothing_leaks(result, key):
    assert key.secret not in result.all
    assert not key.token or key.token not in result.all
    assert "X-Amz-Signature" not in result.all


# ---- what comes ----

def test_a_package_a_file_and_a_plan(place, cloud, bucket, key):
    bucket.put("motd", b"hello\n")
    blocks = (place.package(URL, DATA),
              'files = ( { url = "s3://packages-test/motd"; to = "%s/motd"; '
              'sha256 = "%s"; } );' % (place.path, hashlib.sha256(
                  b"hello\n").hexdigest()))
    plan = place.run("plan", place.profile(*blocks))
    assert plan.returncode == 0, plan.all
    assert "6 bytes" in plan.all or "6 B" in plan.all, plan.all
    result = place.apply(*blocks)
    assert has_come(place)
    assert (place.path / "motd").read_text() == "hello\n"
    nothing_leaks(result, key)
    assert all(call.key.id == key.id for call in cloud.calls("s3"))


def test_the_key_of_an_object_may_be_odd(place, cloud, bucket):
    odd = "x//./../é+%41 ~'()*!;:@&=$,?[]#"
    bucket.put(odd, DATA)
    import urllib.parse
    place.apply(place.package("s3://packages-test/" +
                              urllib.parse.quote(odd, safe="/+"), DATA))
    assert has_come(place)


def test_long_term_keys_have_no_token(place, cloud, bucket):
    key = cloud.new_key(token=False)
    place.environment = cloud.environment(key)
    result = place.apply(place.package(URL, DATA))
    assert has_come(place)
    nothing_leaks(result, key)


def test_an_older_version(place, cloud):
    bucket = cloud.s3.make("versions-test", versioned=True)
    old = bucket.put("app.tar", DATA)
    bucket.put("app.tar", archive({"hello": "newer\n"}))
    place.apply(place.package("s3://versions-test/app.tar?versionId=" +
                              old.version, DATA))
    assert has_come(place)
    result = place.apply(place.package(
        "s3://versions-test/app.tar?versionId=nosuch", DATA, into="b"),
        status=1)
    assert "is the versionId right?" in result.all


def test_the_requester_pays_when_the_address_says_so(place, cloud, bucket):
    bucket.requester_pays = True
    result = place.apply(place.package(URL, DATA), status=1)
    assert "denied" in result.all
    place.apply(place.package(URL + "?requestPayer=requester", DATA))
    assert has_come(place)


def test_a_profile(place, cloud, bucket, key):
    bucket.put("web.cfg", text(place.package(URL, DATA)).encode())
    for command in "plan", "apply":
        result = place.run(command, "s3://packages-test/web.cfg")
        assert result.returncode == 0, result.all
        nothing_leaks(result, key)
    assert has_come(place)
    result = place.run("validate", "s3://packages-test/web.cfg")
    assert result.returncode == 0, result.all
    result = place.run("plan", "s3://packages-test/nosuch.cfg")
    assert result.returncode == 1
    assert "no such object" in result.all


def test_mirrors_of_both_kinds(place, cloud, bucket):
    result = place.apply(place.package(
        ["http://127.0.0.1:1/app.tar", "s3://packages-test/nosuch",
         "s3://nosuchbucket-test/x", URL], DATA))
    assert has_come(place)
    assert "no such object" in result.all
    assert "no bucket 'nosuchbucket-test'" in result.all


def test_keys_are_not_asked_for_before_they_are_needed(place, cloud, bucket):
    """The first mirror serves: nobody looks for keys."""
    file = place.path / "app.tar"
    file.write_bytes(DATA)
    place.apply(place.package(["file://%s" % file, URL], DATA),
                environment={"AWS_ACCESS_KEY_ID": ""})
    assert has_come(place)
    assert not cloud.calls()


# ---- where it is ----

@pytest.mark.parametrize("status", [301, 400])
def test_the_bucket_is_in_another_region(place, cloud, bucket, status):
    bucket.region = "eu-other-9"
    bucket.redirect = status
    bucket.put("second", DATA)
    place.apply(place.package(URL, DATA),
                'files = ( { url = "s3://packages-test/second"; to = "%s/x"; '
                'sha256 = "%s"; } );' % (place.path, hashlib.sha256(
                    DATA).hexdigest()))
    assert has_come(place)
    wrong = [call for call in cloud.calls("s3")
             if call.region != "eu-other-9"]
    assert len(wrong) == 1              # learnt once for the whole run


def test_a_bucket_of_another_partition_is_named(place, cloud, bucket):
    bucket.region = "cn-north-1"
    result = place.apply(place.package(URL, DATA), status=1)
    assert "another partition" in result.all
    assert "aws-cn" in result.all


def test_a_region_is_needed(place, cloud, bucket):
    result = place.apply(place.package(URL, DATA), status=1,
                         environment={"AWS_REGION": ""})
    assert "region" in result.all
    assert result.seconds < 10


# ---- what goes wrong ----

def test_denied_is_not_missing(place, cloud, bucket, key):
    bucket.readers = {"another"}
    result = place.apply(place.package(URL, DATA), status=1)
    assert "denied" in result.all and "s3:GetObject" in result.all
    bucket.readers = None
    result = place.apply(place.package("s3://packages-test/nosuch", DATA),
                         status=1)
    assert "no such object" in result.all
    bucket.may_list = False
    result = place.apply(place.package("s3://packages-test/nosuch", DATA),
                         status=1)
    assert "without s3:ListBucket a missing object is denied as well" in \
        result.all
    result = place.apply(place.package("s3://nosuchbucket-test/x", DATA),
                         status=1)
    assert "no bucket 'nosuchbucket-test'" in result.all
    nothing_leaks(result, key)


@pytest.mark.parametrize("minutes", [20, -20])
def test_a_clock_that_is_20_minutes_off(place, cloud, bucket, minutes):
    cloud.offset_s = minutes * 60
    result = place.apply(place.package(URL, DATA))
    assert has_come(place)
    assert "clock is 1" in result.all
    assert ("behind" if minutes > 0 else "ahead") in result.all
    skewed = [call for call in cloud.calls("s3")
              if call.code == "RequestTimeTooSkewed"]
    assert len(skewed) == 1


def test_keys_that_have_expired(place, cloud, bucket):
    key = cloud.new_key(lasts=-1)
    result = place.apply(place.package(URL, DATA), status=1,
                         environment=key.environment())
    assert "have expired" in result.all
    assert result.seconds < 10


def test_a_secret_that_is_wrong(place, cloud, bucket, key):
    result = place.apply(
        place.package(URL, DATA), status=1,
        environment={"AWS_SECRET_ACCESS_KEY": "wrong/" + "x" * 34})
    assert "SignatureDoesNotMatch" in result.all
    assert "wrong/" not in result.all


def test_slow_down_is_obeyed(place, cloud, bucket):
    cloud.fail("s3", times=2, status=503, code="SlowDown")
    place.apply(place.package(URL, DATA))
    assert has_come(place)


def test_slow_down_without_end_has_one(place, cloud, bucket):
    cloud.fail("s3", times=1000, status=503, code="SlowDown")
    result = place.apply('budget = "20s";', place.package(URL, DATA),
                         status=1)
    assert "SlowDown" in result.all and "fewer requests" in result.all
    assert result.seconds < 60


def test_s3_is_unreachable(place, cloud, bucket):
    result = place.apply(
        place.package(URL, DATA), status=1,
        environment={"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"})
    assert "cannot connect" in result.all
    assert result.seconds < 60


def test_the_connection_breaks_in_the_middle(place, cloud, bucket):
    data = archive({"hello": "from the bucket\n"}, padding=3 << 20)
    bucket.put("large", data)
    bucket.cut_after = 1 << 20
    place.apply(place.package("s3://packages-test/large", data))
    assert has_come(place)
    ranges = [call.header("Range") for call in cloud.calls("s3")
              if call.presigned]
    assert len(ranges) >= 3


def test_the_object_changes_between_two_parts(place, cloud, bucket):
    data = archive({"hello": "from the bucket\n"}, padding=3 << 20)
    bucket.put("large", data)
    bucket.cut_after = 1 << 20
    once = cloud.s3._get

    def change(call, bucket, key):
        answer = once(call, bucket, key)
        if call.presigned:
            bucket.put("large", data[:-1] + b"x")
        return answer
    cloud.s3._get = change
    result = place.apply(place.package("s3://packages-test/large", data),
                         status=1)
    assert "changed while it was being fetched" in result.all
    assert not (place.path / "app").exists()


def test_keys_that_expire_in_the_middle(place, cloud, bucket, key):
    """The fetcher is refused; a fresh signature helps."""
    data = archive({"hello": "from the bucket\n"}, padding=3 << 20)
    bucket.put("large", data)
    once, refused = cloud.s3._get, []

    def expire(call, bucket, key):
        if call.presigned and not refused:
            refused.append(call)
            from core import Refused
            raise Refused(403, "AccessDenied", "Request has expired")
        return once(call, bucket, key)
    cloud.s3._get = expire
    result = place.apply(place.package("s3://packages-test/large", data))
    assert has_come(place)
    assert "once more, with a fresh signature" in result.all


def test_what_no_address_is(place):
    for url, words in (
            ("s3://packages-test", "no key follows"),
            ("s3://packages-test/", "no key follows"),
            ("s3://ab/x", "3 to 63 characters"),
            ("s3://pack%20ages/x", "only letters"),
            ("s3://packages-test/x?version=1", "versionId=ID"),
            ("s3://packages-test/x%2", "two hex digits"),
            ("s3://packages-test/x#y", "write # as %23")):
        result = place.run("validate", place.profile(
            place.package(url, b"")))
        assert result.returncode == 2, (url, result.all)
        assert words in result.all, (url, result.all)
        assert "p.cfg:3" in result.all
