#!/usr/bin/env python3
"""Keeps what a filter of datatrove keeps that drops texts on a list: for `cargo xtask bench gate-leaks` and `gate-speed`.

The column of text is `content`, or `text` where the first record has that, so that nothing is written anew for it.

Usage: datatrove_filter.py INPUT DENY OUTPUT [NEEDLES], with `datatrove[io,processing]` from PyPI installed. DENY holds
the SHA-256 of texts, NEEDLES what a text must not hold in any case, one a line each. What is written is compressed as the
input is.
"""

import hashlib
import os
import re
import sys
import tempfile

import fsspec
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.filters import LambdaFilter, RegexFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter


def main(source: str, deny: str, output: str, needles: str | None = None) -> None:
    denied = {line.strip().removeprefix("sha256:") for line in open(deny)}
    folder, name = os.path.split(source)
    filters = [LambdaFilter(lambda document: hashlib.sha256(document.text.encode()).hexdigest() not in denied)]
    if needles:
        # A record in which this is found is dropped.
        filters.append(RegexFilter("(?i)" + "|".join(re.escape(line.rstrip("\n")) for line in open(needles))))
    with fsspec.open(source, "rb", compression="infer") as lines:
        text_key = "text" if b'"text"' in lines.read(1 << 20).split(b"\n")[0] else "content"
    # Without a folder for its logs it makes one where it is called.
    with tempfile.TemporaryDirectory() as logs:
        LocalPipelineExecutor(
            pipeline=[
                JsonlReader(folder, glob_pattern=name, text_key=text_key),
                *filters,
                JsonlWriter(output, compression="zstd" if source.endswith(".zst") else None),
            ],
            tasks=1,
            workers=1,
            logging_dir=logs,
        ).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
