#!/bin/sh
# What judges the program's engine must know nothing of it: the simulator and the second engine include no header of
# analyze/, call nothing of it and do not run the program; only runner.py does, to ask it.
wrong=$(grep -nE 'analyze/|#include|ctypes|cffi|subprocess|mxreplay' tests/worlds/*.py | grep -v '^tests/worlds/runner.py:')
[ -z "$wrong" ] || { echo "$wrong"; exit 1; }
# Nor does the runner compute anything from what it is told.
grep -q -- '--tell' tests/worlds/runner.py || { echo "runner.py does not ask run_oracle"; exit 1; }
