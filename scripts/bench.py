"""The measurements behind scripts/bench: each figure beside its floor, taken in turn in the same run, as ratios of medians."""

import json
import os
import shutil
import ssl
import statistics
import subprocess
import tempfile
import time
import urllib.request

from fleet import fleet
from side_by_side import BENCH, PART, ROUNDS, Emulator, pin, row, table

# Where ./scripts/test installs Azurite.
OF_THE_TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/sdk/node/node_modules/.bin")


def cpu_seconds(process):
    """User and system time of a process so far."""
    user, system = open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def load(server, authorizations, **options):
    """One round against `server`: what the generator tells, and the server's CPU time a request."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(authorizations))
        file.flush()
        command = [BENCH, "load", "--port", str(server.port), "--authorizations", file.name]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        before = cpu_seconds(server.process)
        told = json.loads(subprocess.run(pin(1, command), check=True, capture_output=True, text=True).stdout)
        return {**told, "cpu_us": (cpu_seconds(server.process) - before) * 1e6 / told["asked"]}


class Floor:
    """The bare server."""

    def __init__(self, body, headers, jwks=None, log=None):
        self.file = tempfile.NamedTemporaryFile()
        self.file.write(body)
        self.file.flush()
        command = [BENCH, "floor", "--body", self.file.name] + (["--jwks", jwks] if jwks else []) + (["--log", log] if log else [])
        for name, value in headers:
            command += ["--header", f"{name}: {value}"]
        self.process = subprocess.Popen(pin(0, command), stdout=subprocess.PIPE, text=True)
        self.port = json.loads(self.process.stdout.readline())["port"]

    def stop(self):
        self.process.kill()
        self.process.wait()


def start():
    times, memory = [], []
    for _ in range(7):
        emulator = Emulator()
        times.append(emulator.seconds_to_ready * 1000)
        time.sleep(1)
        memory.append(emulator.memory_mib())
        emulator.stop()
    ready, azurite = statistics.median(times), azurite_start()
    row("start-up to ready, first start (ms)", f"{ready:.0f}", f"{azurite:.0f} (Azurite)" if azurite else "-",
        f"{ready / azurite:.2f}" if azurite else "-", "50 ms, 0.1 of Azurite")
    row("idle memory (MiB)", f"{statistics.median(memory):.1f}", "-", "-", "16")


def azurite_start():
    azurite = os.environ.get("AZURITE") or shutil.which("azurite") or shutil.which("azurite", path=OF_THE_TESTS)
    if not azurite:
        return None
    times = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            begun = time.perf_counter()
            process = subprocess.Popen([azurite, "--silent", "--location", folder],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while time.perf_counter() - begun < 30:
                try:
                    urllib.request.urlopen("http://127.0.0.1:10000/", timeout=1)
                except urllib.error.HTTPError:
                    break
                except OSError:
                    time.sleep(0.002)
            times.append((time.perf_counter() - begun) * 1000)
            process.terminate()
            process.wait()
    return statistics.median(times)


def http():
    emulator = Emulator()
    sas, token = emulator.sas(), emulator.token()
    target = "/devices/bench-1?api-version=2021-04-12"
    emulator.call("PUT", target, sas, {"deviceId": "bench-1"})
    floor = Floor(emulator.call("GET", target, sas), emulator.headers)
    for name, authorizations in (("SAS checked on every request", [sas]), ("cached Entra token", [token])):
        compare(f"GET /devices/{{id}}, {name}", emulator, authorizations, floor, target)
    floor.stop()
    misses = ["Bearer " + emulator.control("/token", {"principal": "owner-app", "audience": "hub"})["access_token"]
              for _ in range(6000)]
    with tempfile.NamedTemporaryFile("wb", suffix=".json") as jwks:
        tls = ssl.create_default_context(cafile=emulator.ready["ca_certificate"])
        keys = f"{emulator.ready['entra']['authority']}/{emulator.ready['entra']['tenant_id']}/discovery/keys"
        jwks.write(urllib.request.urlopen(keys, context=tls).read())
        jwks.flush()
        floor = Floor(emulator.call("GET", target, sas), emulator.headers, jwks.name)
        compare("GET /devices/{id}, a token never seen", emulator, misses, floor, target)
        floor.stop()
    emulator.stop()


def median(runs, name):
    return statistics.median(run[name] for run in runs)


def compare(what, emulator, authorizations, bare, target):
    ours, floors = [], []
    for _ in range(ROUNDS):
        floors.append(load(bare, authorizations, target=target))
        ours.append(load(emulator, authorizations, target=target))
    mine, floor = median(ours, "per_second"), median(floors, "per_second")
    row(f"{what} (requests/s)", f"{mine:.0f}", f"{floor:.0f}", f"{mine / floor:.2f}", "0.8")
    cpu_row(what, ours, floors)
    mine, floor = median(ours, "p99_ms"), median(floors, "p99_ms")
    row(f"{what} (p99, ms)", f"{mine:.2f}", f"{floor:.2f}", f"{mine / floor:.2f}", "-")


def cpu_row(what, ours, floors):
    """CPU time a request: steadier than a rate on a machine that does something else meanwhile."""
    mine, floor = median(ours, "cpu_us"), median(floors, "cpu_us")
    row(f"{what} (CPU us, floor / ours)", f"{mine:.1f}", f"{floor:.1f}", f"{floor / mine:.2f}", "-")


def durable():
    """Beside two floors: the bare log without a server, and the bare server that appends to such a log before it answers."""
    emulator = Emulator(durable=True)
    sas = emulator.sas()
    create = {"target": "/devices/bench-{n}?api-version=2021-04-12", "method": "PUT", "body": '{"deviceId":"bench-{n}"}', "seconds": 2}
    body = emulator.call("PUT", "/devices/first?api-version=2021-04-12", sas, {"deviceId": "first"})
    floor = Floor(body, emulator.headers, log=os.path.join(emulator.folder, "server-floor.log"))
    offset = 0
    for clients in (1, 16, 256):
        ours, servers, logs = [], [], []
        for _ in range(ROUNDS):
            log = [BENCH, "log", "--file", os.path.join(emulator.folder, "floor.log"), "--clients", str(clients), "--seconds", "2"]
            logs.append(json.loads(subprocess.run(pin(0, log), check=True, capture_output=True, text=True).stdout))
            servers.append(load(floor, [sas], connections=clients, offset=offset, **create))
            ours.append(load(emulator, [sas], connections=clients, offset=offset, **create))
            offset += 10_000_000
        mine, server, log = (median(runs, "per_second") for runs in (ours, servers, logs))
        what = f"durable device creations, {clients} clients (/s)"
        row(what, f"{mine:.0f}", f"{server:.0f} (server)", f"{mine / server:.2f}", "0.8")
        row(what, f"{mine:.0f}", f"{log:.0f} (raw log)", f"{mine / log:.2f}", "0.8")
        cpu_row(what.removesuffix(" (/s)"), ours, servers)
    floor.stop()
    emulator.stop()


for name, part in (("start", start), ("http", http), ("durable", durable), ("fleet", fleet)):
    # The fleet needs load tools and time of its own: only when asked for by name.
    if PART == name or PART == "all" and name != "fleet":
        print(name, flush=True)
        part()

table()
