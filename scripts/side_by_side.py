"""What every measurement shares: an emulator of its own, pinned cores, and the table of ratios."""

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

IOLITE, BENCH, PART = sys.argv[1:4]
ROUNDS = 3
# The server under test and the generator get a core each, where there are two.
PINNED = shutil.which("taskset") and (os.cpu_count() or 1) >= 2
# Header fields that are of one connection, or that hyper writes by itself.
OF_HYPER = ("connection", "content-length", "date")
rows = []


def pin(core, command):
    return ["taskset", "-c", str(core), *command] if PINNED else command


def row(what, ours, floor, ratio, aim):
    rows.append((what, ours, floor, ratio, aim))
    print(f"  {what}: {ours}   floor {floor}   ratio {ratio}   aim {aim}", flush=True)


class Emulator:
    """A running emulator on free ports, in a folder of its own."""

    def __init__(self, durable=False):
        self.folder = tempfile.mkdtemp(prefix="iolite-bench-")
        self.ready_path = os.path.join(self.folder, "ready.json")
        extra = ["--data-dir", os.path.join(self.folder, "data")] if durable else []
        environment = {**os.environ, "XDG_STATE_HOME": os.path.join(self.folder, "state")}
        self.begun = time.perf_counter()
        self.process = subprocess.Popen(
            pin(0, [IOLITE, "start", "--ports", "auto", "--ready-file", self.ready_path, *extra]),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        while not os.path.exists(self.ready_path):
            if self.process.poll() is not None:
                sys.exit("the emulator did not start")
            time.sleep(0.0005)
        self.seconds_to_ready = time.perf_counter() - self.begun
        self.ready = json.load(open(self.ready_path))
        self.port = int(self.ready["iot_hubs"][0]["endpoint"].rsplit(":", 1)[1])

    def control(self, path, body):
        request = urllib.request.Request(self.ready["control"] + path, json.dumps(body).encode(), {"content-type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"null")

    def call(self, method, target, authorization, body=None):
        tls = ssl.create_default_context(cafile=self.ready["ca_certificate"])
        request = urllib.request.Request(
            f"https://localhost:{self.port}{target}", None if body is None else json.dumps(body).encode(),
            {"authorization": authorization, "content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, context=tls) as answer:
            # For a floor that answers the same bytes.
            self.headers = [(name, value) for name, value in answer.headers.items() if name not in OF_HYPER]
            return answer.read()

    def sas(self):
        return self.control("/sas", {"policy": "iothubowner", "ttlSeconds": 7200})["token"]

    def token(self):
        return "Bearer " + self.control("/token", {"principal": "owner-app", "audience": "hub"})["access_token"]

    def memory_mib(self):
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=10)
        shutil.rmtree(self.folder, ignore_errors=True)


def table():
    """Prints every row so far."""
    width = max(len(what) for what, *_ in rows)
    print(f"\n{'':{width}}  {'iolite':>12}  {'floor':>20}  {'ratio':>6}  aim")
    for what, ours, floor, ratio, aim in rows:
        print(f"{what:{width}}  {ours:>12}  {floor:>20}  {ratio:>6}  {aim}")
