"""The soak behind scripts/soak: what was acknowledged is written into a ledger, and looked for at the end."""

import asyncio
import base64
import collections
import concurrent.futures
import hashlib
import hmac
import json
import logging
import os
import pathlib
import random
import signal
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

IOLITE = sys.argv[1]
SECONDS = int(os.environ.get("SECONDS_OF_LOAD", "120"))
DEVICES = int(os.environ.get("DEVICES", "1000"))
KILLS = int(os.environ.get("KILLS", "4"))
# How long the fleet may take afterwards to receive what still waits for it.
SETTLE = 60
API = "2021-04-12"
KEY = base64.b64encode(hashlib.sha256(b"soak").digest()).decode()
random.seed(os.environ.get("SEED", "iolite"))


class Ledger:
    """What was asked for, what was acknowledged, and what was seen."""

    def __init__(self):
        self.telemetry_sent, self.telemetry_acknowledged = set(), set()
        self.reported_sent, self.reported_acknowledged = collections.Counter(), collections.Counter()
        self.desired_sent, self.desired_acknowledged = collections.Counter(), collections.Counter()
        self.messages_acknowledged, self.messages_received = set(), collections.Counter()
        self.methods_called = self.methods_answered = self.methods_wrong = 0
        self.connects = self.disconnects = 0


class Emulator:
    """The emulator over a data directory, killed and started again."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="iolite-soak-"))
        self.kills, self.process = 0, None
        self.start()

    def start(self):
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            [IOLITE, "start", "--ports", "high", "--data-dir", str(self.folder / "data"), "--ready-file", str(ready)],
            stdout=subprocess.DEVNULL, stderr=open(self.folder / "log", "ab"))
        begun = time.monotonic()
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() - begun > 60:
                sys.exit(f"the emulator did not start; its log is {self.folder / 'log'}")
            time.sleep(0.02)
        self.ready = json.loads(ready.read_text())
        self.hub = self.ready["iot_hubs"][0]
        self.tls = ssl.create_default_context(cafile=self.ready["ca_certificate"])
        os.environ["SSL_CERT_FILE"] = os.environ["REQUESTS_CA_BUNDLE"] = self.ready["ca_bundle"]

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.kills += 1
        self.start()

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)


def sas(resource, key=KEY, policy=None):
    scope, expiry = urllib.parse.quote_plus(resource), int(time.time()) + 7200
    mac = hmac.new(base64.b64decode(key), f"{scope}\n{expiry}".encode(), hashlib.sha256).digest()
    token = f"SharedAccessSignature sr={scope}&sig={urllib.parse.quote_plus(base64.b64encode(mac))}&se={expiry}"
    return f"{token}&skn={policy}" if policy else token


def text(value):
    data = value.encode()
    return struct.pack(">H", len(data)) + data


def packet(kind, body):
    length, head = len(body), bytearray([kind])
    while True:
        head.append(length & 0x7F | (0x80 if length > 0x7F else 0))
        length >>= 7
        if not length:
            return bytes(head) + body


class Device:
    """One MQTT device that lives on: it connects, does things for a while, goes away, and comes again."""

    def __init__(self, name, emulator, ledger, stop):
        self.name, self.emulator, self.ledger, self.stop = name, emulator, ledger, stop
        self.sent = self.reports = 0
        self.password = sas(f"localhost/devices/{name}")

    async def live(self):
        while not self.stop.is_set():
            try:
                await self.session()
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError, ConnectionError):
                self.ledger.disconnects += 1
            await asyncio.sleep(random.uniform(0.1, 2))

    async def session(self):
        port = int(self.emulator.hub["mqtt"].rsplit(":", 1)[1])
        opening = asyncio.open_connection("127.0.0.1", port, ssl=self.emulator.tls, server_hostname="localhost")
        self.reader, self.writer = await asyncio.wait_for(opening, 20)
        try:
            user = f"localhost/{self.name}/?api-version={API}"
            flags = bytes([4, 0xC0]) + struct.pack(">H", 60)
            self.writer.write(packet(0x10, text("MQTT") + flags + text(self.name) + text(user) + text(self.password)))
            kind, body = await self.receive()
            if kind != 0x20 or body[1] != 0:
                raise ConnectionError(f"refused: {body}")
            self.ledger.connects += 1
            filters = (f"devices/{self.name}/messages/devicebound/#", "$iothub/methods/POST/#", "$iothub/twin/res/#")
            self.writer.write(packet(0x82, struct.pack(">H", 1) + b"".join(text(each) + b"\1" for each in filters)))
            self.pending, self.next_id = {}, 10
            listening = asyncio.create_task(self.listen())
            try:
                await asyncio.wait_for(asyncio.gather(self.act(), listening), random.uniform(5, 40))
            finally:
                listening.cancel()
        except asyncio.TimeoutError:
            self.ledger.disconnects += 1
            if random.random() < 0.5:
                self.writer.write(packet(0xE0, b""))
        finally:
            self.writer.transport.abort() if random.random() < 0.5 else self.writer.close()

    async def receive(self):
        kind = (await self.reader.readexactly(1))[0]
        length = shift = 0
        while True:
            byte = (await self.reader.readexactly(1))[0]
            length |= (byte & 0x7F) << shift
            if byte < 0x80:
                return kind, await self.reader.readexactly(length)
            shift += 7

    async def listen(self):
        while True:
            kind, body = await self.receive()
            if kind == 0x40:
                self.pending.pop(struct.unpack(">H", body)[0], lambda: None)()
            elif kind & 0xF0 == 0x30:
                self.arrived(kind, body)

    def arrived(self, kind, body):
        length = struct.unpack(">H", body[:2])[0]
        topic, rest = body[2:2 + length].decode(), body[2 + length:]
        if kind & 6:
            identifier, rest = rest[:2], rest[2:]
        if "/messages/devicebound/" in topic:
            self.ledger.messages_received[rest.decode()] += 1
            self.writer.write(packet(0x40, identifier))
        elif topic.startswith("$iothub/methods/POST/"):
            request = topic.split("$rid=")[1]
            self.publish(f"$iothub/methods/res/200/?$rid={request}", rest)
        elif topic.startswith("$iothub/twin/res/204/"):
            number = int(topic.split("$rid=")[1].split("&")[0])
            acknowledged = self.ledger.reported_acknowledged
            acknowledged[self.name] = max(acknowledged[self.name], number)

    def publish(self, topic, payload, acknowledged=None):
        self.next_id = self.next_id % 60000 + 1
        if acknowledged:
            self.pending[self.next_id] = acknowledged
        quality = 0x32 if acknowledged else 0x30
        identifier = struct.pack(">H", self.next_id) if acknowledged else b""
        self.writer.write(packet(quality, text(topic) + identifier + payload))

    async def act(self):
        while True:
            await asyncio.sleep(random.expovariate(1))
            if self.stop.is_set():
                continue
            if random.random() < 0.8:
                self.sent += 1
                item = f"{self.name}/{self.sent}"
                self.ledger.telemetry_sent.add(item)
                self.publish(f"devices/{self.name}/messages/events/", item.encode(),
                             lambda item=item: self.ledger.telemetry_acknowledged.add(item))
            else:
                self.reports += 1
                self.ledger.reported_sent[self.name] = self.reports
                self.publish(f"$iothub/twin/PATCH/properties/reported/?$rid={self.reports}",
                             json.dumps({"n": self.reports}).encode())
            await self.writer.drain()


class BackEnd:
    """Threads that change twins, call methods and send messages, and note what was acknowledged."""

    def __init__(self, emulator, ledger, names, stop):
        self.emulator, self.ledger, self.names, self.stop = emulator, ledger, names, stop
        self.numbers, self.lock = collections.Counter(), threading.Lock()
        # One wish for a device at a time: of two that cross, the later number need not be the last to be written.
        self.wishing = collections.defaultdict(threading.Lock)

    def registry(self):
        from azure.iot.hub import IoTHubRegistryManager
        return IoTHubRegistryManager.from_connection_string(self.emulator.hub["service_connection_string"])

    def run(self, action):
        registry = self.registry()
        while not self.stop.is_set():
            try:
                action(registry, random.choice(self.names))
            except Exception:
                # Whatever an SDK raises while the emulator is away: what was not acknowledged does not count.
                time.sleep(0.3)
                registry = self.registry()

    def number(self, what):
        with self.lock:
            self.numbers[what] += 1
            return self.numbers[what]

    def wish(self, registry, name):
        from azure.iot.hub.models import Twin, TwinProperties
        with self.lock:
            wishing = self.wishing[name]
        with wishing:
            number = self.number("wish")
            self.ledger.desired_sent[name] = number
            registry.update_twin(name, Twin(properties=TwinProperties(desired={"n": number})), "*")
            self.ledger.desired_acknowledged[name] = number
        time.sleep(0.05)

    def call(self, registry, name):
        from azure.iot.hub.models import CloudToDeviceMethod
        number = self.number("call")
        self.ledger.methods_called += 1
        method = CloudToDeviceMethod(method_name="echo", payload=number, response_timeout_in_seconds=5)
        result = registry.invoke_device_method(name, method)
        self.ledger.methods_answered += 1
        self.ledger.methods_wrong += result.payload != number
        time.sleep(0.05)

    def message(self, registry, name):
        item = f"c2d/{self.number('message')}"
        registry.send_c2d_message(name, item)
        self.ledger.messages_acknowledged.add(item)
        time.sleep(0.05)


def make_fleet(emulator, names):
    import requests
    keys = {"type": "sas", "symmetricKey": {"primaryKey": KEY, "secondaryKey": KEY}}
    authorization = service_token(emulator)
    for begin in range(0, len(names), 100):
        devices = [{"id": name, "importMode": "createOrUpdate", "status": "enabled", "authentication": keys}
                   for name in names[begin:begin + 100]]
        requests.post(f"{emulator.hub['endpoint']}/devices?api-version={API}", json=devices,
                      headers={"Authorization": authorization}).raise_for_status()


def service_token(emulator):
    fields = dict(field.split("=", 1) for field in emulator.hub["service_connection_string"].split(";"))
    return sas("localhost", fields["SharedAccessKey"], fields["SharedAccessKeyName"])


def events(emulator, wanted):
    """How often each telemetry item is in the stream; read until nothing `wanted` is missing or nothing more comes."""
    from azure.eventhub import EventHubConsumerClient
    seen, last = collections.Counter(), [time.monotonic()]
    client = EventHubConsumerClient.from_connection_string(emulator.hub["event_hub_connection_string"], "$Default")

    def take(partition, batch):
        for event in batch:
            seen[event.body_as_str()] += 1
            last[0] = time.monotonic()

    reading = threading.Thread(daemon=True, target=lambda: client.receive_batch(
        take, starting_position="-1", starting_position_inclusive=True, max_batch_size=1000, max_wait_time=1))
    reading.start()
    while time.monotonic() - last[0] < 15 and not wanted <= seen.keys():
        time.sleep(0.5)
    client.close()
    return seen


def twins(emulator, names):
    import requests
    session, found = requests.Session(), {}
    for name in names:
        answer = session.get(f"{emulator.hub['endpoint']}/twins/{name}?api-version={API}",
                             headers={"Authorization": service_token(emulator)})
        answer.raise_for_status()
        found[name] = answer.json()["properties"]
    return found


async def load(emulator, ledger, names):
    stop, quiet = asyncio.Event(), threading.Event()
    devices = [asyncio.create_task(Device(name, emulator, ledger, stop).live()) for name in names]
    back_end = BackEnd(emulator, ledger, names, quiet)
    pool = concurrent.futures.ThreadPoolExecutor(16)
    loop = asyncio.get_running_loop()
    work = [loop.run_in_executor(pool, back_end.run, action)
            for action in [back_end.wish] * 2 + [back_end.call] * 2 + [back_end.message] * 2]
    begun = time.monotonic()
    moments = sorted(random.uniform(0.1, 0.9) * SECONDS for _ in range(KILLS))
    while (elapsed := time.monotonic() - begun) < SECONDS:
        if moments and elapsed > moments[0]:
            moments.pop(0)
            await loop.run_in_executor(pool, emulator.kill)
            print(f"  {elapsed:4.0f} s: killed and started again; {len(ledger.telemetry_acknowledged)} events acknowledged", flush=True)
        await asyncio.sleep(0.2)
    quiet.set()
    await asyncio.gather(*work, return_exceptions=True)
    missing = lambda: ledger.messages_acknowledged - ledger.messages_received.keys()
    begun = time.monotonic()
    while missing() and time.monotonic() - begun < SETTLE:
        await asyncio.sleep(0.5)
    stop.set()
    for device in devices:
        device.cancel()
    await asyncio.gather(*devices, return_exceptions=True)


def main():
    logging.disable(logging.CRITICAL)
    ledger, emulator = Ledger(), Emulator()
    names = [f"soak-{number}" for number in range(DEVICES)]
    make_fleet(emulator, names)
    print(f"{DEVICES} devices for {SECONDS} s, {KILLS} kills; data and log in {emulator.folder}", flush=True)
    asyncio.run(load(emulator, ledger, names))
    seen, found = events(emulator, ledger.telemetry_acknowledged), twins(emulator, names)
    emulator.stop()

    lost = {
        "telemetry": ledger.telemetry_acknowledged - seen.keys(),
        "telemetry nobody sent": seen.keys() - ledger.telemetry_sent,
        "messages to devices": ledger.messages_acknowledged - ledger.messages_received.keys(),
        "reported properties": {name for name in names if not ledger.reported_acknowledged[name]
                                <= found[name]["reported"].get("n", 0) <= ledger.reported_sent[name]},
        "desired properties": {name for name in names if not ledger.desired_acknowledged[name]
                               <= found[name]["desired"].get("n", 0) <= ledger.desired_sent[name]},
    }
    # A soak in which nothing came about has shown nothing.
    nothing = [what for what, count in {
        "telemetry": len(ledger.telemetry_acknowledged), "messages to devices": len(ledger.messages_received),
        "reported properties": ledger.reported_acknowledged.total(), "desired properties": len(ledger.desired_acknowledged),
        "methods": ledger.methods_answered,
    }.items() if not count]
    print(f"connects {ledger.connects}, disconnects {ledger.disconnects}, kills {emulator.kills}")
    print(f"telemetry: {len(ledger.telemetry_acknowledged)} acknowledged of {len(ledger.telemetry_sent)} sent, "
          f"{sum(seen.values())} kept, {sum(count - 1 for count in seen.values())} duplicates")
    print(f"messages to devices: {len(ledger.messages_acknowledged)} acknowledged, {len(ledger.messages_received)} received, "
          f"{sum(count - 1 for count in ledger.messages_received.values())} duplicates")
    print(f"twins: {sum(1 for name in names if ledger.reported_acknowledged[name])} reported, {len(ledger.desired_acknowledged)} with wishes")
    print(f"methods: {ledger.methods_called} called, {ledger.methods_answered} answered, {ledger.methods_wrong} wrongly")
    for what, items in lost.items():
        print(f"lost or wrong, {what}: {len(items)} {sorted(items)[:5] if items else ''}")
    if nothing:
        print(f"not tried at all: {', '.join(nothing)}")
    sys.exit(1 if any(lost.values()) or ledger.methods_wrong or nothing else 0)


main()
