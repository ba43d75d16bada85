"""A TCP proxy before a server that cuts every connection after a number of bytes, until it is mended."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

PIECE = 1 << 14


class Proxy:
    """Passes bytes on, both ways.

    Attributes:
        url: its own address.
        left: bytes that it still passes on from clients to the server ("up") and back ("down"); None: any number.
    """

    def __init__(self, url: str) -> None:
        """Begin to listen, for a server's address."""
        self._server = urlsplit(url)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.left: dict[str, int | None] = {"up": None, "down": None}
        threading.Thread(target=self._accept, daemon=True).start()

    def mend(self) -> None:
        """Pass on any number of bytes from now on."""
        self.left = {"up": None, "down": None}

    def close(self) -> None:
        """Listen no more."""
        self._listener.close()
        self._cut()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                if 0 in self.left.values():
                    client.close()
                    continue
                server = socket.create_connection((self._server.hostname, self._server.port))
                with self._lock:
                    self._open |= {client, server}
                for way, source, target in (("up", client, server), ("down", server, client)):
                    threading.Thread(target=self._pass, args=(way, source, target), daemon=True).start()

    def _pass(self, way: str, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(PIECE):
                with self._lock:
                    left = self.left[way]
                    if left is not None:
                        piece = piece[:left]
                        self.left[way] = left - len(piece)
                    is_over = self.left[way] == 0
                target.sendall(piece)
                if is_over:
                    self._cut()
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _cut(self) -> None:
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._open.clear()


@contextmanager
def cutting(url: str) -> Iterator[Proxy]:
    """Have a proxy before a server's address."""
    proxy = Proxy(url)
    try:
        yield proxy
    finally:
        proxy.close()
