# SPDX-License-Identifier: Apache-2.0
"""A page in headless Chromium, by its DevTools protocol on two pipes.

    with Browser(directory) as browser:
        page = browser.open(path)            # a file
        page.look(width=400, dark=True)      # how it is shown from now on
        page.evaluate("document.title")
        page.picture(path_of_png)
        page.print(path_of_pdf)
"""
import base64
import json
import os
import select
import shutil
import subprocess
import time

WAIT_S = 60
CHROMIUM = shutil.which("chromium")


class Browser:
    def __init__(self, directory):
        to_read, self.out = os.pipe()
        self.inp, to_write = os.pipe()
        self.number = 0
        self.events = []
        self.rest = b""

        def descriptors():
            # 3 and 4 may be these very ones.
            copy = os.dup(to_read), os.dup(to_write)
            os.dup2(copy[0], 3)
            os.dup2(copy[1], 4)

        self.process = subprocess.Popen(
            [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-sync",
             "--disable-component-update", "--disable-extensions",
             "--host-resolver-rules=MAP * ~NOTFOUND",
             f"--user-data-dir={directory}/chromium",
             "--remote-debugging-pipe", "about:blank"],
            preexec_fn=descriptors, close_fds=False,
            env={**os.environ, "HOME": str(directory)},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(to_write)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("Browser.close")
        except (AssertionError, OSError):
            self.process.kill()
        self.process.wait(WAIT_S)
        os.close(self.out)
        os.close(self.inp)

    def _message(self, end):
        while b"\0" not in self.rest:
            left = end - time.monotonic()
            assert left > 0, "chromium does not answer"
            ready, _, _ = select.select([self.inp], [], [], left)
            if ready:
                more = os.read(self.inp, 1 << 20)
                assert more, "chromium has ended"
                self.rest += more
        line, self.rest = self.rest.split(b"\0", 1)
        return json.loads(line)

    def call(self, method, session=None, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.out, data):]
        end = time.monotonic() + WAIT_S
        while True:
            answer = self._message(end)
            if answer.get("id") == self.number:
                assert "error" not in answer, (method, answer)
                return answer.get("result", {})
            self.events.append(answer)

    def wait_event(self, method, session):
        end = time.monotonic() + WAIT_S
        while True:
            for event in self.events:
                if (event.get("method") == method and
                        event.get("sessionId") == session):
                    self.events.remove(event)
                    return event["params"]
            self.events.append(self._message(end))

    def open(self, path):
        target = self.call("Target.createTarget", url="about:blank")
        session = self.call("Target.attachToTarget", flatten=True,
                            targetId=target["targetId"])["sessionId"]
        page = Page(self, session)
        page.call("Page.enable")
        page.call("Log.enable")
        page.call("Network.enable")
        page.call("Page.navigate", url=f"file://{path}")
        self.wait_event("Page.loadEventFired", session)
        return page


class Page:
    def __init__(self, browser, session):
        self.browser, self.session = browser, session

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def evaluate(self, code):
        done = self.call("Runtime.evaluate", expression=code,
                         awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def look(self, width=1100, height=900, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width,
                  height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{
            "name": "prefers-color-scheme",
            "value": "dark" if dark else "light"}])

    def picture(self, path):
        self.call("Page.bringToFront")
        data = self.call("Page.captureScreenshot", format="png",
                         captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(data["data"]))

    def print(self, path):
        data = self.call("Page.printToPDF", printBackground=False,
                         paperWidth=8.27, paperHeight=11.69)
        path.write_bytes(base64.b64decode(data["data"]))

    def asked_for(self):
        """Addresses that the page asked for, itself included."""
        return [event["params"]["request"]["url"]
                for event in self.browser.events
                if event.get("method") == "Network.requestWillBeSent"
                and event.get("sessionId") == self.session]
