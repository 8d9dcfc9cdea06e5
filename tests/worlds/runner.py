"""The program's engine, by way of the runner of case books."""
import os
import subprocess
import sys

RUNNER = os.environ.get("RUN_ORACLE", "build/asan/tests/oracle/run_oracle")


def lines(book, option):
    """What run_oracle prints of a case book."""
    path = f"build/log/worlds-{os.getpid()}.yaml"
    with open(path, "w") as out:
        out.write(book)
    said = subprocess.run([RUNNER, option, path], capture_output=True, text=True)
    if said.returncode:
        sys.exit(f"{path}: {said.stderr}")
    os.unlink(path)
    return said.stdout.splitlines()


def tell(book):
    """What run_oracle finds: {name: {row: (count, low, high, basis)}}."""
    found = {}
    for line in lines(book, "--tell"):
        if not line.startswith("tell "):
            sys.exit(line)
        name, _, rows = line[5:].partition(": ")
        found[name] = {row.split()[0]: tuple(map(int, row.split()[1:4])) + (row.split()[4],) for row in rows.split(", ")}
    return found


def overlap(book):
    """The overlap: {(name, group): {"": {"known": ..., "left": ..., "whole": (count, low, high)}, member: {"hits": ...}}}."""
    found = {}
    for line in lines(book, "--overlap"):
        if not line.startswith("overlap "):
            sys.exit(line)
        head, _, parts = line[8:].partition(": ")
        whole, *members = [part.split() for part in parts.split(", ")]
        told = {"": {"known": int(whole[1]), "left": int(whole[3]), "whole": tuple(map(int, whole[5:8]))}}
        for name, *words in members:
            told[name] = {words[i]: tuple(map(float, words[i + 1:i + 4])) for i in range(0, len(words), 4)}
        found[tuple(head.rsplit(" ", 1))] = told
    return found


def audit(book):
    """What an audit counts: {name: {"": [deliveries, accepted], label or measure: counts}}."""
    found = {}
    for line in lines(book, "--audit"):
        if not line.startswith("audit "):
            sys.exit(line)
        name, _, parts = line[6:].partition(": ")
        whole, *rest = [part.split() for part in parts.split(", ")]
        found[name] = {"": [int(whole[1]), int(whole[3])]} | {one[0]: list(map(int, one[1:])) for one in rest}
    return found
