# SPDX-License-Identifier: Apache-2.0
"""An instance in a group, on loopback: metadata, APIs, a profile in a
directory of its own, and fitout run there.

    world = World(tmp_path)
    world.scaling.group("web").hook("bootstrap", timeout=30)
    world.launch()
    world.run()                             # fitout apply
    world.start()                           # ... in the background
"""
import json
import os
import pathlib
import subprocess
import time

from autoscaling import AutoScaling
from cloudformation import CloudFormation, Ec2
from core import Cloud
from metadata import Metadata

FITOUT = os.environ.get("FITOUT", str(
    pathlib.Path(__file__).resolve().parents[2] / "build/static/fitout"))
ID = "i-0123456789abcdef0"


class World:
    def __init__(self, directory, *services, metadata=None):
        self.directory = pathlib.Path(directory)
        self.state = self.directory / "state"
        self.started = self.directory / "agent-started"
        self.metadata = metadata or Metadata(instance_id=ID).serve()
        self.scaling = AutoScaling()
        self.stacks = CloudFormation()
        self.ec2 = Ec2()
        self.cloud = Cloud(self.scaling, self.stacks, self.ec2, *services)
        self.key = self.cloud.new_key()
        self.keys = True                # in the environment
        self.signal = {"autoscaling": ""}
        self.check = "exit 0"
        self.command = "exit 0"
        self.stop = None                # the agent's
        self.processes = []

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        hold = self.hold()
        if hold:
            os.kill(hold["pid"], 15)
        self.cloud.close()
        self.metadata.close()

    def launch(self, group="web", warm=None):
        self.metadata.set_group(group)
        self.metadata.set_target_state(warm or "InService")
        self.scaling.launch(group, ID, warm)

    def profile(self):
        blocks = " ".join("%s = { %s };" % (name, text) for name, text in
                          self.signal.items())
        stop = f'stop = [ "/bin/sh", "-c", "{self.stop}" ];' \
            if self.stop else ""
        path = self.directory / "web.cfg"
        path.write_text(f"""fitout = 1;
name = "web";
budget = "2m";
files = ( {{ content = "x"; to = "{self.directory}/srv/file"; }} );
commands = ( {{ name = "work"; run = [ "/bin/sh", "-c", "{self.command}" ];
  unless = [ "/bin/false" ]; }} );
checks = ( {{ run = [ "/bin/sh", "-c", "{self.check}" ]; timeout = 1; }} );
agent = {{ kind = "command";
  start = [ "/bin/sh", "-c", "date +%s.%N >>{self.started}" ]; {stop} }};
signal = {{ {blocks} console = "never"; }};
""")
        return path

    def environment(self):
        return {"PATH": os.environ["PATH"], **self.metadata.environment(),
                **self.cloud.environment(self.key if self.keys else None)}

    def start(self, *words, command="apply"):
        process = subprocess.Popen(
            [FITOUT, "--json", "--log-level", "debug", "--config",
             self._config(), "--state", self.state, command, *words,
             *([self.profile()] if command == "apply" else [])],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=self.environment())
        self.processes.append(process)
        return process

    def _config(self):
        path = self.directory / "fitout.ini"
        path.write_text("")
        return path

    def run(self, *words, command="apply", timeout=100):
        return self.end(self.start(*words, command=command), timeout)

    def end(self, process, timeout=100):
        out, err = process.communicate(timeout=timeout)
        process.out, process.err = out, err
        process.events = [json.loads(line) for line in err.splitlines()
                          if line.startswith("{")]
        return process

    def report(self):
        return json.loads((self.state / "report.json").read_text())

    def hold(self):
        try:
            return json.loads((self.state / "hold.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    def agent_started(self):
        return [float(line) for line in self.started.read_text().split()] \
            if self.started.exists() else []


def messages(process, event):
    return [row["message"] for row in process.events
            if row["event"] == event]


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
