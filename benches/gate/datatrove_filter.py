#!/usr/bin/env python3
"""Keeps what a filter of datatrove keeps that drops texts on a list: for `cargo xtask bench gate-leaks`.

Usage: datatrove_filter.py INPUT DENY OUTPUT, with `datatrove[io]` from PyPI installed.
"""

import hashlib
import os
import sys

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.filters import LambdaFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter


def main(source: str, deny: str, output: str) -> None:
    denied = {line.strip().removeprefix("sha256:") for line in open(deny)}
    folder, name = os.path.split(source)
    LocalPipelineExecutor(
        pipeline=[
            JsonlReader(folder, glob_pattern=name, text_key="content"),
            LambdaFilter(lambda document: hashlib.sha256(document.text.encode()).hexdigest() not in denied),
            JsonlWriter(output, compression=None),
        ],
        tasks=1,
        workers=1,
        logging_dir=None,
    ).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
