"""The program's engine, by way of the runner of case books."""
import os
import subprocess
import sys

RUNNER = os.environ.get("RUN_ORACLE", "build/asan/tests/oracle/run_oracle")


def tell(book):
    """What run_oracle finds: {name: {row: (count, low, high, basis)}}."""
    path = f"build/log/worlds-{os.getpid()}.yaml"
    with open(path, "w") as out:
        out.write(book)
    said = subprocess.run([RUNNER, "--tell", path], capture_output=True, text=True)
    if said.returncode:
        sys.exit(f"{path}: {said.stderr}")
    os.unlink(path)
    found = {}
    for line in said.stdout.splitlines():
        if not line.startswith("tell "):
            sys.exit(line)
        name, _, rows = line[5:].partition(": ")
        found[name] = {row.split()[0]: tuple(map(int, row.split()[1:4])) + (row.split()[4],) for row in rows.split(", ")}
    return found
