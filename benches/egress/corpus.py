#!/usr/bin/env python3
"""Makes a labelled corpus of calls by real clients through real programs, which `rates.py` holds a scan against.

Usage: corpus.py OUTPUT, as root, with `requirements.txt` installed, and Debian's `squid-openssl`, `unbound` and
`suricata`; others' places by the variables SQUID, CERTGEN, UNBOUND and SURICATA.

Every client has an address of its own on loopback, so that its lines can be told from others' without looking at what
they say. The SDKs of vendors call as they come; a program without SDK is a plain client of HTTP, or of TLS. Two Squids
log them: one sees where a client wants to be connected and the greeting inside, one sees requests. Others go without a
proxy: their resolver logs what they ask, and Suricata what it sees of their traffic. Behind all, a server of `stage.py`
answers for every host. All of it runs in a network of its own that has no way out.

What is written: `peek.log`, `bump.log`, `unbound.log` and `eve.log`, `*.logformat` for Squid's, the house's `policy.toml`,
and `labels.json`: for
each log and address what the client is, and which detectors an all-knowing reader of that log would raise for it.
`scenes.py` says what they do.
"""

import json
import logging
import os
import resource
import socket
import subprocess
import sys
import time

import scenes
import stage
from callers import Callers

PROGRAMS = {
    "SQUID": "/usr/sbin/squid", "CERTGEN": "/usr/lib/squid/security_file_certgen",
    "UNBOUND": "/usr/sbin/unbound", "SURICATA": "/usr/bin/suricata",
}
# Addresses of a provider, as the machine's own: calls to them end here.
ADDRESSES = ["160.79.104.10", "160.79.105.200", "203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4", "203.0.113.5", "203.0.113.6"]
ALONE = "EGRESS_CORPUS_ALONE"


def alone() -> None:
    """Goes on in a network of its own, whose one device is loopback."""
    if ALONE not in os.environ:
        os.environ[ALONE] = "1"
        os.execvp("unshare", ["unshare", "--net", sys.executable, *sys.argv])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for address in ADDRESSES:
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65536), most))


def seen_in(path: str, log: str) -> set[str]:
    """Returns the addresses that a log has lines of."""
    seen = set()
    with open(path) as file:
        for line in file:
            if log == "eve":
                seen.add(json.loads(line).get("src_ip"))
            else:
                words = line.split()
                at = words.index("info:") + 1 if log == "unbound" and "info:" in words else 2
                seen.add(words[at] if at < len(words) else None)
    return seen


def main(output: str) -> None:
    alone()
    logging.disable(logging.CRITICAL)
    output = os.path.abspath(output)
    os.makedirs(output, exist_ok=True)
    os.chmod(output, 0o755)
    programs = {name: os.environ.get(name, place) for name, place in PROGRAMS.items()}
    root, leaf = stage.certificates(output)
    os.chmod(root, 0o644)
    parent, names = stage.open_origin(leaf)
    running = []
    try:
        running.append(stage.unbound(programs["UNBOUND"], output, names))
        ports = {}
        for name, form in (("peek", stage.PEEK), ("bump", stage.BUMP)):
            ports[name], process = stage.squid(programs["SQUID"], programs["CERTGEN"], output, name, form, parent)
            running.append(process)
            with open(f"{output}/{name}.logformat", "w") as file:
                file.write(form)
        running.append(stage.suricata(programs["SURICATA"], output))
        callers = Callers(ports, root)
        for scene in scenes.SCENES:
            scene(callers)
        callers.run()
        time.sleep(2)
    finally:
        for process in running:
            process.terminate()
            process.wait()
    for log, place in (("peek", "peek/access.log"), ("bump", "bump/access.log"), ("eve", "suricata/eve.json")):
        os.replace(f"{output}/{place}", f"{output}/{log}.log")
    silent = []
    for log, labels in callers.labels.items():
        seen = seen_in(f"{output}/{log}.log", log)
        # Whoever calls an address asks no resolver.
        silent += [(log, label["what"]) for address, label in labels.items() if address not in seen and log != "unbound"]
    if silent:
        told = "\n".join(f"  {log}: {what}: {callers.said.get(what, 'no error')}" for log, what in sorted(set(silent)))
        sys.exit(f"{len(silent)} clients left no line:\n{told}")
    address = socket.inet_ntoa(stage.place(stage.wire(scenes.RESOLVER)))
    with open(f"{output}/policy.toml", "w") as file:
        file.write(scenes.POLICY.format(gateway=scenes.GATEWAY, resolver=scenes.RESOLVER, address=address))
    with open(f"{output}/labels.json", "w") as file:
        json.dump(callers.labels, file, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
