# SPDX-License-Identifier: Apache-2.0
"""Groups and users, in an image (--root) that is a few files."""
import os
import shutil

import pytest

PASSWD = """root:x:0:0:root:/root:/bin/sh
daemon:x:1:1::/usr/sbin:/usr/sbin/nologin
app:x:500:500:An app:/srv/app:/bin/sh
"""
GROUP = "root:x:0:\ndaemon:x:1:\napp:x:500:\nadm:x:4:daemon\n"


@pytest.fixture
def image(place):
    """A root with accounts, and no tools of its own."""
    if not shutil.which("useradd"):
        pytest.skip("no useradd on this machine")
    place.root = place.dir / "image"
    etc = place.root / "etc"
    etc.mkdir(parents=True)
    (etc / "passwd").write_text(PASSWD)
    (etc / "group").write_text(GROUP)
    (etc / "shadow").write_text("root:*:1::::::\n")
    (etc / "gshadow").write_text("root:*::\n")
    os.chmod(etc / "shadow", 0o600)
    return place


def rows(image, name):
    return {line.split(":")[0]: line.split(":")[1:] for line in
            (image.root / "etc" / name).read_text().splitlines()}


def test_accounts_are_added_once(image):
    text = """
users = ( { name = "www"; uid = 2001; group = "web"; groups = [ "adm" ];
            home = "/srv/www"; shell = "/bin/false"; },
          { name = "worker"; system = true; } );
groups = ( { name = "web"; gid = 2000; }, { name = "spool"; system = true; } );
"""
    done = image.apply(text)
    users, groups = rows(image, "passwd"), rows(image, "group")
    assert users["www"][1:3] == ["2001", "2000"]
    assert users["www"][4:] == ["/srv/www", "/bin/false"]
    assert groups["web"][1] == "2000"
    assert groups["adm"][2].split(",") == ["daemon", "www"]
    assert 0 < int(users["worker"][1]) < 1000
    assert users["worker"][5].endswith(("nologin", "false"))
    assert 0 < int(groups["spool"][1]) < 1000
    assert users["app"] == ["x", "500", "500", "An app", "/srv/app",
                            "/bin/sh"]
    before = (image.root / "etc/passwd").read_text()
    assert "nothing to do" in image.apply(text).out, done.err
    assert (image.root / "etc/passwd").read_text() == before


def test_a_user_joins_groups_that_it_is_not_in(image):
    text = 'users = ( { name = "app"; groups = [ "adm", "daemon" ]; } );'
    image.apply(text)
    groups = rows(image, "group")
    assert groups["adm"][2] == "daemon,app"
    assert groups["daemon"][2] == "app"
    assert "nothing to do" in image.apply(text).out


DIFFERENT = {
    'users = ( { name = "app"; uid = 501; } );': ("500", "501"),
    'users = ( { name = "app"; home = "/x"; } );': ("/srv/app", "/x"),
    'users = ( { name = "app"; shell = "/x"; } );': ("/bin/sh", "/x"),
    'users = ( { name = "app"; group = "adm"; } );': ("group app", "adm"),
    'users = ( { name = "new"; uid = 500; } );': ("500", "belongs to app"),
    'groups = ( { name = "app"; gid = 7; } );': ("500", "7"),
    'groups = ( { name = "new"; gid = 500; } );': ("500", "belongs to app"),
    'users = ( { name = "new"; group = "none"; } );': ("no group none",),
}


@pytest.mark.parametrize("text", DIFFERENT)
def test_what_exists_otherwise_is_an_error_that_names_both(image, text):
    error = image.apply(text, status=1).error()
    for word in DIFFERENT[text]:
        assert word in error, error
    assert (image.root / "etc/passwd").read_text() == PASSWD
    assert (image.root / "etc/group").read_text() == GROUP


def test_what_was_added_stays_after_a_failure_and_is_named(image):
    done = image.apply("""
groups = ( { name = "web"; } );
commands = ( { name = "no"; run = [ "/no/such" ]; creates = "/x"; } );
""", status=1)
    assert "web" in rows(image, "group")
    assert "left in place: group web added" in done.out + done.err


def test_damaged_files_are_read_as_far_as_they_go(image):
    (image.root / "etc/group").write_text(
        "\n:::\nno colons\nx:y\nbig:x:99999999999999:\n" + GROUP +
        "last:x:12:a,b")
    text = 'users = ( { name = "app"; groups = [ "last" ]; } );'
    image.apply(text)
    assert rows(image, "group")["last"][2] == "a,b,app"
