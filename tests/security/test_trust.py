# SPDX-License-Identifier: Apache-2.0
"""Who may decide what this host becomes: files that others can write,
signatures, old editions. Without network but loopback."""
import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest

from signing import Certificate, Key, Trusting, missing, sha256, web

TOP = pathlib.Path(__file__).resolve().parents[2]
NOBODY = 65534


@pytest.fixture
def host(tmp_path, fitout):
    if os.geteuid() != 0:
        pytest.skip("needs root")
    if missing():
        pytest.skip(f"not installed: {' '.join(missing())}")
    return Trusting(tmp_path, fitout)


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """Two keys of minisign."""
    if missing():
        pytest.skip(f"not installed: {' '.join(missing())}")
    directory = tmp_path_factory.mktemp("keys")
    return Key(directory, "release"), Key(directory, "other")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    if missing():
        pytest.skip(f"not installed: {' '.join(missing())}")
    directory = tmp_path_factory.mktemp("certificates")
    ca = Certificate(directory, "authority", ca=True)
    return {
        "ca": ca,
        "signer": Certificate(directory, "signer", issuer=ca),
        "server": Certificate(directory, "server", issuer=ca,
                              usage="serverAuth"),
        "other": Certificate(directory, "other", algorithm="ec"),
        "plain": Certificate(directory, "plain", usage=None),
    }


# ---- S25: who else could change it ----

@pytest.mark.parametrize("mode", (0o664, 0o646, 0o666))
def test_s25_a_profile_that_others_can_write_is_refused(host, mode):
    host.write().chmod(mode)
    host.refused("others can write it, and it decides what runs as root")
    host.profile.chmod(0o644)
    host.apply(host.profile)


def test_s25_a_profile_of_somebody_else_is_refused(host):
    os.chown(host.write(), NOBODY, 0)
    host.refused(f"belongs to uid {NOBODY}")


@pytest.mark.parametrize("mode,owner", ((0o777, 0), (0o775, 0),
                                        (0o755, NOBODY)))
def test_s25_so_is_one_in_a_directory_of_others(host, mode, owner):
    outer = host.dir / "outer"
    (outer / "inner").mkdir(parents=True)
    profile = host.write(path=outer / "inner/web.cfg")
    outer.chmod(mode)
    os.chown(outer, owner, 0)
    host.refused("others can put something else in its place",
                 profile=profile)
    # By another way, and from there.
    host.refused("others can put something else in its place",
                 profile="outer/inner/web.cfg")
    outer.chmod(0o755)
    os.chown(outer, 0, 0)
    host.apply(profile)


def test_s25_a_sticky_directory_keeps_what_is_ours(host):
    sticky = host.dir / "sticky"
    sticky.mkdir()
    sticky.chmod(0o1777)
    profile = host.write(path=sticky / "web.cfg")
    host.apply(profile)
    # But a link there says nothing about who made it.
    (sticky / "link.cfg").symlink_to(profile)
    host.refused("symbolic link in a directory that others may write",
                 profile=sticky / "link.cfg")


def test_s25_a_link_is_followed_where_only_root_could_make_it(host):
    (host.dir / "link.cfg").symlink_to(host.write())
    host.apply(host.dir / "link.cfg")


def test_s25_an_included_file_that_others_can_write_is_refused(host):
    (host.dir / "part.cfg").write_text("budget = 60;\n")
    (host.dir / "part.cfg").chmod(0o666)
    host.write('@include "part.cfg"')
    host.refused("include: ")
    host.run("plan", host.profile).said('"part.cfg" belongs to uid 0 with '
                                        'mode 0666')
    (host.dir / "part.cfg").chmod(0o600)
    host.apply(host.profile)


def test_s25_so_are_fitout_ini_and_key_files(host, keys):
    host.write()
    keys[0].sign(host.profile)
    public = host.dir / "release.pub"
    shutil.copy(keys[0].public, public)
    host.trust(f"public_key = {public}")
    host.apply(host.profile)
    public.chmod(0o622)
    host.refused('fitout.ini:2: public_key: open')
    host.refused('"release.pub" belongs to uid 0 with mode 0622',
                 "--public-key", public)
    public.chmod(0o644)
    host.ini.chmod(0o664)
    host.refused('"fitout.ini" belongs to uid 0 with mode 0664')
    host.ini.chmod(0o644)
    host.dir.chmod(0o777)
    host.refused("others can put something else in its place")
    host.dir.chmod(0o700)
    host.apply(host.profile)


@pytest.mark.parametrize("line,said", (
    ("public_kye = x", "fitout.ini:2: unknown key 'public_kye'; did you "
                       "mean 'public_key'?"),
    ("require_signature = maybe", "fitout.ini:2: require_signature: \"maybe\" "
                                  "is neither true nor false"),
    ("public_key = RWx", "fitout.ini:2: public_key: "),
    ("revoked = 12", "fitout.ini:2: revoked: \"12\": is neither"),
    ("serial_jump = -1", "fitout.ini:2: serial_jump: "),
    ("require_signature = true\nrequire_signature = true",
     "fitout.ini:3: require_signature is said twice (first in line 2)"),
    ("[trusts]\nx = 1", "fitout.ini:3: unknown section [trusts]"),
))
def test_s25_a_mistake_in_fitout_ini_is_no_default(host, line, said):
    host.write()
    host.trust(line)
    host.refused(said)
    # What needs no defaults still helps.
    assert host.run("version").status == 0


def test_s25_secrets_that_others_can_read_are_warned_about(host):
    host.write('vars = { base = "https://deploy:hunter2@origin.test"; };')
    host.profile.chmod(0o644)
    done = host.apply(host.profile).said("others can read it (mode 0644)")
    assert "hunter2" not in done.err
    host.profile.chmod(0o600)
    assert "others can read it" not in host.apply(host.profile).err
    host.write('vars = { base = "https://origin.test"; };')
    host.profile.chmod(0o644)
    assert "others can read it" not in host.apply(host.profile).err


# ---- S41: an explicit word ----

def test_s41_a_package_without_digest_or_signature_is_refused(host):
    host.package(f"file://{host.tarball('app.tar')}")
    host.refused("has no sha256: add it")
    host.package(f"file://{host.tarball('app.tar')}", "unverified = true;")
    host.apply(host.profile).said("whoever answers for its address decides")
    host.package(f"file://{host.tarball('app.tar')}", "unverified = true;",
                 'public_key = "RW";')
    host.refused("has both a signature and unverified = true")
    host.run("plan", host.profile).said('public_key "RW" is no public key')


def test_s41_a_trusted_key_makes_the_signature_required(host, keys):
    host.write()
    host.apply(host.profile)
    host.trust(f"public_key = {keys[0].text}")
    host.write(text="changed")
    host.refused("web.cfg has no signature beside it (NAME.minisig)")
    host.refused("standard input has no signature", profile="-")
    host.trust()
    host.refused("has no signature beside it", "--public-key", keys[0].text)
    # Also a pinned one.
    host.refused("has no signature beside it", "--public-key", keys[0].public,
                 "--sha256", sha256(host.profile))


def test_s41_a_signature_may_be_required_without_a_key(host, keys):
    host.write()
    keys[0].sign(host.profile)
    host.trust("require_signature = true")
    host.refused("a signature is required, and no key is trusted")
    host.apply("--public-key", keys[0].text, host.profile)


def test_s41_only_an_explicit_word_lets_an_unsigned_one_pass(host, keys):
    host.write()
    host.trust(f"public_key = {keys[0].text}", "require_signature = false")
    host.apply(host.profile).said("is not signed, and require_signature = "
                                  "false lets it pass")
    # What is there must hold all the same.
    keys[1].sign(host.profile)
    host.refused("is not trusted here")


# ---- S42: what a signature covers ----

def test_s42_a_signed_profile_is_applied_and_one_changed_byte_is_not(
        host, keys):
    release = keys[0]
    host.trust(f"public_key = {release.public}")
    host.write("serial = 3; expires = \"2099-01-01T00:00:00Z\";")
    release.sign(host.profile)
    host.apply(host.profile).said(f"signed by minisign key {release.id}")
    good = host.profile.read_bytes()
    for at in range(0, len(good), 7):
        changed = bytearray(good)
        changed[at] ^= 1
        host.profile.write_bytes(changed)
        host.run("plan", host.profile).said(
            f"by the minisign key {release.id} is not of these bytes", 2)
    host.profile.write_bytes(good + b"\n")
    host.refused("is not of these bytes")


def test_s42_the_legacy_form_is_verified_too(host, keys):
    host.write()
    keys[0].sign(host.profile, "-l")
    host.apply("--public-key", keys[0].text, host.profile)
    host.write(text="x")
    host.refused("is not of these bytes", "--public-key", keys[0].text)


def test_s42_it_is_verified_before_it_is_parsed(host, keys):
    host.profile.write_text("this is no profile {{{\n")
    keys[1].sign(host.profile)
    done = host.refused("is not trusted here", "--public-key", keys[0].text)
    assert "web.cfg:1" not in done.err
    keys[0].sign(host.profile)
    host.run("plan", "--public-key", keys[0].text,
             host.profile).said("web.cfg:1", 2)


def test_s42_what_a_signed_profile_includes_is_signed(host, keys):
    part = host.dir / "part.cfg"
    part.write_text("budget = 60;\n")
    host.write('@include "part.cfg"')
    keys[0].sign(host.profile)
    host.refused("part.cfg has no signature beside it",
                 "--public-key", keys[0].text)
    keys[0].sign(part)
    host.apply("--public-key", keys[0].text, host.profile)
    part.write_text("budget = 61;\n")
    host.refused("is not of these bytes", "--public-key", keys[0].text)
    # Somebody else's word is none.
    keys[1].sign(part)
    host.refused("is not trusted here", "--public-key", keys[0].text)
    # A file that is signed, but another one.
    (host.dir / "third.cfg").write_text("budget = 1;\n")
    keys[0].sign(host.dir / "third.cfg")
    shutil.copy(host.dir / "third.cfg", part)
    shutil.copy(host.dir / "third.cfg.minisig", f"{part}.minisig")
    host.refused('is of a file "third.cfg", not of "part.cfg"',
                 "--public-key", keys[0].text)


def test_s42_the_signature_of_a_fetched_profile_is_fetched_beside(host, keys):
    host.write()
    keys[0].sign(host.profile)
    with web(host.dir) as (base, asked):
        host.apply("--public-key", keys[0].text, f"{base}/web.cfg?edition=7")
        assert "/web.cfg.minisig?edition=7" in asked
        (host.dir / "web.cfg.minisig").unlink()
        host.refused("has no signature that can be read",
                     "--public-key", keys[0].text, profile=f"{base}/web.cfg",
                     status=1)
        keys[1].sign(host.profile)
        host.refused(f"is by the minisign key {keys[1].id}, which is not "
                     f"trusted here; trusted: minisign key {keys[0].id}",
                     "--public-key", keys[0].text, profile=f"{base}/web.cfg")


@pytest.mark.parametrize("suffix,form", ((".p7s", "DER"), (".cms", "PEM")))
def test_s42_a_cms_signature_is_verified(host, certificates, suffix, form):
    signer = certificates["signer"]
    host.write()
    host.trust(f"public_key = {signer.pem}")
    host.refused("no signature beside it (NAME.p7s, NAME.cms)")
    signer.sign(host.profile, out=f"{host.profile}{suffix}", form=form)
    host.apply(host.profile).said(f"certificate sha256 {signer.id}")
    # By the one who issued it, too.
    host.trust(f"public_key = {certificates['ca'].pem}")
    host.apply(host.profile)
    host.write(text="changed")
    host.refused("does not hold: ")


def test_s42_a_cms_signature_of_somebody_else_is_refused(host, certificates):
    host.write()
    host.trust(f"public_key = {certificates['signer'].pem}")
    for who, why in (("other", "does not hold: "),
                     ("server", "does not hold: ")):
        certificates[who].sign(host.profile)
        host.refused(why)
    # Of the same authority, but not made for this.
    host.trust(f"public_key = {certificates['ca'].pem}")
    host.refused("which is not meant for signing: it needs the extended key "
                 "usage")
    # One that says nothing of what it is for is its owner's to judge.
    host.trust(f"public_key = {certificates['plain'].pem}")
    certificates["plain"].sign(host.profile)
    host.apply(host.profile)


def test_s42_a_cms_message_with_its_own_content_is_refused(
        host, certificates):
    host.write()
    host.trust(f"public_key = {certificates['signer'].pem}")
    certificates["signer"].sign(host.profile, "-nodetach")
    host.refused("is a CMS message with its content inside")
    host.write(text="changed")
    host.refused("is a CMS message with its content inside")


def test_s42_a_weak_digest_signs_nothing(host, certificates):
    host.write()
    host.trust(f"public_key = {certificates['signer'].pem}")
    certificates["signer"].sign(host.profile, "-md", "sha1")
    host.refused("is of a weak digest; sign with -md sha256")


@pytest.mark.parametrize("pinned", (True, False))
def test_s42_a_signed_package_is_installed_and_a_changed_one_is_not(
        host, keys, pinned):
    archive = host.tarball("app-1.tar.gz")
    keys[0].sign(archive)
    digest = f'sha256 = "{sha256(archive)}";' if pinned else ""

    def package(*more):
        host.package(f"{base}/app-1.tar.gz", digest,
                     f'public_key = "{keys[0].text}";', *more)

    with web(host.dir) as (base, asked):
        package()
        host.apply(host.profile).said(
            f"signed by minisign key {keys[0].id}")
        assert host.installed() == "x\n"
        assert "/app-1.tar.gz.minisig" in asked
        # Nothing new: neither is fetched again.
        del asked[:]
        assert "nothing to do" in host.apply(host.profile).out
        assert not asked
        shutil.rmtree(host.dir / "app")
        # The archive changed.
        good = archive.read_bytes()
        host.tarball("app-1.tar.gz", content="evil\n")
        host.run("apply", host.profile).said(
            "is not what was promised" if pinned else
            f"by the minisign key {keys[0].id} is not of these bytes", 1)
        # Signed by somebody else.
        archive.write_bytes(good)
        keys[1].sign(archive)
        host.run("apply", host.profile).said(
            f"is by the minisign key {keys[1].id}, which is not trusted "
            f"here; trusted: minisign key {keys[0].id}", 1)
        # No signature there.
        (host.dir / "app-1.tar.gz.minisig").unlink()
        host.run("apply", host.profile).said("signature: ", 1).said("404")
        assert host.installed() is None
        # Elsewhere.
        keys[0].sign(archive, out=host.dir / "elsewhere.sig")
        package(f'signature = "{base}/elsewhere.sig";')
        host.apply(host.profile)
        assert host.installed() == "x\n"


def test_s42_a_package_without_its_own_key_asks_those_of_the_host(host, keys):
    archive = host.tarball("app-1.tar")
    keys[0].sign(archive)
    host.package(f"file://{archive}",
                 f'signature = "file://{archive}.minisig";')
    host.run("apply", host.profile).said("trusts no key of minisign", 1)
    host.trust(f"public_key = {keys[0].public}", "require_signature = false")
    host.apply(host.profile).said(f"signed by minisign key {keys[0].id}")
    # What the host revoked, the profile does not bring back.
    shutil.rmtree(host.dir / "app")
    host.trust(f"revoked = {keys[0].id}")
    host.package(f"file://{archive}", f'public_key = "{keys[0].text}";')
    host.run("apply", host.profile).said(
        f"is by the minisign key {keys[0].id}, which is revoked", 1)


def test_s42_the_legacy_form_does_not_do_for_a_package(host, keys):
    archive = host.tarball("app-1.tar")
    keys[0].sign(archive, "-l")
    host.package(f"file://{archive}", f'public_key = "{keys[0].text}";')
    host.run("apply", host.profile).said("sign with 'minisign -S -H'", 1)
    keys[0].sign(archive, "-H")
    host.apply(host.profile)


def test_s42_a_bad_mirror_is_left_for_the_next(host, keys):
    (host.dir / "bad").mkdir()
    (host.dir / "good").mkdir()
    good = host.tarball("good/app-1.tar")
    keys[0].sign(good)
    evil = host.tarball("bad/app-1.tar", content="evil\n")
    shutil.copy(f"{good}.minisig", f"{evil}.minisig")
    with web(host.dir) as (base, _):
        urls = [f"{base}/{name}/app-1.tar" for name in ("bad", "good")]
        host.package(urls, f'public_key = "{keys[0].text}";')
        host.apply(host.profile).said("going on with the next mirror")
        assert host.installed() == "x\n"
        shutil.rmtree(host.dir / "app")
        # Its signature is bad as well.
        keys[1].sign(evil)
        host.apply(host.profile).said("going on with the next mirror")
        assert host.installed() == "x\n"


def test_s42_a_fetched_file_may_be_signed_too(host, keys):
    served = host.dir / "motd"
    served.write_text("welcome\n")
    keys[0].sign(served)
    with web(host.dir) as (base, _):
        host.profile.write_text(
            'fitout = 1;\nname = "web";\nfiles = ( { to = "%s"; url = '
            '"%s/motd"; public_key = "%s"; } );\n' % (
                host.out, base, keys[0].text))
        host.apply(host.profile).said(f"signed by minisign key {keys[0].id}")
        assert host.out.read_text() == "welcome\n"
        assert "nothing to do" in host.apply(host.profile).out
        host.out.unlink()
        served.write_text("evil\n")
        host.run("apply", host.profile).said("is not of these bytes", 1)
        assert not host.out.exists()


def test_s42_a_source_of_a_signed_profile_is_pinned(host, keys):
    (host.dir / "motd").write_text("welcome\n")

    def write(more):
        host.profile.write_text(
            'fitout = 1;\nname = "web";\nfiles = ( { to = "%s"; source = '
            '"motd"; %s } );\n' % (host.out, more))
        keys[0].sign(host.profile)

    write("")
    host.run("apply", "--public-key", keys[0].text, host.profile).said(
        "without its sha256: add it", 1)
    write(f'sha256 = "{sha256(host.dir / "motd")}";')
    host.apply("--public-key", keys[0].text, host.profile)
    (host.dir / "motd").write_text("evil\n")
    host.run("apply", "--public-key", keys[0].text, host.profile).said(
        "is not what was promised", 1)
    assert host.out.read_text() == "welcome\n"


# ---- S43: an old edition ----

def test_s43_a_lower_serial_than_the_last_applied_is_refused(host, keys):
    release = keys[0]
    host.trust(f"public_key = {release.public}")
    for serial in (4, 5):
        host.write(f"serial = {serial};", text=f"edition {serial}")
        release.sign(host.profile)
        for old in (host.profile, f"{host.profile}.minisig"):
            shutil.copy(old, f"{old}.{serial}")
        host.apply(host.profile)

    def bring(serial):
        shutil.copy(f"{host.profile}.{serial}", host.profile)
        shutil.copy(f"{host.profile}.minisig.{serial}",
                    f"{host.profile}.minisig")

    bring(4)
    host.refused("has serial 4, and 5 was applied here: it is an older "
                 "edition")
    # A rollback is what a person asked for; the serial survives it.
    assert host.run("rollback").status == 0
    assert host.out.read_text() == "edition 4"
    host.refused("has serial 4, and 5 was applied here")
    host.apply("--allow-older", host.profile).said(
        "--allow-older lets it pass")
    bring(5)
    host.apply(host.profile)


def test_s43_leaving_the_serial_out_does_not_help(host):
    host.write("serial = 5;")
    host.apply(host.profile)
    host.write(text="old")
    host.refused("says no serial, that is 0, and 5 was applied here")


def test_s43_a_serial_counts_also_when_nothing_else_changed(host):
    host.write("serial = 5;")
    host.apply(host.profile)
    host.write("serial = 9;")
    assert "nothing to do" in host.apply(host.profile).out
    host.write("serial = 8;")
    host.refused("has serial 8, and 9 was applied here")


def test_s43_a_run_that_failed_did_not_apply_its_serial(host):
    host.write("serial = 5;")
    host.apply(host.profile)
    host.write('serial = 9; checks = ( { run = [ "false" ]; '
               'timeout = 1; } );', text="fails")
    host.apply(host.profile, status=1)
    host.write("serial = 6;")
    host.apply(host.profile)


def test_s43_nor_did_one_whose_agent_did_not_start(host):
    """The gate's file stands in the state directory here."""
    agent = 'agent = { kind = "command"; start = [ "%s" ]; stop = [ "true" ]; };'
    host.write("serial = 1; " + agent % "true", text="one")
    host.apply(host.profile)
    host.write("serial = 2; " + agent % "false", text="two")
    host.apply(host.profile, status=1)
    assert host.out.read_text() == "one"
    host.write("serial = 1; " + agent % "true", text="one")
    host.apply(host.profile)


# ---- S44: a profile that has expired ----

def utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ",
                         time.gmtime(time.time() + seconds))


def test_s44_an_expired_profile_is_refused(host):
    host.write(f'expires = "{utc(-5)}";')
    host.refused("expired at ")
    host.write(f'expires = "{utc(3600)}";')
    host.apply(host.profile)
    host.write('expires = "tomorrow";')
    host.refused("web.cfg:3: expires \"tomorrow\" must be a time in UTC")


def test_s44_a_clock_that_nobody_keeps_right_is_said(host):
    # What the kernel says of its clock, adjtimex(2), without changing it.
    asked = subprocess.run(
        ["/usr/bin/python3", "-c",
         "import ctypes; b = ctypes.create_string_buffer(512); "
         "s = ctypes.CDLL(None).adjtimex(b); "
         "status = ctypes.c_int.from_buffer(b, 40).value; "
         "print(int(s >= 0 and s != 5 and not status & 0x40))"],
        check=True, capture_output=True, text=True).stdout.strip()
    host.write(f'expires = "{utc(3600)}";')
    done = host.apply(host.profile)
    said = "no time service keeps the clock" in re.sub(r"\s+", " ", done.err)
    assert said == (asked == "0"), done.err


def test_s44_a_clock_before_the_build_is_said(host):
    """As the unit test has it: a process cannot be given another clock."""
    program = TOP / "build/sanitize/tests/unit/test_freshness"
    if not program.exists():
        pytest.skip("make check builds it")
    done = subprocess.run([program], capture_output=True, text=True,
                          timeout=60,
                          env={**os.environ, "CMOCKA_MESSAGE_OUTPUT": "TAP"})
    assert re.search(r"^ok \d+ - a_clock_before_the_build_is_said_and_the_"
                     r"build_counts", done.stdout, re.M), done.stdout


# ---- S45: a counter that leaps ----

def test_s45_a_leap_of_the_serial_is_warned_about(host):
    host.trust("serial_jump = 10")
    host.write("serial = 1;")
    host.apply(host.profile)
    host.write("serial = 11;")
    assert "leaps" not in host.apply(host.profile).err
    host.write("serial = 22;")
    host.apply(host.profile).said("leaps from 11 to 22")


def test_s45_the_counter_recovers_with_another_key(host, keys):
    stolen, new = keys
    host.trust(f"public_key = {stolen.text}", f"public_key = {new.text}")
    host.write("serial = 9223372036854775807;", text="evil")
    stolen.sign(host.profile)
    host.apply(host.profile)
    host.write("serial = 6;", text="good")
    new.sign(host.profile)
    host.refused("and 9223372036854775807 was applied here")
    host.trust(f"public_key = {new.text}", f"revoked = {stolen.id}")
    host.apply(host.profile).said(f"was set by {stolen.id}, which is revoked")
    assert host.out.read_text() == "good"
    host.write("serial = 5;")
    new.sign(host.profile)
    host.refused("has serial 5, and 6 was applied here")


# ---- S46: keys come and go ----

def test_s46_either_of_two_keys_will_do_until_one_is_revoked(host, keys):
    host.trust(*(f"public_key = {key.text}" for key in keys))
    for key in keys:
        host.write(text=key.id)
        key.sign(host.profile)
        host.apply(host.profile).said(f"signed by minisign key {key.id}")
    revoked = keys[1]
    host.ini.write_text(host.ini.read_text() +
                        f"revoked = {revoked.printed_id}\n")
    host.refused(f"is by the minisign key {revoked.id}, which is revoked")
    # Naming it does not bring it back.
    host.refused(f"{revoked.id}, which is revoked",
                 "--public-key", revoked.text)


def test_s46_a_revoked_certificate_signs_nothing(host, certificates):
    signer = certificates["signer"]
    host.write()
    signer.sign(host.profile)
    host.trust(f"public_key = {certificates['ca'].pem}",
               f"revoked = {signer.id}")
    host.refused(f"(certificate sha256 {signer.id}), which is revoked")
    host.trust(f"public_key = {certificates['ca'].pem}",
               f"revoked = {certificates['ca'].id}")
    host.refused("does not hold: ")


def test_s46_every_message_names_the_key(host, keys, certificates):
    host.write()
    keys[0].sign(host.profile)
    host.refused(keys[0].id, "--public-key", keys[1].text)
    host.refused(keys[1].id, "--public-key", keys[1].text)
    host.apply("--public-key", keys[0].text, host.profile).said(keys[0].id)
    certificates["other"].sign(host.profile)
    host.apply("--public-key", certificates["other"].pem,
               host.profile).said(certificates["other"].id)


def test_s46_the_key_decides_the_algorithm(host, keys, certificates):
    host.write()
    keys[0].sign(host.profile)
    signature = host.dir / "web.cfg.minisig"
    lines = signature.read_text().split("\n")
    # "Rm..." would be another algorithm; "RW..." the legacy form of this.
    for first in ("Rm", "RW", "QU", "AA"):
        signature.write_text("\n".join(
            [lines[0], first + lines[1][2:], *lines[2:]]))
        done = host.run("apply", "--public-key", keys[0].text, host.profile)
        assert done.status == 2, done.err
    # A CMS signature does for a certificate only, whatever it is called.
    certificates["other"].sign(host.profile, out=signature)
    host.refused("and no certificate is trusted here",
                 "--public-key", keys[0].text)
    # And one of minisign does not for a certificate.
    keys[0].sign(host.profile, out=f"{host.profile}.p7s")
    host.refused("which is not trusted here",
                 "--public-key", certificates["other"].pem)


# ---- S47: digests are compared whole ----

@pytest.mark.parametrize("change", (
    lambda d: d[:-1], lambda d: d + "0", lambda d: d[:32],
    lambda d: " " + d[1:], lambda d: "0x" + d[2:], lambda d: d[:-1] + "g",
    lambda d: d[:-1] + "\u0661", lambda d: ""))
def test_s47_hex_is_strict(host, change):
    host.write()
    digest = sha256(host.profile)
    host.refused("--sha256 wants 64 hex digits", "--sha256", change(digest))
    host.apply("--sha256", digest, host.profile)
    host.apply("--sha256", digest.upper(), host.profile)


def test_s47_every_digit_of_a_digest_counts(host):
    host.write()
    digest = sha256(host.profile)
    for at in range(64):
        other = "0" if digest[at] != "0" else "1"
        wrong = digest[:at] + other + digest[at + 1:]
        host.run("plan", "--sha256", wrong, host.profile).said(
            "is not what was promised", 2)


def test_s47_digests_are_compared_in_constant_time():
    """By its source: no loop ends early, nothing compares by memcmp."""
    source = (TOP / "src/io/digest.c").read_text()
    body = re.search(r"^digest_equal\(.*?^}", source, re.M | re.S).group()
    assert "volatile" in body and "|=" in body and "^" in body
    assert body.count("return") == 1 and "break" not in body
    for path in (TOP / "src").rglob("*.c"):
        for line in path.read_text().splitlines():
            assert not re.search(r"memcmp\(.*(digest|sha256|blake2)", line), \
                f"{path.name}: {line}"


# ---- S48: the right software ----

def test_s48_a_signed_profile_of_another_name_is_refused(host, keys):
    host.write(path=host.dir / "db.cfg", name="db", text="db")
    keys[0].sign(host.dir / "db.cfg")
    shutil.copy(host.dir / "db.cfg", host.profile)
    shutil.copy(host.dir / "db.cfg.minisig", host.dir / "web.cfg.minisig")
    host.refused(f"by the minisign key {keys[0].id} is of a file \"db.cfg\", "
                 "not of \"web.cfg\"", "--public-key", keys[0].text)
    host.apply("--public-key", keys[0].text, host.dir / "db.cfg")


@pytest.mark.parametrize("pinned", (True, False))
def test_s48_so_is_a_package_of_another_name(host, keys, pinned):
    other = host.tarball("other-2.tar", content="other\n")
    keys[0].sign(other)
    archive = host.dir / "app-1.tar"
    shutil.copy(other, archive)
    shutil.copy(f"{other}.minisig", f"{archive}.minisig")
    host.package(f"file://{archive}", f'public_key = "{keys[0].text}";',
                 f'sha256 = "{sha256(other)}";' if pinned else "")
    host.run("apply", host.profile).said(
        f"by the minisign key {keys[0].id} is of a file \"other-2.tar\", "
        "not of \"app-1.tar\"", 1)
    assert host.installed() is None
    # One that does not say is no only pin.
    keys[0].sign(archive, "-t", "of something")
    if pinned:
        host.apply(host.profile)
    else:
        host.run("apply", host.profile).said(
            "does not say of which file it is", 1)


# ---- the manual's own commands ----

def displays(page):
    """The literal displays of a manual page, as they are typed."""
    text = (TOP / "doc/man" / page).read_text()
    return [block.replace("\\e", "\\") for block in
            re.findall(r"^\.Bd -literal\n(.*?)^\.Ed", text, re.M | re.S)]


@pytest.mark.parametrize("tool", ("minisign", "openssl"))
def test_the_commands_of_the_manual_sign_a_profile(host, tool):
    host.write()
    script, = [block for block in displays("fitout-apply.1")
               if block.startswith(f"{tool} ")]
    assert "fitout apply --public-key" in script
    # A person would type a password.
    script = script.replace("minisign -G ", "minisign -G -W ")
    script = script.replace("fitout apply", f"{host.fitout} --config "
                            f"{host.ini} --state {host.dir}/state apply")
    done = subprocess.run(["sh", "-euxc", script], cwd=host.dir,
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "web.cfg: signed by " in done.stderr, done.stderr
    assert host.out.read_text() == "hello"
