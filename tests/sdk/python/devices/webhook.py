"""A webhook as a back end has one, in a thread of the tests: it agrees to receive events, or not, and collects them."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from clients import Waited


class Request:
    """What came: its method, headers and JSON."""

    def __init__(self, method, headers, body):
        self.method, self.headers, self.body = method, headers, json.loads(body) if body else None


class Webhook:
    """Where it is and what it heard. `refusals` is how many deliveries it turns away first."""

    def __init__(self, port, agrees, refusals):
        self.url, self.agrees, self.refusals = f"http://localhost:{port}/events?code=secret", agrees, refusals
        self.handshakes, self.events = Waited(), Waited()

    def answer(self, request):
        """The status, headers and body for a request."""
        if request.method == "OPTIONS":
            self.handshakes.put(request)
            return 200, {"WebHook-Allowed-Origin": "*"} if self.agrees else {}, None
        if request.headers.get("aeg-event-type") == "SubscriptionValidation":
            self.handshakes.put(request)
            code = request.body[0]["data"]["validationCode"]
            return 200, {}, {"validationResponse": code if self.agrees else "something else"}
        if self.refusals:
            self.refusals -= 1
            return 503, {}, None
        self.events.put(request)
        return 200, {}, None


@contextmanager
def listening(agrees=True, refusals=0):
    """A webhook while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, headers, answer = webhook.answer(Request(self.command, self.headers, body))
            content = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_OPTIONS = do_POST = _serve

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    webhook = Webhook(server.server_port, agrees, refusals)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield webhook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
