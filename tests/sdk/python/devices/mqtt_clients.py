"""MQTT clients that know nothing of IoT Hub, as the interoperability checks drive them.

`Paho` is the client of PyPI's paho-mqtt. `PahoTesting` is the client of Eclipse's interoperability tests, from a checkout
that IOLITE_PAHO_TESTING names; it speaks plain TCP only, so a relay puts TLS round it. Both offer the same few verbs.
"""

import os
import select
import socket
import ssl
import sys
import threading
import warnings
from collections import namedtuple
from pathlib import Path

import paho.mqtt.client as paho

from clients import PATIENCE, Waited
from emulator import HUB_API, sas

CHECKOUT = "IOLITE_PAHO_TESTING"
REMEDY = f"""not run: the MQTT checks with Eclipse's own test client.
  git clone https://github.com/eclipse-paho/paho.mqtt.testing, then set {CHECKOUT} to its folder and run again."""

Identity = namedtuple("Identity", "host port client_id user_name password branch")
Arrived = namedtuple("Arrived", "topic payload qos retained duplicate")
Will = namedtuple("Will", "topic payload qos")


class Refused(Exception):
    """The hub said no to CONNECT, with a return code; without one where it closed the connection instead."""

    @property
    def code(self):
        return self.args[0]


def identity(emulator, name, key):
    """What a device shows when it connects, made here and by no SDK."""
    host, (_, port) = emulator.hub["host_name"], emulator.hub["mqtt"].split(":")
    user_name = f"{host}/{name}/?api-version={HUB_API}"
    return Identity(host, int(port), name, user_name, sas(f"{host}/devices/{name}", key), f"devices/{name}")


class Paho:
    """paho-mqtt's client."""

    def __init__(self, who):
        self.who, self.arrived, self.lost = who, Waited(), threading.Event()
        self._client, self._happened, self._mute = None, Waited(), False

    def connect(self, clean=True, keep_alive=60, will=None, client_id=None, old_protocol=False):
        """Connects anew; whether a session was present."""
        self.lost.clear()
        happened = self._happened = Waited()
        client = self._client = _Acknowledging(
            self.who.client_id if client_id is None else client_id,
            clean_session=clean,
            protocol=paho.MQTTv31 if old_protocol else paho.MQTTv311,
            reconnect_on_failure=False,
        )
        client.mute = self._mute
        client.username_pw_set(self.who.user_name, self.who.password)
        client.tls_set_context(ssl.create_default_context())
        if will:
            client.will_set(will.topic, will.payload, will.qos)
        client.on_connect = lambda client, data, flags, code: happened.put(("connect", flags["session present"], code))
        client.on_disconnect = lambda client, data, code: (happened.put(("connect", 0, None)), self.lost.set())
        client.on_publish = lambda client, data, packet: happened.put(("publish", packet))
        client.on_subscribe = lambda client, data, packet, granted: happened.put(("subscribe", packet, list(granted)))
        client.on_unsubscribe = lambda client, data, packet: happened.put(("unsubscribe", packet))
        client.on_message = lambda client, data, message: self.arrived.put(
            Arrived(message.topic, message.payload, message.qos, bool(message.retain), bool(message.dup))
        )
        client.connect(self.who.host, self.who.port, keep_alive)
        client.loop_start()
        _, present, code = happened.until(lambda each: each[0] == "connect")
        if code != 0:
            raise Refused(code)
        return bool(present)

    def connect_again_on_the_same_connection(self):
        self._client._send_connect(60)

    def subscribe(self, topic, qos):
        """The QoS granted."""
        _, packet = self._client.subscribe(topic, qos)
        return self._happened.until(lambda each: each[:2] == ("subscribe", packet))[2][0]

    def ask_for(self, topic, qos):
        """Sends SUBSCRIBE and does not wait for an answer."""
        self._client.subscribe(topic, qos)

    def unsubscribe(self, topic):
        _, packet = self._client.unsubscribe(topic)
        self._happened.until(lambda each: each == ("unsubscribe", packet))

    def publish(self, topic, payload, qos, retained=False):
        """Publishes, and waits for the acknowledgement at QoS 1."""
        packet = self.offer(topic, payload, qos, retained)
        self._happened.until(lambda each: each == ("publish", packet))

    def offer(self, topic, payload, qos, retained=False):
        """Publishes and does not wait for an answer."""
        return self._client.publish(topic, payload, qos, retained).mid

    def acknowledges(self, packet):
        return ("publish", packet) in self._happened.all()

    def pause(self):
        """Acknowledges nothing that arrives from now on."""
        self._mute = True
        if self._client:
            self._client.mute = True

    def resume(self):
        self._mute = False

    def fall_silent(self):
        """Sends no PINGREQ from now on, nor anything else."""
        self._client.loop_stop()

    def disconnect(self):
        self._client.disconnect()
        self._client.loop_stop()

    def terminate(self):
        """Cuts the connection without a word."""
        self._client.loop_stop()
        self._client.socket().shutdown(socket.SHUT_RDWR)

    def end(self):
        if self._client:
            self._client.loop_stop()
            if self._client.socket():
                self._client.socket().close()


class _Acknowledging(paho.Client):
    """A client that can be told to acknowledge nothing."""

    mute = False

    def _send_puback(self, mid):
        return paho.MQTT_ERR_SUCCESS if self.mute else super()._send_puback(mid)


class PahoTesting:
    """The client of Eclipse's interoperability tests."""

    def __init__(self, who):
        self.who, self.arrived = who, Waited()
        self._published, self._subscribed, self._unsubscribed = Waited(), Waited(), Waited()
        self._mute, self._client_id = False, None
        self._relay = _Relay(who.host, who.port)
        self._client = self._of(who.client_id)

    @property
    def lost(self):
        return self._relay.over

    def _of(self, client_id):
        client = _eclipse().Client(client_id)
        client.registerCallback(self)
        self._client_id = client_id
        return client

    def connect(self, clean=True, keep_alive=60, will=None, client_id=None, old_protocol=False):
        if client_id not in (None, self._client_id):
            self._client = self._of(client_id)
        last = {}
        if will:
            last = {"willFlag": True, "willTopic": will.topic, "willMessage": will.payload, "willQoS": will.qos}
        try:
            answer = self._client.connect(
                host="127.0.0.1",
                port=self._relay.port,
                cleansession=clean,
                keepalive=keep_alive,
                protocolName="MQIsdp" if old_protocol else None,
                username=self.who.user_name,
                password=self.who.password.encode(),
                **last,
            )
        except AssertionError as failure:
            # "connect was Connacks(…, ReturnCode=5)".
            code = str(failure).rpartition("ReturnCode=")[2].rstrip(")")
            raise Refused(int(code) if code.isdigit() else None) from failure
        except Exception as failure:
            raise Refused(None) from failure
        return answer.flags == 1

    def connect_again_on_the_same_connection(self):
        try:
            self._client.connect(newsocket=False, username=self.who.user_name, password=self.who.password.encode())
        except Exception:
            return
        raise AssertionError("a second CONNECT was answered")

    def subscribe(self, topic, qos):
        packet = self._client.subscribe([topic], [qos])
        return self._subscribed.until(lambda each: each[0] == packet)[1][0]

    def ask_for(self, topic, qos):
        self._client.subscribe([topic], [qos])

    def unsubscribe(self, topic):
        packet = self._client.unsubscribe([topic])
        self._unsubscribed.until(lambda each: each == packet)

    def publish(self, topic, payload, qos, retained=False):
        packet = self.offer(topic, payload, qos, retained)
        if qos > 0:
            self._published.until(lambda each: each == packet)

    def offer(self, topic, payload, qos, retained=False):
        return self._client.publish(topic, payload, qos, retained)

    def acknowledges(self, packet):
        return packet in self._published.all()

    def pause(self):
        self._mute = True

    def resume(self):
        self._mute = False

    def fall_silent(self):
        """It never sends PINGREQ."""

    def disconnect(self):
        self._client.disconnect()

    def terminate(self):
        self._client.terminate()

    def end(self):
        self._relay.close()

    # What the client calls back, under its own names.

    def connectionLost(self, cause):
        pass

    def publishArrived(self, topic, payload, qos, retained, packet):
        self.arrived.put(Arrived(topic, payload, qos, bool(retained), None))
        return not self._mute

    def published(self, packet):
        self._published.put(packet)

    def subscribed(self, packet, granted):
        self._subscribed.put((packet, granted))

    def unsubscribed(self, packet):
        self._unsubscribed.put(packet)


def _eclipse():
    """The module of the checkout's client."""
    folder = str(Path(os.environ[CHECKOUT]) / "interoperability")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mqtt.clients.V311 as eclipse
    return eclipse


class _Relay:
    """Takes plain connections on a free port and passes them on over TLS, one after the other."""

    def __init__(self, host, port):
        self._target, self._context = (host, port), ssl.create_default_context()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.over = self._listener.getsockname()[1], threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._listener.close()

    def _serve(self):
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            self.over.clear()
            threading.Thread(target=self._carry, args=(plain,), daemon=True).start()

    def _carry(self, plain):
        try:
            with plain, socket.create_connection(self._target) as stream:
                with self._context.wrap_socket(stream, server_hostname=self._target[0]) as secure:
                    self._pass(plain, secure)
        except OSError:
            pass
        self.over.set()

    @staticmethod
    def _pass(plain, secure):
        while True:
            if not secure.pending():
                select.select([plain, secure], [], [])
            # One thread reads and writes: a TLS stream is not to be used by two at a time.
            secure.settimeout(0)
            try:
                fresh = secure.recv(65536)
                if not fresh:
                    return
                plain.sendall(fresh)
            except ssl.SSLWantReadError:
                pass
            secure.settimeout(PATIENCE)
            if select.select([plain], [], [], 0)[0]:
                fresh = plain.recv(65536)
                if not fresh:
                    return
                secure.sendall(fresh)


CLIENTS = [Paho] + ([PahoTesting] if os.environ.get(CHECKOUT) else [])
