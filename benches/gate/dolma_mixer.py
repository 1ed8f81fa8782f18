#!/usr/bin/env python3
"""Keeps what Dolma's mixer keeps when texts on a list are excluded by an attribute: for `cargo xtask bench gate-leaks`.

Usage: dolma_mixer.py INPUT DENY OUTPUT, with `dolma` from PyPI installed. A tagger reads each line as Dolma's own
taggers do and writes an attribute for each document whose text is on the list; the mixer excludes by it.
"""

import gzip
import hashlib
import json
import os
import subprocess
import sys
import tempfile


def main(source: str, deny: str, output: str) -> None:
    denied = {line.strip().removeprefix("sha256:") for line in open(deny)}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("documents", "attributes/denied", "mixed"):
            os.makedirs(f"{folder}/{name}")
        with (
            open(source, "rb") as lines,
            gzip.open(f"{folder}/documents/a.jsonl.gz", "wb") as documents,
            gzip.open(f"{folder}/attributes/denied/a.jsonl.gz", "wt") as attributes,
        ):
            for number, line in enumerate(lines):
                # Dolma's column of text is `text`; a line that is no JSON is passed on as it stands.
                documents.write(line.replace(b'"content"', b'"text"'))
                try:
                    document = json.loads(line)
                    text = document.get("content")
                    digest = hashlib.sha256(text.encode()).hexdigest()
                except Exception:
                    continue
                spans = [[0, len(text), 1.0]] if digest in denied else []
                attributes.write(json.dumps({"id": str(document.get("id", number)), "attributes": {"denied": spans}}) + "\n")
        config = {
            "streams": [
                {
                    "name": "kept",
                    "documents": [f"{folder}/documents/*.jsonl.gz"],
                    "attributes": ["denied"],
                    "output": {"path": f"{folder}/mixed", "max_size_in_bytes": 1 << 30},
                    "filter": {"include": [], "exclude": ["$.attributes[?(@.denied && @.denied[0] && @.denied[0][2] >= 1.0)]"]},
                }
            ],
            "processes": 1,
        }
        with open(f"{folder}/config.json", "w") as file:
            json.dump(config, file)
        subprocess.run(["dolma", "-c", f"{folder}/config.json", "mix"], check=True)
        for name in sorted(os.listdir(f"{folder}/mixed")):
            with gzip.open(f"{folder}/mixed/{name}", "rb") as mixed, open(f"{output}/{name}.jsonl", "wb") as kept:
                kept.write(mixed.read())


if __name__ == "__main__":
    main(*sys.argv[1:])
