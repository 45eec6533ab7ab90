"""A throw-away TLS server on loopback, and two kinds of client that come to it."""

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

MICROPYTHON = Path(sys.executable).with_name("micropython")
HANDSHAKE_S_MAX = 20
GREETING = b"firstbell\n"

NODE_CLIENT = """
import asyncio, ssl, sys
async def main(port, name, ca):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED
    with open(ca, "rb") as file:
        context.load_verify_locations(cadata=file.read())
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    # Its handshake starts with the first write.
    writer.write(b"\\n")
    await writer.drain()
    print("got", (await reader.readline()).decode().strip())
try:
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
except (OSError, ValueError) as error:
    print("refused", error)
"""


@contextmanager
def serving(context: ssl.SSLContext) -> Iterator[int]:
    """Greets everyone whose handshake succeeds; gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_greet, args=(listener, context))
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _greet(listener: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        connection.settimeout(HANDSHAKE_S_MAX)
        try:
            with context.wrap_socket(connection, server_side=True) as tls:
                tls.recv(1)
                tls.sendall(GREETING)
        except OSError:
            connection.close()


def python_greets(port: int, name: str, ca: Path) -> str:
    """What a strict OpenSSL client makes of the server; raises ssl.SSLCertVerificationError."""
    context = ssl.create_default_context(cafile=ca)
    # What newer Pythons and browsers ask besides: key usages, key identifiers, all as RFC 5280 has them.
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection(("127.0.0.1", port), timeout=HANDSHAKE_S_MAX) as connection,
        context.wrap_socket(connection, server_hostname=name) as tls,
    ):
        tls.sendall(b"\n")
        return tls.recv(64).decode().strip()


def node_greets(port: int, name: str, ca: Path, folder: Path) -> str:
    """What a Pico W's interpreter says about the server."""
    assert MICROPYTHON.exists(), f"{MICROPYTHON} is missing: run the suite on x86_64"
    certificate = x509.load_pem_x509_certificate(ca.read_bytes())
    (folder / "ca.der").write_bytes(certificate.public_bytes(Encoding.DER))
    (folder / "client.py").write_text(NODE_CLIENT)
    command = [str(MICROPYTHON), "client.py", str(port), name, "ca.der"]
    result = subprocess.run(command, cwd=folder, text=True, capture_output=True, timeout=HANDSHAKE_S_MAX, check=False)
    return result.stdout.strip() + result.stderr.strip()
