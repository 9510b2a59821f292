# SPDX-License-Identifier: Apache-2.0
"""Auto Scaling: groups, lifecycle hooks with real time-outs, instances.

    scaling = AutoScaling()
    scaling.group("web").hook("bootstrap", timeout=30)
    scaling.launch("web", "i-0123456789abcdef0")     # Pending:Wait
    scaling.beats("bootstrap")                       # when they came
    scaling.verdicts                                 # [(when, hook, "CONTINUE",
                                                     #   "answered" | "timeout")]
    scaling.state("i-0123456789abcdef0")             # "InService"
"""
import dataclasses
import time

from core import Refused
from query import QueryService

LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
TERMINATING = "autoscaling:EC2_INSTANCE_TERMINATING"


@dataclasses.dataclass
class Hook:
    name: str
    timeout: float
    global_s: float
    transition: str = LAUNCHING
    default: str = "ABANDON"


@dataclasses.dataclass
class Action:
    """A hook that waits for an instance."""
    hook: Hook
    instance: str
    began: float
    due: float
    beats: list = dataclasses.field(default_factory=list)
    result: str = None


@dataclasses.dataclass
class Group:
    name: str
    hooks: dict = dataclasses.field(default_factory=dict)

    def hook(self, name, timeout=3600, transition=LAUNCHING, global_s=None,
             default="ABANDON"):
        self.hooks[name] = Hook(name, timeout, global_s or
                                min(48 * 3600, 100 * timeout), transition,
                                default)
        return self


@dataclasses.dataclass
class Instance:
    group: str
    state: str
    warm: str = None                # "Warmed:Stopped": goes there


class AutoScaling(QueryService):
    name = model = "autoscaling"

    def __init__(self):
        super().__init__()
        self.groups = {}
        self.instances = {}
        self.actions = []
        self.verdicts = []
        self.independent = False    # ABANDON of one hook ends no other

    def group(self, name):
        return self.groups.setdefault(name, Group(name))

    def launch(self, group, instance, warm=None):
        self.instances[instance] = Instance(group, "Pending:Wait", warm)
        self._wait(group, instance, LAUNCHING)

    def terminate(self, instance):
        found = self.instances[instance]
        found.state = "Terminating:Wait"
        self._wait(found.group, instance, TERMINATING)

    def _wait(self, group, instance, transition):
        now = time.time()
        for hook in self.groups[group].hooks.values():
            if hook.transition == transition:
                self.actions.append(Action(hook, instance, now,
                                           now + hook.timeout))

    # ---- what tests look at ----

    def beats(self, hook):
        return [beat for action in self.actions if action.hook.name == hook
                for beat in action.beats]

    def state(self, instance):
        self._expire()
        return self.instances[instance].state

    def results(self):
        self._expire()
        return [result for _, _, result, _ in self.verdicts]

    # ---- time ----

    def _expire(self):
        now = time.time()
        for action in self.actions:
            end = min(action.due, action.began + action.hook.global_s)
            if action.result is None and now >= end:
                self._finish(action, action.hook.default, end, "timeout")

    def _finish(self, action, result, when, how):
        action.result = result
        self.verdicts.append((when, action.hook.name, result, how))
        instance = self.instances[action.instance]
        others = [other for other in self.actions
                  if other.instance == action.instance and
                  other.hook.transition == action.hook.transition]
        if action.hook.transition == TERMINATING:
            if all(other.result for other in others):
                instance.state = "Terminated"
        elif result == "ABANDON":
            instance.state = "Terminating:Proceed"
            for other in [] if self.independent else others:
                other.result = other.result or "ABANDON"
        elif all(other.result for other in others):
            instance.state = instance.warm or "InService"

    def _action(self, group, hook, instance, token):
        self._expire()
        if group not in self.groups:
            raise Refused(400, "ValidationError", "AutoScalingGroup name not "
                          "found - AutoScalingGroup '%s' not found" % group)
        if hook not in self.groups[group].hooks:
            raise Refused(400, "ValidationError", "Lifecycle hook '%s' not "
                          "found for group '%s'" % (hook, group))
        if not instance and not token:
            raise Refused(400, "ValidationError", "an instance or a token")
        for action in self.actions:
            if (action.hook.name, action.instance, action.result) == \
                    (hook, instance, None):
                return action
        raise Refused(400, "ValidationError", "No active Lifecycle Action "
                      "found with instance ID %s" % instance)

    # ---- operations ----

    def DescribeLifecycleHooks(self, call, AutoScalingGroupName,
                               LifecycleHookNames=None):
        if AutoScalingGroupName not in self.groups:
            raise Refused(400, "ValidationError", "AutoScalingGroup name not "
                          "found - '%s'" % AutoScalingGroupName)
        hooks = self.groups[AutoScalingGroupName].hooks.values()
        return {"LifecycleHooks": [
            {"LifecycleHookName": hook.name,
             "AutoScalingGroupName": AutoScalingGroupName,
             "LifecycleTransition": hook.transition,
             "HeartbeatTimeout": int(hook.timeout),
             "GlobalTimeout": int(hook.global_s),
             "DefaultResult": hook.default} for hook in hooks
            if not LifecycleHookNames or hook.name in LifecycleHookNames]}

    def DescribeAutoScalingInstances(self, call, InstanceIds=(), **more):
        self._expire()
        return {"AutoScalingInstances": [
            {"InstanceId": name, "AutoScalingGroupName": instance.group,
             "AvailabilityZone": "eu-test-1a",
             "LifecycleState": instance.state, "HealthStatus": "HEALTHY",
             "ProtectedFromScaleIn": False}
            for name, instance in self.instances.items()
            if name in InstanceIds and instance.state != "Terminated"]}

    def RecordLifecycleActionHeartbeat(self, call, LifecycleHookName,
                                       AutoScalingGroupName, InstanceId=None,
                                       LifecycleActionToken=None):
        action = self._action(AutoScalingGroupName, LifecycleHookName,
                              InstanceId, LifecycleActionToken)
        now = time.time()
        action.beats.append(now)
        action.due = now + action.hook.timeout

    def CompleteLifecycleAction(self, call, LifecycleHookName,
                                AutoScalingGroupName, LifecycleActionResult,
                                InstanceId=None, LifecycleActionToken=None):
        action = self._action(AutoScalingGroupName, LifecycleHookName,
                              InstanceId, LifecycleActionToken)
        if LifecycleActionResult not in ("CONTINUE", "ABANDON"):
            raise Refused(400, "ValidationError", "CONTINUE or ABANDON")
        self._finish(action, LifecycleActionResult, time.time(), "answered")
