"""What the clients do, and what an all-knowing reader of each log would tell of it.

Labels are written from what a client was told to do, never from the catalog. Sessions of people last some seconds here
instead of minutes: as many bytes, in less time.
"""

import httpx
import httpx2

from callers import Callers, Client, sdk_calls, streamed

GATEWAY = "llm.house.example"
RESOLVER = "dns.house.example"
EVERYWHERE = ("peek", "bump", "direct")


# What the house allows itself: by name, and by address where a log knows no name.
POLICY = """version = 1
name = "corpus"
ban.rivals = true
egress.own-hosts = ["{gateway}"]
[[egress.permit]]
evasions = ["dns-over-tls"]
hosts = ["{resolver}"]
servers = ["{address}/32"]
reason = "the house's own resolver; its log is read"
"""


def everywhere(*detectors: str) -> dict[str, list[str]]:
    return {log: list(detectors) for log in ("peek", "bump", "unbound", "eve")}


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
    "www.anthropic.com", "docs.anthropic.com", "openai.com", "platform.openai.com", "help.openai.com", "cursor.com", "www.cursor.com",
    "mistral.ai", "docs.mistral.ai", "cohere.com", "docs.cohere.com", "x.ai", "www.deepseek.com",
]
OTHERWISE = [
    "github.com", "api.github.com", "raw.githubusercontent.com", "storage.googleapis.com", "www.googleapis.com",
    "oauth2.googleapis.com", "maps.googleapis.com", "s3.amazonaws.com", "sts.amazonaws.com",
    "login.microsoftonline.com", "graph.microsoft.com", "slack.com", "zoom.us", "update.code.visualstudio.com",
    "marketplace.visualstudio.com", "huggingface.co", "en.wikipedia.org", "stackoverflow.com", "www.debian.org",
    "kernel.org", "gitlab.com", "bitbucket.org", "codeberg.org", "sourceware.org", "savannah.gnu.org", "www.gnu.org",
    "lists.debian.org", "mirror.example", "packages.example", "files.packages.example", "modules.example",
    "crates.example", "index.crates.example", "proxy.modules.example", "jars.example", "gems.example",
    "images.example", "ghcr.io", "quay.io", "dl.google.com", "fcm.googleapis.com", "wss-primary.slack.com",
    "teams.microsoft.com", "meet.google.com", "www.youtube.com", "stats.grafana.org",
]
# Interfaces of other trades that share a path with those of models.
SHARED_PATHS = [
    ("POST", "/v1/messages", "okhttp/4.12"), ("GET", "/v1/messages", "messenger/3"), ("POST", "/v1/responses", "survey/2"),
    ("POST", "/api/v1/messages", "okhttp/4.12"), ("GET", "/v1/models", "catalogue/1"), ("POST", "/v1/embeddings2", "x/1"),
    ("POST", "/chat/completions.html", "Mozilla/5.0"), ("POST", "/models/boat:generate", "shipyard/1"),
    ("GET", "/v1/chat/completions", "Mozilla/5.0"), ("POST", "/v1/completions-report", "x/1"),
]


def exact(callers: Callers) -> None:
    """Calls to providers, by name, by address and under other names; and everything that is none."""
    for name in sdk_calls(httpx.Client(), httpx2.Client(), None):
        for way in EVERYWHERE:
            client = callers.client(way, "SDK at its service", f"SDK: {name}", everywhere("inference-host"))
            client.calls(lambda *both, name=name: sdk_calls(*both, None)[name]())
        shape = {} if name == "cohere chat" else {"bump": ["api-shape"]}
        for nth in range(5):
            relay = f"https://relay{nth}.quay.example"
            for way in EVERYWHERE:
                client = callers.client(way, "SDK at a relay, one short call", f"SDK at a relay: {name}", shape)
                client.calls(lambda *both, name=name, relay=relay: sdk_calls(*both, relay)[name]())
    for host in OTHERS:
        for way in EVERYWHERE:
            client = callers.client(way, "program at a provider", f"client of {host}", everywhere("inference-host"))
            client.asks("POST", f"https://{host}/")
    for written in WRITTEN:
        client = callers.client("peek", "program at a provider", f"written as {written}", everywhere("inference-host"))
        client.connects(written, written.rsplit(":", 1)[0].rstrip(".").lower())
    for host in ["api.anthropic.com", "api.openai.com", "api2.cursor.sh", "api.mistral.ai", "api.deepseek.com"]:
        for nth in range(1, 4):
            for asked in (f"front{nth}.quay.example:443", f"203.0.113.{nth}:443"):
                client = callers.client("peek", "another name asked for", f"hidden: {host}", {"peek": ["hidden-name"]})
                client.connects(asked, host)
        # A sensor sees no name but the one in the greeting.
        client = callers.client("direct", "another name asked for", f"hidden: {host}", {"eve": ["inference-host"]})
        client.connects("front1.quay.example:443", host)
    for address in ["160.79.104.10", "160.79.105.200", "[::ffff:160.79.104.10]"]:
        what = f"an address of a provider: {address}"
        callers.client("peek", "address of a provider", what, {"peek": ["provider-address"]}).connects(f"{address}:443", None)
        if address[0] != "[":
            client = callers.client("direct", "address of a provider", what, {"eve": ["provider-address"]})
            client.connects(f"{address}:443", None)
    for address in ["160.79.103.255", "160.79.106.0", "203.0.113.9", "[2001:db8::1]", "198.51.100.7"]:
        callers.client("peek", "address of nobody", f"an address of nobody: {address}", {}).connects(f"{address}:443", None)
    for kind, hosts in (("look-alike", LOOKALIKES), ("page of a provider", PAGES), ("other service", OTHERWISE)):
        for host in hosts:
            for way in EVERYWHERE:
                callers.client(way, kind, f"{kind}: {host}", {}).asks("GET", f"https://{host}/")
            callers.client("peek", kind, f"{kind}: {host}", {}).connects(f"{host}:443", host)
    for nth, (method, path, agent) in enumerate(SHARED_PATHS * 6):
        client = callers.client("bump", "another trade on the same path", f"another trade: {method} {path}", {})
        client.asks(method, f"https://app{nth}.quay.example{path}", user_agent=agent)
    for nth in range(120):
        for way in EVERYWHERE:
            client = callers.client(way, "host of the house", "a host of the house", {})
            client.asks("GET", f"https://www{nth}.quay.example/a/{nth}")


def answered(callers: Callers) -> str:
    """How an answer comes: after a while, some hundred bytes at a time, for a few seconds or for ten."""
    dice = callers.dice
    return f"wait={dice.uniform(0.3, 1.5):.2f};events={dice.randint(20, 70)};every=0.12;size={dice.randint(130, 420)}"


def turns(callers: Callers, client: Client, sdk: str, base: str, n_turns: int) -> None:
    """Turns of an agent: each carries what it read so far, and is answered piece by piece."""
    for _ in range(n_turns):
        client.calls(streamed(sdk, base, callers.dice.randint(20_000, 150_000), answered(callers)))


def session(callers: Callers, client: Client, sdk: str, base: str, n_turns: int) -> None:
    """The same turns, all over one connection."""
    contexts = [callers.dice.randint(20_000, 60_000) for _ in range(n_turns)]
    measures = [answered(callers) for _ in range(n_turns)]

    def act(*both) -> None:
        for context, measure in zip(contexts, measures):
            streamed(sdk, base, context, measure)(*both)

    client.calls(act)


def signs(client: Client, which: str) -> None:
    """What tools do by themselves, whatever host they are pointed at."""
    if which == "claude code asks whether a page may be fetched":
        client.asks("GET", "https://api.anthropic.com/api/web/domain_info?domain=docs.python.org", user_agent="axios/1.8.4")
    elif which == "claude code looks for updates":
        client.asks("GET", "https://downloads.claude.ai/claude-code-releases/latest", user_agent="claude-cli/2.1.278 (external, cli)")
    elif which == "claude code renews its token":
        client.asks("POST", "https://platform.claude.com/v1/oauth/token", user_agent="axios/1.8.4")
    elif which == "codex sends measurements":
        client.asks("POST", "https://ab.chatgpt.com/otlp/v1/metrics", 900, user_agent="OTel-OTLP-Exporter-Rust/0.31.0")
    else:
        client.asks("POST", "https://auth.openai.com/oauth/token", user_agent="codex_cli_rs/0.139.0")


SIGNS = [
    ("anthropic", "claude code asks whether a page may be fetched"), ("anthropic", "claude code looks for updates"),
    ("anthropic", "claude code renews its token"), ("openai responses", "codex sends measurements"),
    ("openai responses", "codex renews its token"),
]


def relays(callers: Callers) -> None:
    """Tools that are pointed at a relay, with the calls that betray them and without; and the house's own gateway."""
    nth = 0
    for sdk, which in SIGNS:
        # The check of a page is a call to the host of the models.
        called = ["inference-host"] if which.startswith("claude code asks") else []
        expected = {
            "peek": ["relayed-tool", *called],
            "bump": ["relayed-tool", "api-shape", *called],
            "unbound": called or ["silent-tool"],
            "eve": ["relayed-tool", *called],
        }
        for way in EVERYWHERE:
            for _ in range(6):
                nth += 1
                # One relay serves some people, another one alone.
                relay = f"https://turn{nth % 40}.relay.example"
                client = callers.client(way, "tool at a relay", f"relayed, {which}", expected, ["silent-tool", "rare-stream"])
                signs(client, which)
                if nth % 3 == 0:
                    session(callers, client, sdk, relay, 8)
                else:
                    turns(callers, client, sdk, relay, 12)
    for sdk in ("anthropic", "openai chat", "openai responses"):
        for way in EVERYWHERE:
            for _ in range(6):
                nth += 1
                expected = {"peek": ["rare-stream"], "bump": ["api-shape"], "eve": ["rare-stream"]}
                client = callers.client(way, "agent at a relay, no sign of a tool", f"agent at a relay: {sdk}", expected)
                turns(callers, client, sdk, f"https://turn{nth}.other.example", 12)
            for _ in range(8):
                client = callers.client(way, "agent at the house's gateway", f"agent at the gateway: {sdk}", {})
                turns(callers, client, sdk, f"https://{GATEWAY}", 6)


# Streams of other trades: name, whether they are requests of HTTP, and what a client does with a host.
def other_streams(callers: Callers) -> list[tuple[str, bool, object]]:
    dice = callers.dice
    seconds = lambda: dice.uniform(4, 7)

    def got(path: str, events: int, size: int, method: str = "GET", body: int = 0, wait: float = 0.0):
        def act(client: Client, host: str) -> None:
            measure = f"wait={wait};events={events};every={seconds() / events:.3f};size={size}"
            client.asks(method, f"https://{host}{path}", body, x_measure=measure)

        return act

    def talked(sends: int, size: int, events: int, answer: int):
        def act(client: Client, host: str) -> None:
            whole = seconds()
            measure = f"events={events};every={whole / events:.3f};size={answer}"
            client.converses(host, measure, sends, size, whole / sends)

        return act

    return [
        ("dashboard by server-sent events", True, got("/live", 30, 700)),
        ("log of a build, followed", True, got("/jobs/7/trace", 60, 240)),
        ("long poll", True, got("/poll", 1, 300, wait=4.5)),
        ("upload with a slow answer", True, got("/artifacts", 2, 150, "PUT", 400_000)),
        ("push by git over HTTPS", True, got("/x.git/git-receive-pack", 12, 60, "POST", 90_000)),
        ("slow download", True, got("/iso/part", 40, 16_000)),
        ("build that sends its context and reports progress", True, got("/build", 40, 260, "POST", 600_000)),
        ("chat by websocket", False, talked(12, 60, 12, 90)),
        ("remote shell, notebook or shared editor", False, talked(60, 420, 60, 700)),
        ("call with picture and sound", False, talked(40, 20_000, 40, 40_000)),
    ]


def streams(callers: Callers) -> None:
    """Streams that no model wrote, alone and beside a tool that is installed and not used."""
    for number, (name, is_http, act) in enumerate(other_streams(callers)):
        for way in EVERYWHERE if is_http else ("peek", "direct"):
            for nth in range(14):
                client = callers.client(way, name, name, {})
                # Few people or one alone use each. Calls with picture are many bytes, and never come in tens.
                for _ in range(3 if "picture" in name else 11):
                    act(client, f"s{number}-{nth // 2}.trade.example")
            for nth in range(6):
                _, which = SIGNS[1 + nth % 4]
                expected = everywhere("silent-tool")
                client = callers.client(way, f"tool not used, beside: {name}", f"{which}, beside: {name}", expected)
                signs(client, which)
                for _ in range(3 if "picture" in name else 8):
                    act(client, f"t{number}-{nth}.trade.example")
    for way in EVERYWHERE:
        for nth in range(20):
            _, which = SIGNS[1 + nth % 4]
            signs(callers.client(way, "tool not used", f"{which}, and nothing else", everywhere("silent-tool")), which)


# Resolvers that answer over HTTPS, by what their operators publish.
RESOLVERS = [
    "dns.google", "cloudflare-dns.com", "mozilla.cloudflare-dns.com", "chrome.cloudflare-dns.com", "dns.quad9.net",
    "doh.opendns.com", "dns.adguard-dns.com", "dns.nextdns.io", "firefox.dns.nextdns.io", "doh.cleanbrowsing.org",
    "dns.mullvad.net", "freedns.controld.com", "doh.ffmuc.net", "dns.digitale-gesellschaft.ch", "doh.libredns.gr",
    "dns.njal.la",
]
TUNNELS = [
    "connect.ngrok-agent.com:443", "api.trycloudflare.com:443", "region1.v2.argotunnel.com:7844",
    "global.rel.tunnels.api.visualstudio.com:443", "controlplane.tailscale.com:443", "derp1.tailscale.com:443",
    "bore.pub:7835", "a.pinggy.io:443", "serveo.net:22", "localhost.run:22", "localtunnel.me:443",
]
UNNAMED = ["vpn1.far.example:1194", "vpn2.far.example:51820", "vpn3.far.example:22", "vpn4.far.example:443"]
# Machines ask these by themselves whether they are on the internet, over plain HTTP.
PORTALS = [
    "connectivitycheck.gstatic.com", "captive.apple.com", "detectportal.firefox.com", "www.msftconnecttest.com",
    "nmcheck.gnome.org", "network-test.debian.org",
]
# Sites about resolvers and tunnels: pages, and nothing behind them.
SITES = [
    "www.quad9.net", "nextdns.io", "controld.com", "mullvad.net", "adguard-dns.io", "www.cloudflare.com",
    "dash.cloudflare.com", "developers.cloudflare.com", "ngrok.com", "dashboard.ngrok.com", "tailscale.com",
    "code.visualstudio.com", "developers.google.com", "opendns.com", "www.wireguard.com", "openvpn.net",
]
GUESTS = ["7f3a.ngrok-free.app", "blue-boat-3.trycloudflare.com", "demo.loca.lt", "x7k2-8080.euw.devtunnels.ms"]


def out_of_sight(callers: Callers) -> None:
    """Ways out of sight; and what machines and people do all day that looks a little like it."""
    told = everywhere("control-evasion")
    for host in RESOLVERS:
        for way in EVERYWHERE:
            client = callers.client(way, "resolver over HTTPS", f"resolver over HTTPS: {host}", told)
            client.asks("POST", f"https://{host}/dns-query", 40, content_type="application/dns-message")
        client = callers.client("peek", "resolver over TLS", f"resolver over TLS: {host}", told)
        client.connects(f"{host}:853", host)
    for nth in range(6):
        client = callers.client("direct", "resolver over TLS", "resolver over TLS, by address", {"eve": ["control-evasion"]})
        client.looks_up("www.quay.example").connects(f"203.0.113.{nth + 1}:853", None)
        for asked in (f"front{nth}.quay.example:443", f"203.0.113.{nth + 1}:443"):
            for way in ("peek", "direct"):
                expected = {"peek": ["control-evasion"], "eve": ["control-evasion"]}
                client = callers.client(way, "hidden greeting", "hidden greeting", expected)
                client.looks_up("www.quay.example").connects(asked, "cloudflare-ech.com")
    for kind, places in (("public tunnel", TUNNELS), ("tunnel to a host that nobody lists", UNNAMED)):
        for place in places:
            for way in ("peek", "direct"):
                callers.client(way, kind, f"{kind}: {place}", told).connects(place, place.rsplit(":", 1)[0])
    innocent = [("page about tunnels and resolvers", SITES), ("page that somebody shows through a tunnel", GUESTS)]
    for kind, hosts in innocent:
        for host in hosts:
            for way in EVERYWHERE:
                callers.client(way, kind, f"{kind}: {host}", {}).asks("GET", f"https://{host}/")
    for way in EVERYWHERE:
        for host in PORTALS:
            for nth in range(3):
                client = callers.client(way, "check of the network", f"check of the network: {host}", {})
                if way == "bump":
                    client.asks("GET", f"http://{host}/generate_204")
                else:
                    client.asks("GET", f"https://{host}/generate_204")
        for nth in range(8):
            client = callers.client(way, "resolver of the house", "resolver of the house", {})
            client.asks("POST", f"https://{RESOLVER}/dns-query", 40, content_type="application/dns-message")
            if way != "bump":
                client = callers.client(way, "resolver of the house", "resolver of the house over TLS", {})
                client.connects(f"{RESOLVER}:853", RESOLVER)
    for nth in range(30):
        client = callers.client("direct", "browser asks for the canary", "browser asks for the canary", {})
        client.looks_up("use-application-dns.net").asks("GET", f"https://www{nth}.quay.example/")


SCENES = [exact, relays, streams, out_of_sight]
