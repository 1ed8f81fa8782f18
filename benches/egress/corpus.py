#!/usr/bin/env python3
"""Makes a labelled corpus of calls with real clients through a real Squid, which `rates.py` holds a scan against.

Usage: corpus.py SQUID CERTGEN OUTPUT, with `requirements.txt` installed. SQUID is a Squid with TLS (Debian's
`squid-openssl`), CERTGEN its `security_file_certgen`.

Every client has an address of its own on loopback, so that its lines can be told from others' without looking at what
they say. The SDKs of vendors call as they come; a program without SDK is a plain client of HTTP. Two Squids log them:
one sees where a client wants to be connected and the greeting inside, one sees requests. Behind both, a server of this
script answers for every host: nothing leaves the machine.

What is written: `peek.log` and `bump.log`, their `*.logformat`, and `labels.json`: for each address what the client is,
and which detectors an all-knowing reader of that log would raise for it. Labels are written from what each client was
told to do, never from the catalog.
"""

import contextlib
import datetime
import json
import logging
import os
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time

import anthropic
import cohere
import groq
import httpcore
import httpcore2
import httpx
import httpx2
import mistralai.client
import openai
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google import genai

PEEK = "%ts.%03tu %6tr %>a %un %Ss/%03>Hs %>st %<st %rm %ru sni=%ssl::>sni"
BUMP = "%ts.%03tu %6tr %>a %un %Ss/%03>Hs %>st %<st %rm %ru agent=%{User-Agent}>h"


def certificates(folder: str) -> tuple[str, str]:
    """Writes an authority, and returns the paths of its certificate with its key, and of a leaf for any name."""

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    def written(path: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> str:
        with open(path, "wb") as file:
            file.write(certificate.public_bytes(serialization.Encoding.PEM))
            file.write(
                key.private_bytes(
                    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
                )
            )
        return path

    now = datetime.datetime.now(datetime.timezone.utc)

    def begun(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=30))
        )

    root_key = ec.generate_private_key(ec.SECP256R1())
    root_name = name("Quay Measurement Authority")
    root = begun(root_name, root_name, root_key.public_key())
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    root = root.sign(root_key, hashes.SHA256())
    leaf_key = ec.generate_private_key(ec.SECP256R1())
    leaf = begun(name("origin"), root_name, leaf_key.public_key())
    leaf = leaf.add_extension(x509.SubjectAlternativeName([x509.DNSName("origin.example")]), critical=False)
    leaf = leaf.sign(root_key, hashes.SHA256())
    return written(f"{folder}/root.pem", root_key, root), written(f"{folder}/leaf.pem", leaf_key, leaf)


class Origin(socketserver.BaseRequestHandler):
    """Answers every request after the greeting with an empty object, whatever host it is for."""

    def handle(self) -> None:
        with contextlib.suppress(Exception):
            connection = self.server.tls.wrap_socket(self.request, server_side=True)
            buffer = b""
            while b"\r\n\r\n" not in buffer:
                more = connection.recv(65536)
                if not more:
                    return
                buffer += more
            head, _, body = buffer.partition(b"\r\n\r\n")
            length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
            while len(body) < length:
                body += connection.recv(65536)
            answer = b"{}"
            connection.sendall(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s"
                % (len(answer), answer)
            )
            connection.unwrap()


class Parent(socketserver.BaseRequestHandler):
    """The proxy behind both Squids: connects whatever is asked for to the origin."""

    def handle(self) -> None:
        with contextlib.suppress(Exception):
            head = b""
            while b"\r\n\r\n" not in head:
                head += self.request.recv(65536)
            self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            with socket.create_connection(self.server.origin) as origin:
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


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128


def served(handler: type, **attributes: object) -> tuple[str, int]:
    server = Server(("127.0.0.1", 0), handler)
    for key, value in attributes.items():
        setattr(server, key, value)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def squid(program: str, certgen: str, folder: str, name: str, logformat: str, parent: tuple[str, int]) -> tuple[int, subprocess.Popen]:
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
            f"acl step1 at_step SslBump1\n{bump}\n"
            f"cache_peer {parent[0]} parent {parent[1]} 0 no-query default\nnever_direct allow all\n"
            "sslproxy_cert_error allow all\ntls_outgoing_options flags=DONT_VERIFY_PEER\n"
            "http_access allow all\ncache deny all\npinger_enable off\nshutdown_lifetime 0 seconds\n"
            f"logformat measured {logformat}\naccess_log stdio:{home}/access.log measured\n"
            f"cache_log {home}/cache.log\npid_filename {home}/squid.pid\ncoredump_dir {home}\n"
            "request_header_max_size 64 KB\nvisible_hostname quay.example\n"
        )
    process = subprocess.Popen([program, "-N", "-f", f"{home}/squid.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return port, process
        if process.poll() is not None:
            sys.exit(f"Squid ended: see {home}/cache.log")
        time.sleep(0.05)
    sys.exit("Squid does not listen")


def backend(core, address: str):
    """Connects from one address."""

    class From(core.SyncBackend):
        def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
            return super().connect_tcp(host, port, timeout, address, socket_options)

    return From()


class Clients:
    """Gives each client an address, and keeps what it is."""

    def __init__(self, ports: dict[str, int], authority: str) -> None:
        self.ports, self.labels, self.nth = ports, {"peek": {}, "bump": {}}, 0
        self.said: dict[str, str] = {}
        self.trust = ssl.create_default_context(cafile=authority)
        # The origin has one certificate for all names.
        self.trust.check_hostname = False

    def address(self, log: str, what: str, expected: list[str]) -> str:
        self.nth += 1
        address = f"127.1.{self.nth // 250}.{self.nth % 250 + 1}"
        self.labels[log][address] = {"what": what, "expected": expected}
        return address

    def http(self, log: str, what: str, expected: list[str]) -> tuple[httpx.Client, httpx2.Client]:
        """Returns a client of HTTP for each of the two libraries that SDKs want; both are one client of the corpus."""
        address = self.address(log, what, expected)

        def of(library, core):
            transport = library.HTTPTransport(verify=self.trust)
            # Neither library hands an address of one's own on where there is a proxy.
            transport._pool = core.HTTPProxy(
                f"http://127.0.0.1:{self.ports[log]}", ssl_context=self.trust, network_backend=backend(core, address)
            )
            return library.Client(transport=transport, timeout=20)

        return of(httpx, httpcore), of(httpx2, httpcore2)

    def call(self, log: str, what: str, expected: list[str], act) -> None:
        client, client2 = self.http(log, what, expected)
        with client, client2:
            try:
                act(client, client2)
            # A client that cannot make sense of the answer has called all the same; one that never called is told at the end.
            except Exception as error:
                self.said[what] = f"{type(error).__name__}: {error}"

    def greet(self, what: str, expected: list[str], asked: str, greeted: str | None) -> None:
        """Asks for one name and greets with another, or with none."""
        address = self.address("peek", what, expected)
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", self.ports["peek"]), 10, (address, 0)) as raw:
                raw.sendall(f"CONNECT {asked} HTTP/1.1\r\nHost: {asked}\r\n\r\n".encode())
                raw.recv(65536)
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                with context.wrap_socket(raw, server_hostname=greeted) as tls:
                    tls.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                    tls.recv(65536)


CHAT = [{"role": "user", "content": "How deep is the harbour?"}]


def sdk_calls(client: httpx.Client, client2: httpx2.Client, base: str | None) -> dict:
    """What the SDKs of vendors do when they are asked for an answer, at their own service or at another address."""
    at = {"base_url": base} if base else {}
    google = genai.types.HttpOptions(httpx_client=client, **({"base_url": base} if base else {}))
    mistral = {"server_url": base} if base else {}
    once = {"http_client": client, "max_retries": 0}
    once2 = {"http_client": client2, "max_retries": 0}
    return {
        "anthropic messages": lambda: anthropic.Anthropic(api_key="k", **once2, **at).messages.create(
            model="m", max_tokens=9, messages=CHAT
        ),
        "anthropic count tokens": lambda: anthropic.Anthropic(api_key="k", **once2, **at).messages.count_tokens(
            model="m", messages=CHAT
        ),
        "openai chat": lambda: openai.OpenAI(
            api_key="k", **once, **({"base_url": f"{base}/v1"} if base else {})
        ).chat.completions.create(model="m", messages=CHAT),
        "openai responses": lambda: openai.OpenAI(
            api_key="k", **once, **({"base_url": f"{base}/v1"} if base else {})
        ).responses.create(model="m", input="How deep is the harbour?"),
        "google generate": lambda: genai.Client(api_key="k", http_options=google).models.generate_content(
            model="gemini-3-pro", contents="How deep is the harbour?"
        ),
        "mistral chat": lambda: mistralai.client.Mistral(api_key="k", client=client, **mistral).chat.complete(
            model="m", messages=CHAT
        ),
        "cohere chat": lambda: cohere.ClientV2(api_key="k", httpx_client=client, **at).chat(model="m", messages=CHAT),
        "groq chat": lambda: groq.Groq(api_key="k", **once, **at).chat.completions.create(model="m", messages=CHAT),
    }


# Programs without an SDK of their own here, by the hosts that they call for answers of models.
OTHERS = [
    "api2.cursor.sh", "api.deepseek.com", "api.x.ai", "api.perplexity.ai", "chatgpt.com", "claude.ai",
    "api.individual.githubcopilot.com", "api.business.githubcopilot.com", "server.codeium.com", "openrouter.ai",
]
# One host, written as clients, people and proxies write it.
WRITTEN = ["API.Anthropic.COM:443", "api.anthropic.com.:443", "api.anthropic.com:8443", "Api.OpenAI.com.:443"]
# Hosts that only look like such: every one belongs to somebody else, or is a page of a vendor at which no model answers.
LOOKALIKES = [
    "api.anthropic.com.evil.example", "api-anthropic.com", "xn--pi-7kc.anthropic.com.example", "apianthropic.com",
    "anthropic.com.example", "api.anthropic.co", "api.openai.com.quay.example", "api-openai.com", "openai.com.example",
    "xn--penai-tqf.com", "notapi.openai.com.example", "api2.cursor.sh.example", "mycursor.sh", "api.mistral.ai.example",
    "generativelanguage.googleapis.com.example", "generativelanguage-googleapis.com", "claude.ai.example",
    "chatgpt.com.example", "chat-gpt.example", "api.deepseek.com.example", "fakeapi.x.ai.example", "ax.ai",
]
PAGES = [
    "www.anthropic.com", "docs.anthropic.com", "openai.com", "platform.openai.com", "help.openai.com", "cursor.com",
    "www.cursor.com", "mistral.ai", "docs.mistral.ai", "cohere.com", "docs.cohere.com", "x.ai", "www.deepseek.com",
]
OTHERWISE = [
    "github.com", "api.github.com", "raw.githubusercontent.com", "storage.googleapis.com", "www.googleapis.com",
    "oauth2.googleapis.com", "maps.googleapis.com", "s3.amazonaws.com", "sts.amazonaws.com",
    "login.microsoftonline.com", "graph.microsoft.com", "slack.com", "zoom.us", "update.code.visualstudio.com",
    "marketplace.visualstudio.com", "huggingface.co", "en.wikipedia.org", "stackoverflow.com", "www.debian.org",
    "kernel.org", "gitlab.com", "bitbucket.org", "codeberg.org", "sourceware.org", "savannah.gnu.org", "www.gnu.org",
    "lists.debian.org",
]
# Interfaces of other trades that share a path with those of models.
SHARED_PATHS = [
    ("POST", "/v1/messages", "okhttp/4.12"), ("GET", "/v1/messages", "messenger/3"), ("POST", "/v1/responses", "survey/2"),
    ("POST", "/api/v1/messages", "okhttp/4.12"), ("GET", "/v1/models", "catalogue/1"), ("POST", "/v1/embeddings2", "x/1"),
    ("POST", "/chat/completions.html", "Mozilla/5.0"), ("POST", "/models/boat:generate", "shipyard/1"),
    ("GET", "/v1/chat/completions", "Mozilla/5.0"), ("POST", "/v1/completions-report", "x/1"),
]


def play(clients: Clients) -> None:
    for name in list(sdk_calls(httpx.Client(), httpx2.Client(), None)):
        for log in ("peek", "bump"):
            clients.call(log, f"SDK: {name}", ["inference-host"], lambda *both: sdk_calls(*both, None)[name]())
        shape = [] if name == "cohere chat" else ["api-shape"]
        for nth in range(5):
            relay = f"https://relay{nth}.quay.example"
            at = lambda *both: sdk_calls(*both, relay)[name]()
            clients.call("bump", f"SDK at a relay: {name}", shape, at)
            clients.call("peek", f"SDK at a relay, not seen into: {name}", [], at)
    for host in OTHERS:
        for log in ("peek", "bump"):
            clients.call(log, f"client of {host}", ["inference-host"], lambda client, _: client.post(f"https://{host}/", json={}))
    for written in WRITTEN:
        clients.greet(f"written as {written}", ["inference-host"], written, written.rsplit(":", 1)[0].rstrip(".").lower())
    for host in ["api.anthropic.com", "api.openai.com", "api2.cursor.sh", "api.mistral.ai", "api.deepseek.com"]:
        for nth in range(1, 4):
            clients.greet(f"hidden: {host}", ["hidden-name"], f"front{nth}.quay.example:443", host)
            clients.greet(f"hidden behind an address: {host}", ["hidden-name"], f"203.0.113.{nth}:443", host)
    for address in ["160.79.104.10", "160.79.105.200", "[::ffff:160.79.104.10]"]:
        clients.greet(f"an address of a provider: {address}", ["provider-address"], f"{address}:443", None)
    for address in ["160.79.103.255", "160.79.106.0", "203.0.113.9", "[2001:db8::1]", "198.51.100.7"]:
        clients.greet(f"an address of nobody: {address}", [], f"{address}:443", None)
    for host in LOOKALIKES + PAGES + OTHERWISE:
        for log in ("peek", "bump"):
            clients.call(log, f"nothing of the kind: {host}", [], lambda client, _: client.get(f"https://{host}/"))
        clients.greet(f"nothing of the kind: {host}", [], f"{host}:443", host)
    for nth, (method, path, agent) in enumerate(SHARED_PATHS * 6):
        host = f"app{nth}.quay.example"
        clients.call(
            "bump", f"another trade: {method} {path}", [],
            lambda client, _: client.request(method, f"https://{host}{path}", headers={"user-agent": agent}, json={}),
        )
    for nth in range(150):
        for log in ("peek", "bump"):
            clients.call(log, "a host of the house", [], lambda client, _: client.get(f"https://www{nth}.quay.example/a/{nth}"))


def main(program: str, certgen: str, output: str) -> None:
    logging.disable(logging.CRITICAL)
    output = os.path.abspath(output)
    os.chmod(output, 0o755)
    root, leaf = certificates(output)
    os.chmod(root, 0o644)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(leaf)
    parent = served(Parent, origin=served(Origin, tls=tls))
    started = {name: squid(program, certgen, output, name, form, parent) for name, form in (("peek", PEEK), ("bump", BUMP))}
    try:
        clients = Clients({name: port for name, (port, _) in started.items()}, root)
        play(clients)
        time.sleep(1)
    finally:
        for _, process in started.values():
            process.terminate()
            process.wait()
    for name, form in (("peek", PEEK), ("bump", BUMP)):
        os.replace(f"{output}/{name}/access.log", f"{output}/{name}.log")
        with open(f"{output}/{name}.logformat", "w") as file:
            file.write(form)
        with open(f"{output}/{name}.log") as file:
            seen = {line.split()[2] for line in file}
        silent = {label["what"] for address, label in clients.labels[name].items() if address not in seen}
        if silent:
            told = "\n".join(f"  {what}: {clients.said.get(what, 'no error')}" for what in sorted(silent))
            sys.exit(f"these clients left no line in {name}.log:\n{told}")
    with open(f"{output}/labels.json", "w") as file:
        json.dump(clients.labels, file, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
