#!/usr/bin/env python3
"""Writes the texts of repositories as shards of a data set, in JSON lines and in Parquet: for `cargo xtask bench gate-speed`.

Usage: shards.py FOLDER REPOSITORY=OWNER/NAME..., with `pyarrow` and `zstandard` from PyPI and `git` installed. Each file of
UTF-8 at `HEAD` and at every 300th commit before it on the main line becomes a record, once for each content: `id`, `text`,
`repo`, `path`, `blob_id`. FOLDER gets `jsonl` and `parquet`, compressed with Zstandard at level 3, and `profile.toml`, which
maps the columns.
"""

import io
import json
import os
import subprocess
import sys

import pyarrow
import pyarrow.parquet
import zstandard

VERSIONS = 6
EVERY = 300
LARGEST = 1 << 20
# A shard is closed when it has so much text.
SHARD_BYTES = 80 << 20

PROFILE = """\
# What the columns of these shards mean.
version = 1
name = "shards"

[columns]
text = "text"
id = "id"
repository = "repo"
path = "path"
git-blob = "blob_id"
"""


def git(repository: str, *args: str) -> str:
    return subprocess.run(["git", "-C", repository, *args], check=True, capture_output=True).stdout.decode(errors="replace")


def blobs(repository: str):
    """The blobs of the chosen versions with the first path of each, newest version first."""
    seen = set()
    commits = git(repository, "rev-list", "--first-parent", "HEAD").split()
    for commit in commits[::EVERY][:VERSIONS]:
        for line in git(repository, "ls-tree", "-r", "-z", commit).split("\0"):
            if line and (entry := line.split("\t", 1))[0].split()[1] == "blob":
                mode, _, blob = entry[0].split()
                if mode in ("100644", "100755") and blob not in seen:
                    seen.add(blob)
                    yield blob, entry[1]


def records(repository: str, name: str):
    wanted = list(blobs(repository))
    with subprocess.Popen(
        ["git", "-C", repository, "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        for blob, path in wanted:
            process.stdin.write(f"{blob}\n".encode())
            process.stdin.flush()
            header = process.stdout.readline().split()
            if header[-1] == b"missing":
                continue
            content = process.stdout.read(int(header[2]) + 1)[:-1]
            if 0 < len(content) <= LARGEST:
                try:
                    text = content.decode()
                except UnicodeDecodeError:
                    continue
                yield {"id": f"{name}:{blob}", "text": text, "repo": name, "path": path, "blob_id": blob}
        process.stdin.close()


def write(folder: str, number: int, rows: list) -> None:
    lines = io.BytesIO()
    for row in rows:
        lines.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
    with open(f"{folder}/jsonl/{number:03}.jsonl.zst", "wb") as shard:
        shard.write(zstandard.ZstdCompressor(level=3).compress(lines.getvalue()))
    table = pyarrow.Table.from_pylist(rows)
    pyarrow.parquet.write_table(table, f"{folder}/parquet/{number:03}.parquet", compression="zstd", row_group_size=1000)


def main(folder: str, *repositories: str) -> None:
    for name in ("jsonl", "parquet"):
        os.makedirs(f"{folder}/{name}")
    with open(f"{folder}/profile.toml", "w") as profile:
        profile.write(PROFILE)
    rows, size, number = [], 0, 0
    for repository in repositories:
        path, name = repository.split("=", 1)
        for record in records(path, name):
            rows.append(record)
            size += len(record["text"])
            if size >= SHARD_BYTES:
                write(folder, number, rows)
                rows, size, number = [], 0, number + 1
    if rows:
        write(folder, number, rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
