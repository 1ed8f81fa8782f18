"""What the corpus is played on: an origin for every host, a resolver's upstream, and the real programs that log."""

import contextlib
import datetime
import hashlib
import os
import re
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

PEEK = "%ts.%03tu %6tr %>a %un %Ss/%03>Hs %>st %<st %rm %ru sni=%ssl::>sni"
BUMP = "%ts.%03tu %6tr %>a %un %Ss/%03>Hs %>st %<st %rm %ru agent=%{User-Agent}>h"
RESOLVER = "127.0.0.53"
# Where the origin listens: the web, and the ports of ways out of sight.
PORTS = [443, 8443, 853, 22, 1194, 7835, 7844, 51820]
# Clients that call without a proxy have these addresses, and the sensor looks at nobody else's.
DIRECT = "127.2"


def certificates(folder: str) -> tuple[str, str]:
    """Writes an authority, and returns the paths of its certificate with its key, and of a leaf for any name."""

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    def pem(certificate: x509.Certificate) -> bytes:
        return certificate.public_bytes(serialization.Encoding.PEM)

    def written(path: str, key: ec.EllipticCurvePrivateKey, *chain: x509.Certificate) -> str:
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with open(path, "wb") as file:
            file.write(b"".join(map(pem, chain)) + private)
        return path

    now = datetime.datetime.now(datetime.timezone.utc)

    def made(subject: str, issuer: str, key, by, *extensions: x509.ExtensionType) -> x509.Certificate:
        builder = x509.CertificateBuilder(
            name(issuer), name(subject), key.public_key(), x509.random_serial_number(),
            now - datetime.timedelta(days=1), now + datetime.timedelta(days=30),
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(by, hashes.SHA256())

    root_key, middle_key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    root_name, middle_name = "Quay Measurement Authority", "Quay Measurement Authority, second"
    root = made(root_name, root_name, root_key, root_key, x509.BasicConstraints(ca=True, path_length=None))
    middle = made(middle_name, root_name, middle_key, root_key, x509.BasicConstraints(ca=True, path_length=0))
    # As long as those of the web, so that greetings take the bytes that they take there.
    names = x509.SubjectAlternativeName([x509.DNSName(f"service-{nth}.origin.example") for nth in range(40)])
    leaf = made("origin", middle_name, leaf_key, middle_key, names)
    return written(f"{folder}/root.pem", root_key, root), written(f"{folder}/leaf.pem", leaf_key, leaf, middle)


def measures(head: bytes) -> dict[str, float]:
    """Reads what a client wants to be answered: `wait`, and `events` of `size` bytes `every` so many seconds."""
    line = next((line for line in head.split(b"\r\n") if line.lower().startswith(b"x-measure:")), b":")
    pairs = (pair.split("=") for pair in line.split(b":", 1)[1].decode().strip().split(";") if pair)
    return {key: float(value) for key, value in pairs}


def event(path: bytes, size: int) -> bytes:
    """One piece of an answer, as the service that a path belongs to writes it."""
    if b"/chat/completions" in path:
        text = '{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"%s"}}]}'
    elif b"/responses" in path:
        text = '{"type":"response.output_text.delta","item_id":"i","output_index":0,"content_index":0,"sequence_number":1,"logprobs":[],"delta":"%s"}'
    elif b"/messages" in path:
        return b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%s"}}\n\n' % (
            b"x" * max(1, size - 110)
        )
    elif b"GenerateContent" in path:
        text = '{"candidates":[{"content":{"parts":[{"text":"%s"}],"role":"model"},"index":0}]}'
    else:
        return b"x" * (size - 1) + b"\n"
    return b"data: " + (text % ("x" * max(1, size - len(text)))).encode() + b"\n\n"


class Origin(socketserver.BaseRequestHandler):
    """Answers every request after the greeting, whatever host it is for: with an empty object, or as it is asked to."""

    def handle(self) -> None:
        with contextlib.suppress(Exception):
            connection = self.server.tls.wrap_socket(self.request, server_side=True)
            buffer = b""
            while True:
                while b"\r\n\r\n" not in buffer:
                    more = connection.recv(65536)
                    if not more:
                        return
                    buffer += more
                head, _, buffer = buffer.partition(b"\r\n\r\n")
                length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
                left = (int(length[1]) if length else 0) - len(buffer)
                while left > 0:
                    left -= len(connection.recv(65536))
                buffer = b""
                self.answer(connection, head)

    def answer(self, connection: ssl.SSLSocket, head: bytes) -> None:
        path, asked = head.split(b" ", 2)[1], measures(head)
        if b"websocket" in head.lower():
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n")
            return self.trickle(connection, path, asked, lambda piece: piece)
        if not asked:
            kind = b"application/json"
            return connection.sendall(
                b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: 2\r\n\r\n{}" % kind
            )
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        self.trickle(connection, path, asked, lambda piece: b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.sendall(b"0\r\n\r\n")

    def trickle(self, connection: ssl.SSLSocket, path: bytes, asked: dict[str, float], framed) -> None:
        time.sleep(asked.get("wait", 0))
        for _ in range(int(asked.get("events", 1))):
            connection.sendall(framed(event(path, int(asked.get("size", 200)))))
            hear(connection, asked.get("every", 0))


def hear(connection: ssl.SSLSocket, seconds: float) -> None:
    """Waits so long, and reads what comes meanwhile."""
    until = time.monotonic() + seconds
    with contextlib.suppress(TimeoutError):
        while (left := until - time.monotonic()) > 0:
            connection.settimeout(left)
            if not connection.recv(65536):
                raise ConnectionError("the other end is gone")
    connection.settimeout(None)


class Parent(socketserver.BaseRequestHandler):
    """The proxy behind both Squids: connects whatever is asked for to the origin; what is not encrypted has no content."""

    def handle(self) -> None:
        with contextlib.suppress(Exception):
            head = b""
            while b"\r\n\r\n" not in head:
                head += self.request.recv(65536)
            if not head.startswith(b"CONNECT "):
                return self.request.sendall(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
            self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with socket.create_connection(("127.0.0.1", 443)) as origin:
                back = threading.Thread(target=copy, args=(origin, self.request), daemon=True)
                back.start()
                copy(self.request, origin)
                back.join()


def copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def place(name: bytes) -> bytes:
    """The address of a name as questions have it."""
    digest = hashlib.sha256(name.lower()).digest()
    return bytes([127, 64 + digest[0] % 64, digest[1], digest[2] % 254 + 1])


def wire(name: str) -> bytes:
    """A name as questions have it, without the end."""
    return b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))


class Names(socketserver.BaseRequestHandler):
    """Behind the resolver: every name has an address of its own on loopback."""

    def handle(self) -> None:
        question, answer_to = self.request
        end = question.index(b"\0", 12)
        address = place(question[12:end])
        is_ipv4 = question[end + 1 : end + 3] == b"\0\1"
        answer = b"\xc0\x0c\0\1\0\1" + struct.pack(">IH", 60, 4) + address if is_ipv4 else b""
        head = question[:2] + b"\x84\0\0\1" + struct.pack(">H", bool(answer)) + b"\0\0\0\0"
        answer_to.sendto(head + question[12 : end + 5] + answer, self.client_address)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 1024


def served(handler: type, place: tuple[str, int], **attributes: object) -> tuple[str, int]:
    server = (socketserver.ThreadingUDPServer if handler is Names else Server)(place, handler)
    for key, value in attributes.items():
        setattr(server, key, value)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address


def open_origin(leaf: str) -> tuple[int, int]:
    """Opens the origin, the parent and the names in a process of their own; returns the ports of the latter two."""
    read, write = os.pipe()
    if os.fork() == 0:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(leaf)
        for port in PORTS:
            served(Origin, ("0.0.0.0", port), tls=tls)
        ports = served(Parent, ("127.0.0.1", 0))[1], served(Names, ("127.0.0.1", 0))[1]
        os.write(write, struct.pack("2I", *ports))
        # It ends with whoever started it.
        parent = os.getppid()
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(0)
    return struct.unpack("2I", os.read(read, 8))


def squid(program: str, certgen: str, folder: str, name: str, logformat: str, parent: int) -> tuple[int, subprocess.Popen]:
    """Starts a Squid, and returns its port and process."""
    port, home = free_port(), f"{folder}/{name}"
    os.makedirs(home)
    os.chmod(home, 0o777)
    bump = "ssl_bump bump all" if name == "bump" else "ssl_bump peek step1\nssl_bump splice all"
    subprocess.run([certgen, "-c", "-s", f"{home}/certificates", "-M", "4MB"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["chmod", "-R", "a+rwX", home], check=True)
    with open(f"{home}/squid.conf", "w") as file:
        file.write(
            f"http_port 127.0.0.1:{port} ssl-bump generate-host-certificates=on tls-cert={folder}/root.pem\n"
            f"sslcrtd_program {certgen} -s {home}/certificates -M 4MB\nsslcrtd_children 2\n"
            f"acl step1 at_step SslBump1\n{bump}\nmax_filedescriptors 8192\n"
            f"cache_peer 127.0.0.1 parent {parent} 0 no-query default\nnever_direct allow all\n"
            "sslproxy_cert_error allow all\ntls_outgoing_options flags=DONT_VERIFY_PEER\n"
            f"dns_nameservers {RESOLVER}\nhttp_access allow all\ncache deny all\npinger_enable off\nshutdown_lifetime 0 seconds\n"
            f"logformat measured {logformat}\naccess_log stdio:{home}/access.log measured\n"
            f"cache_log {home}/cache.log\npid_filename {home}/squid.pid\ncoredump_dir {home}\n"
            "request_header_max_size 64 KB\nvisible_hostname quay.example\n"
        )
    process = started([program, "-N", "-f", f"{home}/squid.conf"])
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return port, process
        if process.poll() is not None:
            sys.exit(f"Squid ended: see {home}/cache.log")
        time.sleep(0.05)
    sys.exit("Squid does not listen")


def unbound(program: str, folder: str, names: int) -> subprocess.Popen:
    """Starts a resolver that logs every question."""
    home = f"{folder}/unbound"
    os.makedirs(home)
    with open(f"{home}/unbound.conf", "w") as file:
        file.write(
            f"server:\n  interface: {RESOLVER}\n  access-control: 127.0.0.0/8 allow\n  do-daemonize: no\n"
            f'  chroot: ""\n  username: ""\n  directory: "{home}"\n  pidfile: ""\n  use-syslog: no\n'
            f'  logfile: "{folder}/unbound.log"\n  log-queries: yes\n  module-config: "iterator"\n'
            "  do-not-query-localhost: no\n  num-threads: 1\nremote-control:\n  control-enable: no\n"
            f'forward-zone:\n  name: "."\n  forward-addr: 127.0.0.1@{names}\n'
        )
    process = started([program, "-d", "-c", f"{home}/unbound.conf"])
    for _ in range(200):
        with contextlib.suppress(OSError):
            resolve("quay.example", "127.0.0.1", 0.2)
            return process
        if process.poll() is not None:
            sys.exit("Unbound ended")
    sys.exit("Unbound does not answer")


def resolve(name: str, address: str, patience: float = 10) -> str:
    """Asks the resolver for the address of a name, from an address."""
    question = b"\x47\x11\1\0\0\1\0\0\0\0\0\0"
    question += wire(name) + b"\0\0\1\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.bind((address, 0))
        asked.settimeout(patience)
        asked.sendto(question, (RESOLVER, 53))
        return socket.inet_ntoa(asked.recv(2048)[-4:])


def suricata(program: str, folder: str) -> subprocess.Popen:
    """Starts a sensor on loopback that looks at those who call without a proxy."""
    home = f"{folder}/suricata"
    os.makedirs(home)
    with open(f"{home}/suricata.yaml", "w") as file:
        file.write(
            f"%YAML 1.1\n---\ndefault-log-dir: {home}\n"
            "logging:\n  outputs:\n    - file:\n        enabled: yes\n        level: info\n        filename: suricata.log\n"
            "outputs:\n  - eve-log:\n      enabled: yes\n      filetype: regular\n      filename: eve.json\n"
            "      types: [{tls: {extended: yes}}, dns, http, flow]\n"
            "app-layer:\n  protocols:\n    tls:\n      enabled: yes\n    http:\n      enabled: yes\n"
            "    dns:\n      udp:\n        enabled: yes\n        detection-ports:\n          dp: 53\n"
            "      tcp:\n        enabled: yes\n        detection-ports:\n          dp: 53\n"
            "stream:\n  memcap: 256mb\n  reassembly:\n    memcap: 512mb\n"
        )
    process = started(
        [program, "-c", f"{home}/suricata.yaml", "--pcap=lo", "-S", "/dev/null", "-l", home, "-k", "none", f"net {DIRECT}.0.0/16"]
    )
    for _ in range(600):
        with contextlib.suppress(OSError), open(f"{home}/suricata.log") as file:
            if "ngine started" in file.read():
                return process
        if process.poll() is not None:
            sys.exit(f"Suricata ended: see {home}/suricata.log")
        time.sleep(0.05)
    sys.exit("Suricata does not start")


def started(command: list[str]) -> subprocess.Popen:
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
