"""Non-blocking sockets for ``network``: connecting, reading, writing, closing. A shell.

What the bytes are, and what becomes of a connection, is the machine's business.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
from collections import deque
from contextlib import suppress
from typing import Any, Final

from streams.client.network import Network
from streams.client.peers import Address

READS_PER_ROUND: Final = 32
"""So much of one connection before the others have their turn."""
MOST_PIECES: Final = 64
"""Of one write; systems allow 1024."""


class Wire:
    """One socket, and what is still to be written to it."""

    __slots__ = ("addresses", "key", "outbox", "sock", "waits_for_write")

    def __init__(self, key: int, addresses: list[Any]) -> None:
        self.key = key
        self.addresses = addresses
        """What the name resolved to and has not been tried yet."""
        self.sock: socket.socket | None = None
        self.outbox: deque[memoryview] = deque()
        self.waits_for_write = True


class Sockets:
    """The sockets of one network; used by one thread at a time."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._selector = selectors.DefaultSelector()
        self._wires: dict[int, Wire] = {}
        self._waker, self._woken = socket.socketpair()
        self._waker.setblocking(False)
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, None)

    def wait(self, timeout_ms: int) -> None:
        """Block until some socket can be read or written, or for ``timeout_ms``."""
        self._selector.select(timeout_ms / 1000)

    def wake(self) -> None:
        """End ``wait`` now; from any thread."""
        with suppress(OSError):  # full: it is awake already
            self._waker.send(b"\0")

    def round(self, now_ms: int) -> None:
        """Everything that can be done without blocking."""
        self.move(now_ms)
        events = self._selector.select(0)
        for found, mask in events:
            if found.data is None:
                with suppress(BlockingIOError):
                    self._woken.recv(1_024)
            else:
                self._serve(found.data, mask, now_ms)
        if events:
            self.move(now_ms)

    def close(self) -> None:
        """Close every socket."""
        for wire in self._wires.values():
            self._shut(wire)
        self._wires.clear()
        self._selector.close()
        self._waker.close()
        self._woken.close()

    def move(self, now_ms: int) -> None:
        """Do to the sockets what the network asks for."""
        openings, closings = self._network.take_changes()
        for key, address in openings:
            self._open(key, address, now_ms)
        for key in closings:
            wire = self._wires.pop(key, None)
            if wire is not None:
                self._shut(wire)
        for key, pieces in self._network.take_output():
            wire = self._wires[key]
            wire.outbox.extend(map(memoryview, pieces))
            if not wire.waits_for_write:
                self._write(wire, now_ms)

    def _open(self, key: int, address: Address, now_ms: int) -> None:
        try:
            found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        except (OSError, ValueError, OverflowError) as error:  # a broker may advertise what is no name or port at all
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            self._network.lost(key, f"its name cannot be resolved: {reason}", now_ms)
            return
        self._wires[key] = Wire(key, found)
        self._try_next(self._wires[key], None, now_ms)

    def _try_next(self, wire: Wire, failed: Exception | None, now_ms: int) -> None:
        """Begin to connect to the next of the addresses that a name stands for."""
        self._shut(wire)
        while wire.addresses:
            family, kind, protocol, _, place = wire.addresses.pop(0)
            try:
                wire.sock = socket.socket(family, kind, protocol)
                wire.sock.setblocking(False)
                wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                code = wire.sock.connect_ex(place)
                if code not in (0, errno.EINPROGRESS):
                    raise OSError(code, os.strerror(code))
            except (OSError, OverflowError) as error:
                failed = error
                self._shut(wire)
                continue
            wire.waits_for_write = True
            self._selector.register(wire.sock, selectors.EVENT_WRITE, wire)
            return
        self._network.lost(wire.key, _reason(failed), now_ms)

    def _serve(self, wire: Wire, mask: int, now_ms: int) -> None:
        if wire.sock is None:
            return
        if mask & selectors.EVENT_WRITE:
            if wire.addresses is not _CONNECTED:
                self._finish_connecting(wire, now_ms)
                return
            self._write(wire, now_ms)
        if mask & selectors.EVENT_READ and wire.sock is not None:
            self._read(wire, now_ms)

    def _finish_connecting(self, wire: Wire, now_ms: int) -> None:
        assert wire.sock is not None
        code = wire.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._try_next(wire, OSError(code, os.strerror(code)), now_ms)
            return
        wire.addresses = _CONNECTED
        wire.waits_for_write = False
        self._selector.modify(wire.sock, selectors.EVENT_READ, wire)
        self._network.opened(wire.key, now_ms)

    def _read(self, wire: Wire, now_ms: int) -> None:
        assert wire.sock is not None
        for _ in range(READS_PER_ROUND):
            buffer = self._network.buffer(wire.key)
            if buffer is None:
                return
            room = len(buffer)
            try:
                size = wire.sock.recv_into(buffer)
            except BlockingIOError:
                return
            except OSError as error:
                self._network.lost(wire.key, _reason(error), now_ms)
                return
            finally:
                buffer.release()  # a long frame's memory grows, which it cannot while somebody looks at it
            if not size:
                self._network.lost(wire.key, None, now_ms)
                return
            self._network.received(wire.key, size, now_ms)
            if size < room:
                return

    def _write(self, wire: Wire, now_ms: int) -> None:
        assert wire.sock is not None
        outbox = wire.outbox
        try:
            while outbox:
                pieces = [outbox[index] for index in range(min(len(outbox), MOST_PIECES))]
                written = wire.sock.sendmsg(pieces)
                while outbox and written >= len(outbox[0]):
                    written -= len(outbox.popleft())
                if written:
                    outbox[0] = outbox[0][written:]
        except BlockingIOError:
            pass
        except OSError as error:
            self._network.lost(wire.key, _reason(error), now_ms)
            return
        if bool(outbox) != wire.waits_for_write:
            wire.waits_for_write = bool(outbox)
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if outbox else 0)
            self._selector.modify(wire.sock, events, wire)

    def _shut(self, wire: Wire) -> None:
        if wire.sock is not None:
            with suppress(KeyError):  # not registered: connecting failed at once
                self._selector.unregister(wire.sock)
            wire.sock.close()
            wire.sock = None


_CONNECTED: Final[list[Any]] = []


def _reason(error: Exception | None) -> str | None:
    if error is None:
        return None
    if isinstance(error, OSError) and error.errno == errno.ECONNREFUSED:
        return "connection refused; nothing listens there: is the broker running, and is this its port?"
    return str(error.strerror or error) if isinstance(error, OSError) else str(error)
