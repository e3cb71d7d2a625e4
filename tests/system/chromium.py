"""A real browser, headless, driven over its debugging pipe: pages are opened, scripts run, console and requests kept."""
import json
import os
import select
import shutil
import subprocess
import threading
import time

from lab import LabError, wait_for

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36"


def binary():
    """None when there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Chromium:
    """One process with a profile of its own; hosts: names that are this machine."""

    def __init__(self, lab, name="chromium", hosts=(), do_not_track=False):
        self.dir = lab.path(name)
        os.makedirs(os.path.join(self.dir, "Default"), exist_ok=True)
        with open(os.path.join(self.dir, "Default", "Preferences"), "w", encoding="utf-8") as f:
            json.dump({"enable_do_not_track": do_not_track}, f)
        to_browser, self.writing = os.pipe()
        self.reading, from_browser = os.pipe()
        rules = ", ".join(f"MAP {h} 127.0.0.1" for h in hosts)
        argv = [binary(), "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage",
                "--disable-background-networking", "--disable-component-update", "--autoplay-policy=no-user-gesture-required",
                f"--user-data-dir={self.dir}", f"--user-agent={AGENT}", f"--host-resolver-rules={rules}",
                "--remote-debugging-pipe", "about:blank"]

        self.log = open(os.path.join(self.dir, "log"), "wb")
        pipes = f"exec \"$@\" 3<&{to_browser} 4>&{from_browser}"
        self.process = subprocess.Popen(["bash", "-c", pipes, "chromium", *argv], stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, pass_fds=(to_browser, from_browser))
        os.close(to_browser)
        os.close(from_browser)
        self.next_id, self.answers, self.events, self.lock = 1, {}, [], threading.Lock()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        rest = b""
        while True:
            ready, _, _ = select.select([self.reading], [], [], 1.0)
            if not ready:
                if self.process.poll() is not None:
                    return
                continue
            data = os.read(self.reading, 1 << 16)
            if not data:
                return
            *messages, rest = (rest + data).split(b"\0")
            for m in map(json.loads, messages):
                with self.lock:
                    if "id" in m:
                        self.answers[m["id"]] = m
                    else:
                        self.events.append(m)

    def call(self, method, session=None, **params):
        with self.lock:
            number, self.next_id = self.next_id, self.next_id + 1
        message = {"id": number, "method": method, "params": params, **({"sessionId": session} if session else {})}
        os.write(self.writing, json.dumps(message).encode() + b"\0")

        def answer():
            if self.process.poll() is not None:
                raise LabError(f"chromium ended with {self.process.returncode}")
            return self.answers.pop(number, None)
        found = wait_for(f"chromium: {method}", answer, 60)
        if "error" in found:
            raise LabError(f"chromium: {method}: {found['error']}")
        return found["result"]

    def tab(self, **kw):
        return Tab(self, **kw)

    def close(self):
        try:
            self.call("Browser.close")
            self.process.wait(20)
        except (LabError, subprocess.TimeoutExpired, OSError):
            self.process.kill()
            self.process.wait()
        self.reader.join(5)
        os.close(self.writing)
        os.close(self.reading)
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.close()


class Tab:
    """before: a script that runs before those of every page."""

    def __init__(self, browser, before="", headers=None):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.target = target
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(domain + ".enable")
        if before:
            self.call("Page.addScriptToEvaluateOnNewDocument", source=before)
        if headers:
            self.call("Network.setExtraHTTPHeaders", headers=headers)

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def told(self, method):
        with self.browser.lock:
            return [e["params"] for e in self.browser.events if e["method"] == method and e.get("sessionId") == self.session]

    def open(self, url):
        before = len(self.told("Page.loadEventFired"))
        self.call("Page.navigate", url=url)
        wait_for(f"{url} to load", lambda: len(self.told("Page.loadEventFired")) > before, 60)

    def run(self, script):
        done = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in done:
            raise LabError(f"{script}: {done['exceptionDetails']}")
        return done["result"].get("value")

    def wait(self, script, timeout=30):
        wait_for(script, lambda: self.run(script), timeout)

    def complaints(self):
        """What the console says of errors and warnings."""
        thrown = [e["exceptionDetails"]["text"] for e in self.told("Runtime.exceptionThrown")]
        logged = [e["entry"]["text"] for e in self.told("Log.entryAdded") if e["entry"]["level"] in ("error", "warning")]
        called = [e["type"] for e in self.told("Runtime.consoleAPICalled") if e["type"] in ("error", "warning")]
        return thrown + logged + called

    def requests(self):
        return [e["request"]["url"] for e in self.told("Network.requestWillBeSent")]

    def leave(self):
        """Closes it as a person would: pages hear of it."""
        self.browser.call("Target.closeTarget", targetId=self.target)
        time.sleep(0.2)
