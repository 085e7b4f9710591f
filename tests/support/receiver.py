"""Callbacks of many contexts on a few ports: an asyncio loop on a thread of its own."""
import asyncio
import json
import random
import threading
import time

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
BROKEN = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"


class Notification(asyncio.Protocol):
    """One connection; requests come one after the other."""

    def __init__(self, receiver, manner):
        self.receiver = receiver
        self.manner = manner
        self.input = b""
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport
        if self.manner == "closes":
            transport.abort()

    def data_received(self, data):
        self.input += data
        while (head_end := self.input.find(b"\r\n\r\n")) >= 0:
            lines = self.input[:head_end].decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines[1:])
            end = head_end + 4 + int(headers["content-length"])
            if len(self.input) < end:
                return
            body, self.input = self.input[head_end + 4:end], self.input[end:]
            self.answer(int(headers["mx2-sequence"]), json.loads(body))

    def answer(self, sequence, body):
        if self.manner == "500":
            self.transport.write(BROKEN)
        elif self.manner == "good":
            reply = self.receiver.hear(sequence, body)
            if reply:
                self.transport.write(reply)
            else:
                self.transport.abort()


class Receiver:
    """`ports` good listeners and one for each bad manner. `unsure`: how often a good one has heard
    but says 503, or nothing."""

    def __init__(self, ports=4, bad=(), unsure=0.0, seed=0):
        self.heard = {}       # contextId: (Mx2-Sequence, body, when), of the last
        self.count = 0
        self.repeated = 0     # the same once more
        self.disorder = []    # older after newer
        self.unsure = unsure
        self.rng = random.Random(seed)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.urls = [self.listen("good") for _ in range(ports)]
        self.bad_urls = [self.listen(manner) for manner in bad]

    def listen(self, manner):
        server = asyncio.run_coroutine_threadsafe(
            self.loop.create_server(lambda: Notification(self, manner), "127.0.0.1", 0,
                                    backlog=4096), self.loop).result()
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    def hear(self, sequence, body):
        context_id = body["contextId"]
        before = self.heard.get(context_id, (0,))[0]
        self.count += 1
        self.repeated += sequence == before
        if sequence < before:
            self.disorder.append(f"{context_id}: {sequence} after {before}")
        self.heard[context_id] = (sequence, body, time.monotonic())
        if self.unsure and self.rng.random() < self.unsure:
            return self.rng.choice((BUSY, None))
        return NO_CONTENT

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
