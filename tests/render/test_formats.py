# SPDX-License-Identifier: Apache-2.0
"""Every form gives back what went in, whatever that is; and the API's and the
languages' own rules, by their own checkers."""
import base64
import email
import gzip
import json
import random
import re
import subprocess

import pytest
import yaml

import policy_grammar
from conftest import HERE, TOP

WEB = HERE / "profiles/web.cfg"
PLAIN = HERE / "profiles/plain.cfg"
TARGETS = ("user-data", "launch-template", "packer", "cloudformation",
           "iam-policy")
BINARY = ("--binary-url", "https://artifacts.example.com/fitout",
          "--binary-sha256", "ab" * 32)
# What has a meaning to one of the languages that a text passes through.
PIECES = ("a", " ", "\t", "\n", "'", "\\\\", "\\\"", "`", "$", "$(id)",
          "${HOME}", "$${x}", "%{if}", "%", "{{", "}}", "{{ .Path }}", "#", ":",
          ": ", "- ", "--", "---", "...", "&a", "*a", "!!x", "|", ">", "é",
          "\u0085", "\u2028", "\ufeff", "\U0001f600", "\x7f", "FITOUT_END",
          "#cloud-config", "From ", "=20", "\n\n", "<<", "//", "?")


def nasty(seed):
    picked = random.Random(seed)
    return "".join(picked.choice(PIECES)
                   for _ in range(picked.randrange(1, 60)))


def profile_of(text):
    return 'fitout = 1;\nname = "nasty";\nfiles = (\n  ' \
        f'{{ to = "/etc/nasty"; content = "{text}"; }},\n' \
        '  { to = "/etc/beside"; source = "beside.bin"; } );\n'


def files_of(config):
    """What write_files would write: {path: bytes}."""
    decode = {"b64": base64.b64decode,
              "gz+b64": lambda text: gzip.decompress(base64.b64decode(text)),
              None: str.encode}
    return {file["path"]: decode[file.get("encoding")](file["content"])
            for file in yaml.safe_load(config)["write_files"]}


def run_shell(script, root):
    """Run user-data with /etc below root; the words of its last line."""
    script = script.decode().replace("/etc/fitout", f"{root}/etc/fitout")
    script = script.replace("fitout=/usr/local/bin/fitout",
                            f"fitout={root}/print")
    (root / "print").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (root / "print").chmod(0o755)
    done = subprocess.run(["dash", "-s"], input=script.encode(),
                          capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().split("\n")[:-1]


@pytest.mark.parametrize("seed", range(25))
def test_what_is_in_a_profile_comes_out_of_every_form(render, tmp_path, seed):
    text = nasty(seed)
    beside = random.Random(-seed).randbytes(seed * 40) + \
        f"\r\n{text}".encode()
    render.write("beside.bin", beside)
    path = render.write("nasty.cfg", profile_of(text))
    flat = profile_of(text)
    plain = render.write("flat.cfg", flat.split("  { to = \"/etc/b")[0]
                         .rstrip(",\n ") + " );\n")
    for encoding in ("plain", "gzip-base64"):
        how = ("--encoding", encoding)
        # sh
        root = tmp_path / encoding
        root.mkdir()
        words = run_shell(render("user-data", *how, path), root)
        assert words == ["apply", f"{root}/etc/fitout/nasty.cfg"]
        written = (root / "etc/fitout/nasty.cfg").read_bytes()
        assert text.encode() in written
        assert (root / "etc/fitout/beside.bin").read_bytes() == beside
        assert (root / "etc/fitout/nasty.cfg").stat().st_mode & 0o777 == 0o600
        # YAML
        made = render("user-data", "--form", "cloud-config", *how, path)
        assert made.startswith(b"#cloud-config\n")
        found = files_of(made)
        assert found["/etc/fitout/nasty.cfg"] == written
        assert found["/etc/fitout/beside.bin"] == beside
        assert yaml.safe_load(made)["runcmd"] == [
            ["/bin/sh", "/etc/fitout/nasty.first-boot"]]
        # MIME
        message = email.message_from_bytes(
            render("user-data", "--form", "mime", *how, path))
        config, script = message.get_payload()
        assert message.get_content_type() == "multipart/mixed"
        assert config.get_content_type() == "text/cloud-config"
        assert script.get_content_type() == "text/x-shellscript"
        found = files_of(config.get_payload(decode=True))
        assert found["/etc/fitout/nasty.cfg"] == written
        assert found["/etc/fitout/beside.bin"] == beside
    # CloudFormation: the user-data is what user-data is.
    stack = yaml.safe_load(render("cloudformation", path))
    data = stack["Resources"]["LaunchTemplate"]["Properties"][
        "LaunchTemplateData"]["UserData"]
    assert data["Fn::Base64"].encode() == render("user-data", path)
    # What was written is a profile, and flattens to itself.
    again = render.write("again.cfg", render("profile", plain))
    assert render("profile", again) == again.read_bytes()


@pytest.mark.parametrize("seed", range(100, 112))
def test_values_of_set_arrive_as_they_are(render, tmp_path, seed):
    value = "".join(c for c in nasty(seed) if c not in "\r\n") or "x"
    path = render.write("set.cfg", 'fitout = 1;\nname = "set";\n'
                        'files = ( { to = "/etc/x"; content = "${who}"; '
                        'template = true; } );\n')
    words = run_shell(render("user-data", "--set", f"who={value}", path),
                      tmp_path)
    assert words[:3] == ["--set", f"who={value}", "apply"]


def test_the_same_input_gives_the_same_bytes(render):
    for target in TARGETS:
        for form in ("shell", "cloud-config", "mime"):
            more = () if target in ("packer", "iam-policy") else (
                "--form", form)
            assert render(target, *more, WEB) == render(target, *more, WEB)
    packed = [render("user-data", "--encoding", "gzip", WEB)
              for _ in range(2)]
    assert packed[0] == packed[1]
    assert gzip.decompress(packed[0]) == render("user-data", WEB)
    assert base64.b64decode(render("user-data", "--base64", WEB)) == \
        render("user-data", WEB)


def test_the_first_encoding_that_fits_is_taken(render):
    def of(n):
        line = "a line that is much like the ones around it %d\\n"
        return render.write("large.cfg", 'fitout = 1;\nname = "large";\n'
                            'files = ( { to = "/etc/x"; content = "'
                            + "".join(line % i for i in range(n)) + '"; } );\n')

    assert render("user-data", of(200)).startswith(b"#!/bin/sh")
    assert b"gzip -dc" not in render("user-data", of(200))
    packed = render("user-data", of(1000))
    assert packed.startswith(b"#!/bin/sh") and b"gzip -dc" in packed
    least = render("user-data", of(6000))
    assert least.startswith(b"\x1f\x8b") and len(least) <= 16384
    assert render.run("user-data", of(12000)).returncode == 2
    pointer = render("user-data", "--pointer", "s3://bucket/large.cfg", of(12000))
    digest = subprocess.run(["sha256sum"], input=render("profile", of(12000)),
                            capture_output=True, check=True).stdout[:64]
    assert pointer.endswith(b'exec "$fitout" apply --sha256 ' + digest +
                            b" s3://bucket/large.cfg\n")


def test_the_limit_is_ec2s_to_the_byte(render):
    def of(n):
        return render.write("edge.cfg", 'fitout = 1;\nname = "edge";\n'
                            'files = ( { to = "/etc/x"; content = "'
                            + "x" * n + '"; } );\n')

    short = len(render("user-data", "--encoding", "plain", of(0)))
    fits = render("user-data", "--encoding", "plain", of(16384 - short))
    assert len(fits) == 16384
    over = render.run("user-data", "--encoding", "plain", of(16385 - short))
    assert over.returncode == 2
    assert b"16385 bytes at least" in over.stderr
    assert b"file /etc/x" in over.stderr


@pytest.mark.parametrize("form", ("shell", "cloud-config", "mime", "pointer"))
def test_scripts_are_sound_sh(render, form):
    if form == "cloud-config":
        made = files_of(render("user-data", "--form", form, *BINARY, PLAIN))[
            "/etc/fitout/plain.first-boot"]
    elif form == "mime":
        made = email.message_from_bytes(
            render("user-data", "--form", form, *BINARY, PLAIN)
        ).get_payload()[1].get_payload(decode=True)
    else:
        made = render("user-data", "--form", form, "--pointer",
                      "s3://bucket/plain.cfg", *BINARY, PLAIN)
    checked = subprocess.run(["shellcheck", "-s", "sh", "-"], input=made,
                             capture_output=True, check=False)
    assert checked.returncode == 0, checked.stdout.decode()


# ---- by the API's own model ----

def validate(service, operation, document):
    session = pytest.importorskip("botocore.session").get_session()
    from botocore.validate import ParamValidator
    model = session.get_service_model(service).operation_model(operation)
    report = ParamValidator().validate(document, model.input_shape)
    assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize("how", (
    (), ("--form", "none"), ("--form", "mime", "--encoding", "gzip"),
    ("--image-id", "ami-0123456789abcdef0", "--instance-type", "t3.small",
     "--instance-profile", "web", "--key-name", "ops", "--security-groups",
     "sg-1,sg-2", "--hop-limit", "2", "--name", "other"),
    ("--instance-profile", "arn:aws:iam::123456789012:instance-profile/web")))
def test_botocore_accepts_the_launch_template(render, how):
    made = json.loads(render("launch-template", *how, WEB))
    validate("ec2", "CreateLaunchTemplate", made)
    data = made["LaunchTemplateData"]
    assert data["MetadataOptions"]["HttpTokens"] == "required"
    if "none" in how:
        assert "UserData" not in data
    else:
        form = [word for word in how if word in ("--form", "mime",
                                                 "--encoding", "gzip")]
        assert base64.b64decode(data["UserData"]) == \
            render("user-data", *form, WEB)


def test_botocore_would_have_found_a_mistake(render):
    made = json.loads(render("launch-template", WEB))
    made["LaunchTemplateData"]["MetadataOptions"]["HttpToken"] = "required"
    with pytest.raises(AssertionError, match="HttpToken"):
        validate("ec2", "CreateLaunchTemplate", made)


def test_botocore_accepts_the_launch_configuration(render):
    made = json.loads(render(
        "launch-configuration", "--image-id", "ami-0123456789abcdef0",
        "--instance-type", "t3.small", "--instance-profile", "web",
        "--security-groups", "sg-1", PLAIN))
    validate("autoscaling", "CreateLaunchConfiguration", made)


# ---- IAM ----

def test_policies_are_of_iams_grammar(render):
    for more in ((), ("--region", "us-gov-west-1", "--account", "1" * 12),
                 ("--pointer", "s3://bucket/web.cfg", "--revisions", "revisions")):
        policy = json.loads(render("iam-policy", *more, WEB))
        assert policy_grammar.problems(policy) == []
    stack = yaml.safe_load(render("cloudformation", WEB))
    for role in ("InstanceRole", "DeployRole"):
        properties = stack["Resources"][role]["Properties"]
        assert policy_grammar.problems(
            properties["AssumeRolePolicyDocument"], trust=True) == []
        for policy in properties["Policies"]:
            assert policy_grammar.problems(policy["PolicyDocument"]) == []


@pytest.mark.parametrize("spoil,what", (
    (lambda p: p.update(Version="2012-10-18"), "Version"),
    (lambda p: p["Statement"][0].update(Efect="Allow"), "Efect"),
    (lambda p: p["Statement"][0].pop("Resource"), "Resource"),
    (lambda p: p["Statement"][0].update(Action=["s3 GetObject"]), "Action"),
    (lambda p: p["Statement"][0].update(Resource=["s3://bucket/k"]), "Resource"),
    (lambda p: p["Statement"][0].update(
        Resource=["arn:aws:s3:::b/${nosuch}"]), "variable"),
    (lambda p: p["Statement"][1].update(Sid="FetchArtifacts"), "Sid"),
    (lambda p: p.update(Statement=[]), "Statement")))
def test_the_grammar_knows_mistakes(render, spoil, what):
    policy = json.loads(render("iam-policy", WEB))
    spoil(policy)
    assert any(what in problem for problem in policy_grammar.problems(policy))


def allowed(policy, action, resource):
    return any(
        action in statement["Action"] and any(
            policy_grammar.matches(pattern, resource)
            for pattern in ([statement["Resource"]]
                            if isinstance(statement["Resource"], str)
                            else statement["Resource"]))
        for statement in policy["Statement"])


def test_a_policy_allows_what_the_profile_touches_and_nothing_beside(render):
    policy = json.loads(render("iam-policy", "--region", "eu-west-1",
                               "--account", "1" * 12, WEB))
    read = "s3:GetObject"
    for key in ("artifacts-eu-west-1/web/nginx-1.14.tar",
                "artifacts-eu-west-1/web/nginx-1.14.tar.minisig",
                "artifacts/php/7*$?7.tar"):
        assert allowed(policy, read, f"arn:aws:s3:::{key}")
        assert not allowed(policy, "s3:PutObject", f"arn:aws:s3:::{key}")
    for key in ("artifacts-eu-west-1/web/nginx-1.14.ta",
                "artifacts-eu-west-1/web/nginx-1.14.tar/x",
                "artifacts-us-east-1/web/nginx-1.14.tar",
                "artifacts/php/7.tar", "artifacts/php/7*$x7.tar",
                "artifacts/php/7xx$?7.tar",
                "logs/i-0123456789abcdef0/report.json"):
        assert not allowed(policy, read, f"arn:aws:s3:::{key}")
    assert allowed(policy, "s3:GetObjectVersion",
                   "arn:aws:s3:::artifacts/php/7.tar")
    put = "s3:PutObject"
    assert allowed(policy, put, "arn:aws:s3:::logs/i-0123/report.json")
    assert not allowed(policy, put, "arn:aws:s3:::logs/report.json")
    group = "arn:aws:autoscaling:eu-west-1:111111111111:autoScalingGroup:" \
        "0:autoScalingGroupName/web"
    assert allowed(policy, "autoscaling:CompleteLifecycleAction", group)
    assert not allowed(policy, "autoscaling:DeleteAutoScalingGroup", group)
    stack = "arn:aws:cloudformation:eu-west-1:111111111111:stack/"
    signal = "cloudformation:SignalResource"
    assert allowed(policy, signal, f"{stack}web-stack/1")
    assert not allowed(policy, signal, f"{stack}web-stack-2/1")


# ---- CloudFormation ----

def test_the_template_refers_only_to_what_is_in_it(render):
    for path, more in ((WEB, ()), (PLAIN, ("--form", "none"))):
        stack = yaml.safe_load(render("cloudformation", *more, path))
        known = {*stack["Parameters"], *stack["Resources"]}
        used = set()

        def look(value):
            if isinstance(value, list):
                for each in value:
                    look(each)
            elif isinstance(value, dict):
                for key, each in value.items():
                    if key == "Ref":
                        used.add(each)
                    elif key == "Fn::GetAtt":
                        used.add(each[0])
                    elif key == "Fn::Sub":
                        used.update(name for name in re.findall(
                            r"\$\{([^!}][^}]*)\}", each)
                            if not name.startswith("AWS::"))
                    else:
                        look(each)

        look(stack["Resources"])
        look(stack["Outputs"])
        assert used <= known, used - known
        assert set(stack["Parameters"]) <= used


def test_the_group_waits_where_the_profile_signals(render):
    stack = yaml.safe_load(render("cloudformation", WEB))["Resources"]
    group = stack["WebGroup"]
    assert group["CreationPolicy"]["ResourceSignal"]["Timeout"] == "PT25M"
    hook = group["Properties"]["LifecycleHookSpecificationList"][0]
    assert hook["LifecycleHookName"] == "bootstrap"
    assert hook["HeartbeatTimeout"] == 1800
    plain = yaml.safe_load(render("cloudformation", PLAIN))["Resources"]
    assert "CreationPolicy" not in plain["Group"]
    assert "DeployGroup" not in plain and "DeployGroup" in stack


PEERS = TOP / "build/peers"


@pytest.fixture(params=("shell", "mime", "none"))
def templates(request, render, tmp_path):
    """Templates of both profiles, and one with a mistake."""
    if not (PEERS / "cfn-lint-pypi").exists():
        pytest.skip("cfn-lint comes with tools/check --peers")
    made = []
    for path in (WEB, PLAIN):
        made.append(tmp_path / f"{path.stem}.yaml")
        made[-1].write_bytes(render("cloudformation", "--form", request.param,
                                    path))
    bad = tmp_path / "bad.yaml"
    bad.write_text(made[0].read_text().replace("VPCZoneIdentifier",
                                               "VPCZoneIdentifer"))
    return made, bad


def lint(*words):
    done = subprocess.run([*map(str, words)], timeout=120, text=True,
                          capture_output=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_cfn_lint_accepts_the_template(templates):
    good, bad = templates
    program = PEERS / "cfn-lint-pypi/bin/cfn-lint"
    assert lint(program, "--", *good) == (0, "")
    status, said = lint(program, "--", bad)
    assert status != 0 and "VPCZoneIdentifer" in said


def test_the_older_cfn_lint_of_npm_knows_all_but_imdsv2(templates):
    """Its tables are of 2019, before launch templates had that."""
    good, bad = templates
    program = PEERS / "cfn-lint-npm/node_modules/.bin/cfn-lint"
    for path in (*good, bad):
        _, said = lint(program, "validate", path)
        said = re.sub(r"\x1b\[[0-9;]*m", "", said)
        found = re.findall(r"Message: (.*)", said)
        known = [text for text in found if text.startswith(
            "MetadataOptions is not a valid property")]
        assert len(known) == 1, said
        assert len(found) == (2 if path == bad else 1), said
