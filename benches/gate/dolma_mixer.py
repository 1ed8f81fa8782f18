#!/usr/bin/env python3
"""Keeps what Dolma's mixer keeps when texts on a list are excluded: for `cargo xtask bench gate-leaks` and `gate-speed`.

Usage: dolma_mixer.py INPUT DENY OUTPUT [NEEDLES], with `dolma` and `backports.zstd` from PyPI installed. DENY holds the
SHA-256 of texts, NEEDLES what a text must not hold in any case, one a line each. A tagger reads each line as Dolma's own
taggers do and writes an attribute for each document whose text is on the list or holds a needle; the mixer excludes by it.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

# Dolma's own taggers read and write by these two.
import msgspec
import smart_open


def main(source: str, deny: str, output: str, needles: str | None = None) -> None:
    denied = {line.strip().removeprefix("sha256:") for line in open(deny)}
    marks = re.compile("|".join(re.escape(line.rstrip("\n")) for line in open(needles)), re.IGNORECASE) if needles else None
    ending = "zst" if source.endswith(".zst") else "gz"
    with tempfile.TemporaryDirectory() as folder:
        for name in ("documents", "attributes/denied", "mixed"):
            os.makedirs(f"{folder}/{name}")
        documents = f"{folder}/documents/a.jsonl.{ending}"
        # Dolma's column of text is `text`; give it that to measure its speed, so that nothing is written anew for it.
        with smart_open.open(source, "rb") as lines:
            is_as_it_should_be = ending == "zst" and b'"text"' in lines.readline()
        if is_as_it_should_be:
            shutil.copy(source, documents)
        else:
            with smart_open.open(source, "rb") as lines, smart_open.open(documents, "wb") as copy:
                copy.writelines(line.replace(b'"content"', b'"text"') for line in lines)
        decoder, encoder = msgspec.json.Decoder(), msgspec.json.Encoder()
        with (
            smart_open.open(documents, "rb") as lines,
            smart_open.open(f"{folder}/attributes/denied/a.jsonl.{ending}", "wb") as attributes,
        ):
            for number, line in enumerate(lines):
                # A line that is no JSON is passed on as it stands.
                with contextlib.suppress(Exception):
                    document = decoder.decode(line)
                    text = document.get("text")
                    digest = hashlib.sha256(text.encode()).hexdigest()
                    is_denied = digest in denied or (marks is not None and marks.search(text) is not None)
                    spans = [[0, len(text), 1.0]] if is_denied else []
                    row = {"id": document.get("id", number), "attributes": {"denied": spans}}
                    attributes.write(encoder.encode(row) + b"\n")
        config = {
            "streams": [
                {
                    "name": "kept",
                    "documents": [f"{folder}/documents/*.jsonl.{ending}"],
                    "attributes": ["denied"],
                    "output": {"path": f"{folder}/mixed", "max_size_in_bytes": 1 << 30},
                    "compression": {"input": ending, "output": ending},
                    "filter": {"include": [], "exclude": ["$.attributes[?(@.denied && @.denied[0] && @.denied[0][2] >= 1.0)]"]},
                }
            ],
            "processes": 1,
        }
        with open(f"{folder}/config.json", "w") as file:
            json.dump(config, file)
        subprocess.run(["dolma", "-c", f"{folder}/config.json", "mix"], check=True)
        for name in sorted(os.listdir(f"{folder}/mixed")):
            shutil.copy(f"{folder}/mixed/{name}", f"{output}/{name.removesuffix(ending)}jsonl.{ending}")


if __name__ == "__main__":
    main(*sys.argv[1:])
