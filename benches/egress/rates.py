#!/usr/bin/env python3
"""Holds what `lazaret egress scan` tells of a labelled corpus against its labels, and prints how often it is right.

Usage: rates.py LAZARET CORPUS, with what `corpus.py` wrote. Each log is scanned as a whole, under a policy that bans
everything of rivals and knows the house's own gateway and resolver; a client counts once for each log and detector.
Bounds are those of Wilson at 95 %. Where a detector is blind in a log, the log says nothing of it.
"""

import collections
import hashlib
import hmac
import json
import math
import subprocess
import sys
import tempfile

DETECTORS = [
    "inference-host", "provider-address", "hidden-name", "api-shape",
    "relayed-tool", "control-evasion", "silent-tool", "rare-stream",
]
# Those that are not exact: by which kinds of client they are wrong, or miss.
BY_KIND = ["relayed-tool", "control-evasion", "silent-tool", "rare-stream"]
SECRET = b"0123456789abcdef0123456789abcdef"


def pseudonym(address: str, period: str) -> str:
    """Returns under which name a report tells of an address."""
    key = hmac.digest(SECRET, b"lazaret pseudonyms of period " + period.encode(), hashlib.sha256)
    code = hmac.digest(key, b"address\0" + address.encode(), hashlib.sha256)
    return f"p{period}-{code[:10].hex()}"


def scanned(lazaret: str, corpus: str, folder: str, log: str) -> dict:
    options = ["--quiet", "--format", "json", "--fail-on", "never", "--score", "--policy", f"{corpus}/policy.toml"]
    options += ["--pseudonym-key", f"{folder}/secret"]
    if log in ("peek", "bump"):
        with open(f"{corpus}/{log}.logformat") as file:
            options += ["--squid-logformat", file.read()]
    command = [lazaret, "egress", "scan", *options, f"{corpus}/{log}.log"]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def told_of(report: dict, addresses: list[str]) -> dict[str, set[str]]:
    """Returns what was told of each address."""
    named = collections.defaultdict(set)
    for finding in report["findings"]:
        named[finding.get("caller")].add(finding["detector"])
    periods = {name[1:].split("-")[0] for name in named if name}
    return {a: set().union(*(named[pseudonym(a, period)] for period in periods)) for a in addresses}


def bounds(part: int, whole: int) -> str:
    """Writes a share with the bounds of Wilson at 95 %."""
    if not whole:
        return "-"
    z, p = 1.959964, part / whole
    middle, half = p + z * z / (2 * whole), z * math.sqrt(p * (1 - p) / whole + z * z / (4 * whole * whole))
    low, high = (max(0.0, (middle - half) / (1 + z * z / whole)), min(1.0, (middle + half) / (1 + z * z / whole)))
    return f"{p:.3f} ({low:.3f} to {high:.3f})"


def main(lazaret: str, corpus: str) -> None:
    with open(f"{corpus}/labels.json") as file:
        labels = json.load(file)
    right, missed, wrong, others = (collections.Counter() for _ in range(4))
    kinds = collections.defaultdict(collections.Counter)
    sizes = []
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/secret", "wb") as file:
            file.write(SECRET)
        for log, clients in labels.items():
            report = scanned(lazaret, corpus, folder, log)
            blind = {row["detector"] for row in report["blind"]}
            told = told_of(report, list(clients))
            sizes.append(f"{log}: {len(clients)} clients, {report['calls']['read']} calls, blind for {', '.join(sorted(blind)) or 'nothing'}")
            for address, label in clients.items():
                for detector in DETECTORS:
                    is_told, is_expected = detector in told[address], detector in label["expected"]
                    if detector in label["may"] or detector in blind:
                        continue
                    if is_expected:
                        (right if is_told else missed)[detector] += 1
                    else:
                        others[detector] += 1
                        wrong[detector] += is_told
                    if detector in BY_KIND:
                        kinds[log, label["kind"]][detector, is_expected, is_told] += 1
                    if is_told != is_expected:
                        print(f"{'told' if is_told else 'missed'} by {detector} in {log}: {label['what']}", file=sys.stderr)
    print("\n".join(sizes))
    print("\n| detector | to be told | told | recall (95 %) | others | told of them | share (95 %) | precision (95 %) |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for detector in DETECTORS:
        r, m, w, n = right[detector], missed[detector], wrong[detector], others[detector]
        print(f"| {detector} | {r + m} | {r} | {bounds(r, r + m)} | {n} | {w} | {bounds(w, n)} | {bounds(r, r + w)} |")
    print("\n| log | kind of client | clients | " + " | ".join(BY_KIND) + " |\n|---|---|--:|" + "--:|" * len(BY_KIND))
    for (log, kind), counts in sorted(kinds.items()):
        cells, size = [], 0
        for detector in BY_KIND:
            r, m, w, n = (counts[detector, *key] for key in ((True, True), (True, False), (False, True), (False, False)))
            size = max(size, r + m + w + n)
            cells.append(f"{r} of {r + m}" if r + m else (f"**{w}**" if w else ""))
        if any(cells):
            print(f"| {log} | {kind} | {size} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main(*sys.argv[1:])
