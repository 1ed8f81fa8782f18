#!/usr/bin/env python3
"""Keeps what decon keeps when known texts are its references: for `cargo xtask bench gate-leaks`.

Usage: decon_detect.py INPUT DENY OUTPUT, with `decon` on the path. Beside DENY lies DENY.texts, which holds the texts
themselves, a JSON string a line: decon finds what resembles its references and reads no digests. Each text is the
question of a reference, which decon looks for by itself; no reference is too short for it, all else is as it comes.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile


def main(source: str, deny: str, output: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("documents", "references", "report"):
            os.makedirs(f"{folder}/{name}")
        shutil.copy(source, f"{folder}/documents/{os.path.basename(source)}")
        with open(f"{deny}.texts") as texts, open(f"{folder}/references/denied.jsonl", "w") as references:
            for number, text in enumerate(texts):
                reference = {
                    "eval_key": "denied",
                    "eval_instance_index": number,
                    "split": "test",
                    "config": "main",
                    "doc_id": number,
                    "fingerprint": f"{number:016x}",
                    "question": json.loads(text),
                    "answer": "",
                }
                references.write(json.dumps(reference) + "\n")
        options = {
            "training-dir": f"{folder}/documents",
            "content-key": "content",
            "evals-dir": f"{folder}/references",
            "report-output-dir": f"{folder}/report",
            "cleaned-output-dir": output,
            "eval-min-token-length": "0",
            "eval-min-unique-word-count": "0",
            "worker-threads": "1",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        subprocess.run(["decon", "detect", "--purify", *words], check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
