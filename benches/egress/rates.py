#!/usr/bin/env python3
"""Holds what `lazaret egress scan` tells of a labelled corpus against its labels, and prints a row for each detector.

Usage: rates.py LAZARET CORPUS, with what `corpus.py` wrote. The lines of each client are scanned by themselves, under a
policy that bans everything of rivals; a client counts once for each detector. Of *silent-tool* and other detectors that
score, the table says at how many clients they fired that called nothing of the kind.
"""

import collections
import json
import subprocess
import sys
import tempfile

DETECTORS = [
    "inference-host", "provider-address", "hidden-name", "api-shape",
    "relayed-tool", "control-evasion", "silent-tool", "rare-stream",
]


def told(lazaret: str, folder: str, logformat: str, lines: list[str]) -> set[str]:
    with open(f"{folder}/log", "w") as file:
        file.writelines(lines)
    options = ["--quiet", "--format", "json", "--fail-on", "never", "--score", "--policy", f"{folder}/policy.toml"]
    command = [lazaret, "egress", "scan", *options, "--squid-logformat", logformat, f"{folder}/log"]
    report = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return {finding["detector"] for finding in report["findings"]}


def main(lazaret: str, corpus: str) -> None:
    with open(f"{corpus}/labels.json") as file:
        labels = json.load(file)
    right, wrong, missed, noise = (collections.Counter() for _ in range(4))
    n_clients = n_others = 0
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/policy.toml", "w") as file:
            file.write('version = 1\nname = "corpus"\nban.rivals = true\n')
        for log, clients in labels.items():
            with open(f"{corpus}/{log}.logformat") as file:
                logformat = file.read()
            lines_of = collections.defaultdict(list)
            with open(f"{corpus}/{log}.log") as file:
                for line in file:
                    lines_of[line.split()[2]].append(line)
            for address, label in clients.items():
                found, expected = told(lazaret, folder, logformat, lines_of[address]), set(label["expected"])
                n_clients += 1
                n_others += not expected
                right.update(found & expected)
                wrong.update(found - expected)
                missed.update(expected - found)
                noise.update(() if expected else found)
                for detector in sorted(expected - found):
                    print(f"missed by {detector} in {log}: {label['what']}", file=sys.stderr)
                for detector in sorted(() if expected else found):
                    print(f"told by {detector} in {log}: {label['what']}", file=sys.stderr)
    print(f"{n_clients} clients, {n_others} of them call nothing of the kind\n")
    print("| detector | right | wrong | missed | precision | recall | at clients of nothing of the kind |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for detector in DETECTORS:
        r, w, m = right[detector], wrong[detector], missed[detector]
        precision = f"{r / (r + w):.3f}" if r + w else "-"
        recall = f"{r / (r + m):.3f}" if r + m else "-"
        print(f"| {detector} | {r} | {w} | {m} | {precision} | {recall} | {noise[detector]} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
