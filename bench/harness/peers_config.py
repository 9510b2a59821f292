# SPDX-License-Identifier: Apache-2.0
"""The slow peers: configuration managers, and cloud-init."""
import os
import shutil
import subprocess
import textwrap

from harness import peers

ROOTFS = "FITOUT_BENCH_ROOTFS"     # what tools/rootfs printed, or its failure


class Ansible(peers.Peer):
    """ansible-playbook with a local connection, no facts, one interpreter
    found beforehand: get_url with a checksum, unarchive, copy."""
    name, title, slow = "ansible", "ansible-playbook -c local", True
    programs, packages = ("ansible-playbook",), ("ansible-core",)

    def playbook(self, job):
        dest, tasks = job.disk.dest, []
        for p in job.work.packages:
            into = "%s/programs/%s" % (dest, p.into)
            tasks += [
                "get_url: { url: '%s/%s', dest: '%s/', checksum: "
                "'sha256:%s' }" % (job.base, p.file, job.disk.work, p.sha256),
                "file: { path: '%s', state: directory, mode: '0755' }" % into,
                "unarchive: { src: '%s/%s', dest: '%s', remote_src: true, "
                "extra_opts: [ --strip-components=1 ] }" % (
                    job.disk.work, p.file, into)]
        if job.work.copies:
            tasks.append("file: { path: '%s/etc', state: directory, mode: "
                         "'0755' }" % dest)
        tasks += ["copy: { src: '%s/programs/%s/%s', dest: '%s/etc/%s', "
                  "remote_src: true, mode: preserve }" % (
                      dest, c.package, c.inner, dest, c.to)
                  for c in job.work.copies]
        return play(tasks)

    def command(self, job):
        path = job.script("bench.yml", self.playbook(job), 0o644)
        return ansible_command(job.room, path)


def play(tasks):
    return ("- hosts: localhost\n  gather_facts: false\n  tasks:\n" +
            "".join("    - %s\n" % task for task in tasks))


def ansible_command(room, path):
    return peers.Command(
        ["ansible-playbook", "-c", "local", "-i", "localhost,", "-e",
         "ansible_python_interpreter=/usr/bin/python3", path],
        {"HOME": os.path.join(room, "home"),
         "ANSIBLE_LOCALHOST_WARNING": "false"}, room)


class Itamae(peers.Peer):
    """itamae local: a directory and an execute resource for each package, as
    it has none for archives; what is executed is wget, sha256sum and tar."""
    name, title, slow = "itamae", "itamae local", True
    programs, packages = ("itamae",), ("itamae",)

    def command(self, job):
        dest = job.disk.dest
        text = "directory '%s/programs'\ndirectory '%s/etc'\n" % (dest, dest)
        for p in job.work.packages:
            into = "%s/programs/%s" % (dest, p.into)
            text += textwrap.dedent("""\
                directory '%(into)s'
                execute 'unpack %(name)s' do
                  command "wget -q %(url)s && " \\
                    "echo '%(sha)s  %(file)s' | sha256sum -c --quiet && " \\
                    "tar -C %(into)s --strip-components=1 -xf %(file)s && " \\
                    "rm %(file)s"
                  cwd '%(work)s'
                  not_if "test -e %(into)s/.done"
                end
                """) % {"into": into, "name": p.into, "file": p.file,
                        "url": "%s/%s" % (job.base, p.file),
                        "sha": p.sha256, "work": job.disk.work}
        for c in job.work.copies:
            text += "execute 'cp -f %s/programs/%s/%s %s/etc/%s'\n" % (
                dest, c.package, c.inner, dest, c.to)
        return peers.Command(["itamae", "local", job.script(
            "recipe.rb", text, 0o644)], {"HOME": job.room}, job.disk.work)


class CloudInit(peers.Peer):
    """cloud-init of Debian in a root of its own. What every instance does
    anyway (the data source, the stages before) is done before the clock
    starts; measured is its final stage, which runs what runcmd wrote: the
    script, with curl in wget's place."""
    name, title, slow = "cloud-init", "cloud-init, runcmd", True
    root = None

    def missing(self):
        lower = os.environ.get(ROOTFS, "")
        if not os.path.isdir(lower.split(":")[0]):
            return lower or "tools/rootfs bookworm made no root"
        return None

    def prepare(self, job):
        root = self._mount(job.room)
        inside = root + job.disk.path
        os.makedirs(inside, exist_ok=True)
        # In turns with other disks: the mount of the one before is stale.
        while os.path.ismount(inside):
            subprocess.run(["umount", inside], check=True)
        subprocess.run(["mount", "--bind", job.disk.path, inside], check=True)
        shutil.rmtree(root + "/var/lib/cloud", ignore_errors=True)
        seed = root + "/var/lib/cloud/seed/nocloud"
        os.makedirs(seed)
        _write(seed + "/meta-data", "instance-id: i-bench\n")
        _write(seed + "/user-data", self._user_data(job))
        _write(root + "/etc/cloud/cloud.cfg.d/99-bench.cfg", textwrap.dedent(
            """\
            datasource_list: [ NoCloud, None ]
            network: { config: disabled }
            cloud_init_modules: []
            cloud_config_modules: [ runcmd ]
            cloud_final_modules: [ scripts-user ]
            """))
        for words in (["init", "--local"], ["init"],
                      ["modules", "--mode=config"]):
            done = subprocess.run(["chroot", root, "cloud-init", *words],
                                  capture_output=True, text=True)
            if done.returncode:
                raise SystemExit("cloud-init %s: %s%s" % (
                    words, done.stdout, done.stderr))

    def release(self, job):
        subprocess.run(["umount", self.root + job.disk.path], check=True)

    def _mount(self, room):
        """Once for all lines."""
        self.root = room + "/cloud/root"
        if not os.path.ismount(self.root):
            for name in ("upper", "work", "root"):
                os.makedirs("%s/cloud/%s" % (room, name))
            subprocess.run(
                ["mount", "-t", "overlay", "-o", "lowerdir=%s,upperdir=%s/"
                 "cloud/upper,workdir=%s/cloud/work" % (
                     os.environ[ROOTFS], room, room), "none", self.root],
                check=True)
            for name in ("proc", "dev"):
                subprocess.run(["mount", "--rbind", "/" + name,
                                "%s/%s" % (self.root, name)], check=True)
        return self.root

    @staticmethod
    def _user_data(job):
        text = "#cloud-config\nruncmd:\n  - |\n    set -e\n    cd %s\n" % \
            job.disk.work
        lines = ""
        for p in job.work.packages:
            lines += "curl -sSfO %s/%s\n" % (job.base, p.file)
            lines += "echo '%s  %s' | sha256sum -c --quiet\n" % (
                p.sha256, p.file)
            lines += "mkdir -p new/%s\ntar -C new/%s -xf %s\nrm %s\n" % (
                p.into, p.into, p.file, p.file)
        lines += peers.place_words(job.work, job.disk)
        return text + textwrap.indent(lines, "    ")

    def command(self, job):
        return peers.Command(["chroot", self.root, "cloud-init", "modules",
                              "--mode=final"])


class CfnInit(peers.Peer):
    name, title, slow = "cfn-init", "cfn-init", True

    def missing(self):
        return "not in Debian; its source is not at hand"


def _write(path, text):
    with open(path, "w") as file:
        file.write(text)


def every():
    return [CloudInit(), Itamae(), Ansible(), CfnInit()]
