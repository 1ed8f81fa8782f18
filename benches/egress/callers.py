"""The clients: each has an address of its own, a way to the network, and labels that say what it was told to do."""

import contextlib
import random
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import anthropic
import cohere
import groq
import httpcore
import httpcore2
import httpx
import httpx2
import mistralai.client
import openai
from google import genai

import stage

# By which way to the network a client leaves lines in which logs.
LOGS = {"peek": ["peek"], "bump": ["bump"], "direct": ["unbound", "eve"]}
CHAT = [{"role": "user", "content": "How deep is the harbour?"}]


def backend(core, address: str, is_direct: bool):
    """Connects from one address; without a proxy, to the address that the resolver gives."""

    class From(core.SyncBackend):
        def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
            host = at(host, address) if is_direct else host
            return super().connect_tcp(host, port, timeout, address, socket_options)

    return From()


def at(host: str, address: str) -> str:
    """Where a host is, for a client at an address."""
    with contextlib.suppress(OSError):
        socket.inet_aton(host)
        return host
    return stage.resolve(host, address)


class Callers:
    """Gives each client an address and a way, keeps what it is, and lets all of them call."""

    def __init__(self, ports: dict[str, int], authority: str) -> None:
        self.ports, self.nth, self.jobs = ports, 0, []
        self.labels: dict[str, dict[str, dict]] = {log: {} for logs in LOGS.values() for log in logs}
        self.said: dict[str, str] = {}
        self.dice = random.Random(4711)
        self.trust = ssl.create_default_context(cafile=authority)
        # The origin has one certificate for all names.
        self.trust.check_hostname = False
        self.trust.set_alpn_protocols(["http/1.1"])

    def client(self, way: str, kind: str, what: str, expected: dict[str, list[str]], may: list[str] = ()) -> "Client":
        """Makes a client. `expected` says by log what an all-knowing reader would tell, `may` what is no matter."""
        self.nth += 1
        address = f"{stage.DIRECT if way == 'direct' else '127.1'}.{self.nth // 250}.{self.nth % 250 + 1}"
        for log in LOGS[way]:
            label = {"kind": kind, "what": what, "expected": expected.get(log, []), "may": list(may)}
            self.labels[log][address] = label
        return Client(self, way, what, address)

    def run(self) -> None:
        """Lets them call, as many at once as the machine bears; in an order of their own, which is the same each time."""
        self.dice.shuffle(self.jobs)
        with ThreadPoolExecutor(240) as pool:
            for done in [pool.submit(job) for job in self.jobs]:
                done.result()


class Client:
    """One client."""

    def __init__(self, callers: Callers, way: str, what: str, address: str) -> None:
        self.callers, self.way, self.what, self.address = callers, way, what, address

    def later(self, act: Callable[[], object]) -> None:
        def job() -> None:
            try:
                act()
            # One that cannot make sense of an answer has called all the same; one that never called is told at the end.
            except Exception as error:
                self.callers.said[self.what] = f"{type(error).__name__}: {error}"

        self.callers.jobs.append(job)

    def http(self) -> tuple[httpx.Client, httpx2.Client]:
        """Returns a client of HTTP for each of the two libraries that SDKs want; both are this client."""
        callers, way = self.callers, self.way

        def of(library, core):
            transport = library.HTTPTransport(verify=callers.trust)
            # Neither library hands an address of one's own on where there is a proxy.
            common = {"ssl_context": callers.trust, "network_backend": backend(core, self.address, way == "direct")}
            if way == "direct":
                transport._pool = core.ConnectionPool(**common)
            else:
                transport._pool = core.HTTPProxy(f"http://127.0.0.1:{callers.ports[way]}", **common)
            return library.Client(transport=transport, timeout=60)

        return of(httpx, httpcore), of(httpx2, httpcore2)

    def calls(self, act: Callable[[httpx.Client, httpx2.Client], object]) -> "Client":
        """Calls by HTTP."""

        def job() -> None:
            client, client2 = self.http()
            with client, client2:
                act(client, client2)

        self.later(job)
        return self

    def asks(self, method: str, url: str, body: int = 2, **headers: str) -> "Client":
        """Makes one request with so many bytes, and reads the answer to its end."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        
        def act(client: httpx.Client, _) -> None:
            content = None if method == "GET" else b"x" * body
            client.request(method, url, headers=named, content=content).read()

        return self.calls(act)

    def connects(self, asked: str, greeted: str | None, said: Callable[[ssl.SSLSocket], None] | None = None) -> "Client":
        """Asks for one name or address and greets with another, or with none; and says something then."""

        def job() -> None:
            host, _, port = asked.rpartition(":")
            with self.opened(host, int(port)) as raw:
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                with context.wrap_socket(raw, server_hostname=greeted) as tls:
                    if said:
                        said(tls)
                    else:
                        tls.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                        tls.recv(65536)

        self.later(job)
        return self

    def opened(self, host: str, port: int) -> socket.socket:
        if self.way == "direct":
            return socket.create_connection((at(host, self.address), port), 60, (self.address, 0))
        raw = socket.create_connection(("127.0.0.1", self.callers.ports[self.way]), 60, (self.address, 0))
        raw.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        raw.recv(65536)
        return raw

    def converses(self, host: str, measure: str, sends: int, size: int, every: float) -> "Client":
        """Opens a socket of the web that both sides write to: so many times so many bytes, every so many seconds."""

        def said(tls: ssl.SSLSocket) -> None:
            tls.sendall(
                f"GET /socket HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: upgrade\r\nx-measure: {measure}\r\n\r\n".encode()
            )
            for _ in range(sends):
                tls.sendall(b"x" * size)
                stage.hear(tls, every)

        return self.connects(f"{host}:443", host, said)

    def looks_up(self, name: str) -> "Client":
        self.later(lambda: stage.resolve(name, self.address))
        return self


def sdk_calls(client: httpx.Client, client2: httpx2.Client, base: str | None) -> dict[str, Callable[[], object]]:
    """What the SDKs of vendors do when they are asked for an answer, at their own service or at another address."""
    to = {"base_url": base} if base else {}
    google = genai.types.HttpOptions(httpx_client=client, **to)
    mistral = {"server_url": base} if base else {}
    once = {"http_client": client, "max_retries": 0, "api_key": "k"}
    once2 = {"http_client": client2, "max_retries": 0, "api_key": "k"}
    v1 = {"base_url": f"{base}/v1"} if base else {}
    return {
        "anthropic messages": lambda: anthropic.Anthropic(**once2, **to).messages.create(
            model="m", max_tokens=9, messages=CHAT
        ),
        "anthropic count tokens": lambda: anthropic.Anthropic(**once2, **to).messages.count_tokens(
            model="m", messages=CHAT
        ),
        "openai chat": lambda: openai.OpenAI(**once, **v1).chat.completions.create(model="m", messages=CHAT),
        "openai responses": lambda: openai.OpenAI(**once, **v1).responses.create(model="m", input="How deep?"),
        "google generate": lambda: genai.Client(api_key="k", http_options=google).models.generate_content(
            model="gemini-3-pro", contents="How deep is the harbour?"
        ),
        "mistral chat": lambda: mistralai.client.Mistral(api_key="k", client=client, **mistral).chat.complete(
            model="m", messages=CHAT
        ),
        "cohere chat": lambda: cohere.ClientV2(api_key="k", httpx_client=client, **to).chat(model="m", messages=CHAT),
        "groq chat": lambda: groq.Groq(**once, **to).chat.completions.create(model="m", messages=CHAT),
    }


def streamed(sdk: str, base: str, context: int, measure: str) -> Callable[[httpx.Client, httpx2.Client], None]:
    """One turn of a tool that works by an SDK: so many bytes of context up, and an answer that comes piece by piece."""
    asked = {"extra_headers": {"x-measure": measure}, "stream": True}

    def act(client: httpx.Client, client2: httpx2.Client) -> None:
        text = "x" * context
        chat = [{"role": "user", "content": text}]
        once = {"max_retries": 0, "api_key": "k"}
        if sdk == "anthropic":
            model = anthropic.Anthropic(http_client=client2, base_url=base, **once)
            answer = model.messages.create(model="m", max_tokens=9, messages=chat, **asked)
        elif sdk == "openai chat":
            model = openai.OpenAI(http_client=client, base_url=f"{base}/v1", **once)
            answer = model.chat.completions.create(model="m", messages=chat, **asked)
        else:
            model = openai.OpenAI(http_client=client, base_url=f"{base}/v1", **once)
            answer = model.responses.create(model="m", input=text, **asked)
        for _ in answer:
            pass

    return act
