"""The measurements behind scripts/bench fleet: devices over MQTT with TLS, beside mosquitto and the bare acknowledger.

Every server gets one core and the generator the other; each figure is the median of rounds taken in turn. The generators and
the bare acknowledger are those of IOLITE_LOAD_TOOLS, a folder with the built programs mqload, connstorm and floor.
"""

import base64
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from side_by_side import ROUNDS, Emulator, pin, row

KEY = base64.b64encode(bytes(range(32))).decode()
SIZE, SECONDS = 256, 4
# The aim is ten minutes without growth; a shorter look finds a steep leak.
GROWTH_SECONDS = int(os.environ.get("GROWTH_SECONDS", "60"))
CROWD = int(os.environ.get("CROWD", "10000"))


def tool(name):
    folder = os.environ.get("IOLITE_LOAD_TOOLS")
    found = shutil.which(name, path=folder) if folder else None
    if not found:
        sys.exit(f"set IOLITE_LOAD_TOOLS to the folder with the built load tools (mqload, connstorm, floor): no {name} there")
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    for _ in range(2000):
        if process.poll() is not None:
            sys.exit(f"{process.args} ended with {process.returncode}")
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.005)
    sys.exit(f"nothing listens on {port}")


class Certificates:
    """An authority and a P-256 leaf for localhost, as the emulator makes them too."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="iolite-fleet-")
        self.authority, self.chain, self.key = (os.path.join(self.folder, name) for name in ("ca.pem", "chain.pem", "leaf.key"))
        extensions = pathlib.Path(self.folder, "extensions")
        extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        self.openssl("req", "-x509", *curve, "-days", "2", "-subj", "/CN=fleet", "-keyout", "ca.key", "-out", "ca.pem")
        self.openssl("req", "-new", *curve, "-subj", "/CN=localhost", "-keyout", "leaf.key", "-out", "leaf.csr")
        self.openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                     "-extfile", str(extensions), "-out", "leaf.pem")
        pathlib.Path(self.chain).write_bytes(b"".join(pathlib.Path(self.folder, name).read_bytes() for name in ("leaf.pem", "ca.pem")))

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)


class Peer:
    """A server to be measured beside: its process, its port, its authority, and what a client must say to it."""

    def __init__(self, command, port, authority):
        self.process = subprocess.Popen(pin(0, command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.port, self.authority, self.identity = port, authority, []
        wait_for(port, self.process)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=10)


def mosquitto(certificates):
    port = free_port()
    settings = pathlib.Path(certificates.folder, "mosquitto.conf")
    settings.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\ncafile {certificates.authority}\ncertfile {certificates.chain}\n"
        f"keyfile {certificates.key}\npersistence false\nlog_type none\nset_tcp_nodelay true\nmax_inflight_messages 0\n"
        f"user root\nmax_connections -1\n")
    found = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
    return Peer([found, "-c", str(settings)], port, certificates.authority) if found else None


def acknowledger(certificates, durable=None):
    port = free_port()
    command = [tool("floor"), "mode=mqtt", f"addr=127.0.0.1:{port}", "tls", f"chain={certificates.chain}", f"key={certificates.key}"]
    return Peer(command + ([f"durable={durable}"] if durable else []), port, certificates.authority)


class Ours(Emulator):
    """The emulator with a fleet of devices that share a key."""

    def __init__(self, names, durable=False):
        super().__init__(durable=durable)
        self.port_of_devices = int(self.ready["iot_hubs"][0]["mqtt"].rsplit(":", 1)[1])
        sas = self.sas()
        keys = {"symmetricKey": {"primaryKey": KEY, "secondaryKey": KEY}, "type": "sas"}
        for begin in range(0, len(names), 100):
            devices = [{"id": name, "importMode": "createOrUpdate", "status": "enabled", "authentication": keys}
                       for name in names[begin:begin + 100]]
            self.call("POST", "/devices?api-version=2021-04-12", sas, devices)

    identity = ["iothub=localhost", f"key={KEY}"]

    @property
    def authority(self):
        return self.ready["ca_certificate"]


def run(name, server, *arguments):
    port = getattr(server, "port_of_devices", None) or server.port
    command = [tool(name), f"addr=127.0.0.1:{port}", "tls", f"ca={server.authority}", f"server_pid={server.process.pid}",
               *server.identity, *arguments]
    result = subprocess.run(pin(1, command), check=True, capture_output=True, text=True)
    found = json.loads(result.stdout)
    if found["errors"]:
        sys.exit(f"{name} met {found['errors']} errors: {result.stderr}")
    return found


def publish(server, connections, window, rate=0, seconds=SECONDS):
    return run("mqload", server, f"conns={connections}", f"window={window}", f"size={SIZE}", f"secs={seconds}", "id=dev{i}",
               f"rate={rate}")


def rounds(servers, measure):
    """The medians of `measure` over `servers`, taken in turn."""
    found = {name: [] for name in servers}
    for _ in range(ROUNDS):
        for name, server in servers.items():
            found[name].append(measure(server))
    return {name: {field: statistics.median(run[field] for run in runs) for field in runs[0] if not isinstance(runs[0][field], bool)}
            for name, runs in found.items()}


def compare(what, found, field, aim, peers, unit=1.0, form="{:.0f}"):
    for peer in peers:
        if peer in found:
            ours, other = found["iolite"][field] * unit, found[peer][field] * unit
            ratio = f"{ours / other:.2f}" if other else "-"
            row(what, form.format(ours), f"{form.format(other)} ({peer})", ratio, aim[peer])


def with_cost(measure):
    """`measure`, with the server's CPU per message in microseconds beside it."""
    def measured(server):
        found = measure(server)
        return {**found, "us_per_message": found["server_cpu"] * 1e6 / max(found["msg_s"], 1)}
    return measured


def rates(certificates):
    # The names that mqload is told here, and those that connstorm has by itself.
    ours = Ours([f"{kind}{n}" for kind in ("dev", "s") for n in range(1000)])
    broker = mosquitto(certificates)
    servers = {"iolite": ours, "bare": acknowledger(certificates)} | ({"mosquitto": broker} if broker else {})
    for connections, window, aim in ((1, 1, {"bare": "-", "mosquitto": "-"}), (50, 20, {"bare": "0.7", "mosquitto": "-"}),
                                     (1000, 1, {"bare": "-", "mosquitto": "over 1"})):
        found = rounds(servers, with_cost(lambda server: publish(server, connections, window)))
        what = f"{connections} connections x {window} in flight"
        compare(f"{what} (messages/s)", found, "msg_s", aim, ("bare", "mosquitto"))
        cost = {"bare": "-", "mosquitto": "under 1" if connections == 1000 else "-"}
        compare(f"{what} (server CPU, us/message)", found, "us_per_message", cost, ("bare", "mosquitto"), form="{:.1f}")
        compare(f"{what} (p99, us)", found, "p99_us", {"bare": "-", "mosquitto": "-"}, ("bare", "mosquitto"))
    found = rounds(servers, lambda server: publish(server, 50, 20, rate=5000))
    for field in ("p50_us", "p99_us"):
        compare(f"at 5,000 messages/s ({field.replace('_us', ', us')})", found, field, {"bare": "-", "mosquitto": "1.5"},
                ("bare", "mosquitto"))
    found = rounds(servers, lambda server: run("connstorm", server, "total=1000", "conc=64"))
    compare("connections (/s)", found, "conn_s", {"bare": "-", "mosquitto": "-"}, ("bare", "mosquitto"))
    compare("connections (server CPU, us each)", found, "server_us_per_conn", {"bare": "-", "mosquitto": "0.8"}, ("bare", "mosquitto"))
    for server in servers.values():
        server.stop()


def crowd(certificates):
    for total in (1000, CROWD):
        ours = Ours([f"s{n}" for n in range(total)])
        broker = mosquitto(certificates)
        found = {"iolite": run("connstorm", ours, f"total={total}", "conc=64", "hold", "settle=3")}
        if broker:
            found["mosquitto"] = run("connstorm", broker, f"total={total}", "conc=64", "hold", "settle=3")
            broker.stop()
        each = found["iolite"]["kib_per_conn"]
        other = found.get("mosquitto", {}).get("kib_per_conn")
        row(f"memory of an idle device, {total} of them (KiB)", f"{each:.1f}", f"{other:.1f} (mosquitto)" if other else "-",
            f"{each / other:.2f}" if other else "-", "16 KiB at 10,000")
        ours.stop()


def durable(certificates):
    ours = Ours([f"dev{n}" for n in range(50)], durable=True)
    floor = acknowledger(certificates, durable=os.path.join(ours.folder, "floor.log"))
    found = rounds({"iolite": ours, "bare": floor}, lambda server: publish(server, 50, 20))
    compare("durable, 50 connections x 20 in flight (messages/s)", found, "msg_s", {"bare": "0.8"}, ("bare",))
    ours.stop()
    floor.stop()


def growth():
    ours = Ours([f"dev{n}" for n in range(50)])
    # The telemetry kept in memory is bounded (256 MiB); growth counts from when that is full.
    before = 0.0
    for _ in range(40):
        publish(ours, 50, 20, seconds=10)
        earlier, before = before, ours.memory_mib()
        if before > 256 and before < earlier * 1.005:
            break
    publish(ours, 50, 20, seconds=GROWTH_SECONDS)
    after = ours.memory_mib()
    row(f"memory after {GROWTH_SECONDS} s more of load (MiB)", f"{after:.0f}", f"{before:.0f} (before)", f"{after / before:.2f}", "1")
    ours.stop()


def fleet():
    """Every part, in turn."""
    certificates = Certificates()
    rates(certificates)
    crowd(certificates)
    durable(certificates)
    growth()
    shutil.rmtree(certificates.folder, ignore_errors=True)
