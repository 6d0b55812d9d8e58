"""The HTTP server: reads calls, lets `respond` answer them, sends replies with their faults."""

import socket
import struct
import sys
import time
import traceback
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from mock_provider import control
from mock_provider.exchange import Call, Reply, unary
from mock_provider.respond import has_key, respond
from mock_provider.state import State

LARGEST_BODY = 64 * 1024 * 1024


class MockServer(ThreadingHTTPServer):
    """Listens on the loopback address; each connection has a thread of its own."""

    request_queue_size = 512

    def __init__(self, port: int) -> None:
        self.state = State()
        super().__init__(("127.0.0.1", port), Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Says nothing of clients that went away, and everything of our own mistakes."""
        if not isinstance(sys.exception(), ConnectionError):
            traceback.print_exc()


class BadFraming(Exception):
    """A request body whose end cannot be found."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: MockServer

    def version_string(self) -> str:
        """Names the server without the interpreter behind it."""
        return "mock-provider"

    def log_message(self, *_: object) -> None:
        """Stays quiet."""

    def handle_call(self) -> None:
        """Answers one request, whatever its method."""
        headers = {}
        for name, value in self.headers.items():
            name = name.lower()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        url = urlsplit(self.path)
        try:
            body = self.read_body(headers)
        except BadFraming as error:
            self.close_connection = True
            self.send(unary({"error": {"message": str(error), "type": "bad_request"}}, 400))
            return
        query = parse_qs(url.query, keep_blank_values=True)
        state = self.server.state
        if url.path.startswith("/_"):
            self.send(control.respond(state, self.command, url.path, query, body))
            return

        target = f"{url.path}?{url.query}" if url.query else url.path
        releases = state.releases
        entry = state.begin(self.command, target, headers, body)
        call = Call(entry["n"], state.run, self.command, url.path, query, headers, body)
        reply = respond(call, state)
        entry["model"] = call.model
        entry["stream"] = call.streams
        entry["authorization_present"] = has_key(call)
        entry["digest"] = call.digest[:16]
        self.send_call(call, reply, entry, releases)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_call

    def read_body(self, headers: dict[str, str]) -> bytes:
        """Reads the whole body, sent with its length or in chunks."""
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self.read_chunks()
        spelt = headers.get("content-length", "0")
        if not (spelt.isascii() and spelt.isdigit()) or int(spelt) > LARGEST_BODY:
            raise BadFraming(f"content-length {spelt[:40]} makes no sense")
        return self.rfile.read(int(spelt))

    def read_chunks(self) -> bytes:
        body = bytearray()
        while True:
            line = self.rfile.readline(100).split(b";")[0].strip()
            try:
                size = int(line, 16)
            except ValueError:
                raise BadFraming("a chunk does not start with its size") from None
            if size < 0 or len(body) + size > LARGEST_BODY:
                raise BadFraming("the body is larger than this server takes")
            body += self.rfile.read(size)
            if size:
                self.rfile.readline(100)
                continue
            while self.rfile.readline(10_000).strip():
                pass
            return bytes(body)

    def send_call(self, call: Call, reply: Reply, entry: dict, releases: int) -> None:
        """Sends the reply to a counted call, slowed down or damaged as its directives say."""
        wanted = call.directives
        time.sleep(wanted.seconds("slow"))
        if wanted.value("hold") == 0:
            self.server.state.hold(releases)
        if reply.dropped:
            self.hang_up(reset=False)
            return
        entry["status"] = reply.status
        accepted = call.headers.get("accept-encoding", "").lower()
        packer = None
        if "gzip" in wanted and "gzip" in accepted:
            packer = zlib.compressobj(wbits=31)
            reply.headers["content-encoding"] = "gzip"
        if reply.events is not None:
            entry["complete"] = self.send_events(call, reply, entry, releases, packer)
        else:
            if packer:
                reply.body = packer.compress(reply.body) + packer.flush()
            entry["complete"] = self.send(reply, call)

    def send(self, reply: Reply, call: Call | None = None) -> bool:
        """Sends a reply with a body; False if a fault cut it short."""
        wanted = call.directives if call else {}
        cuts = [name for name in ("cut", "reset", "eof") if name in wanted]
        body = reply.body[: len(reply.body) // 2] if cuts else reply.body
        promised = len(body) if "eof" in wanted else len(reply.body)
        self.start(reply, {"content-length": str(promised)})
        if self.command != "HEAD":
            self.wfile.write(body)
        if "cut" in wanted or "reset" in wanted:
            self.hang_up("reset" in wanted)
        return not cuts

    def start(self, reply: Reply, framing: dict[str, str]) -> None:
        self.send_response(reply.status)
        for name, value in (reply.headers | framing).items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()

    def send_events(
        self, call: Call, reply: Reply, entry: dict, releases: int, packer: "zlib._Compress | None"
    ) -> bool:
        """Sends a stream event by event; False if a fault cut it short."""
        wanted = call.directives
        limits = [wanted.value(name) for name in ("cut", "reset", "eof") if name in wanted]
        # However large the number, the terminal event of a cut stream is never sent.
        last = min([*limits, len(reply.events) - 1]) if limits else len(reply.events)
        chunked = self.request_version != "HTTP/1.0"
        self.close_connection |= not chunked
        self.start(reply, {"transfer-encoding": "chunked"} if chunked else {})
        size = wanted.value("chunk")
        for number, event in enumerate(reply.events[:last]):
            if number:
                time.sleep(wanted.seconds("delay"))
                if number == wanted.value("hold"):
                    self.server.state.hold(releases)
            if packer:
                event = packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH)
            step = size or len(event)
            for at in range(0, len(event), step):
                self.send_chunk(event[at : at + step], chunked)
            entry["events_sent"] = number + 1
        if "cut" in wanted or "reset" in wanted:
            self.hang_up("reset" in wanted)
            return False
        if packer:
            self.send_chunk(packer.flush(), chunked)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        return not limits

    def send_chunk(self, data: bytes, chunked: bool) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data) if chunked else data)

    def hang_up(self, reset: bool) -> None:
        """Closes the connection in the middle, either in order or with a reset."""
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        else:
            self.connection.shutdown(socket.SHUT_RDWR)
