#!/usr/bin/env python3
"""The benchmark's log, small: all that it holds is found, in both forms of the time stamps, and the generator writes the
same again for the same seed and something else for another."""
import hashlib
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "bench"))
import run  # noqa: E402

MXREPLAY = os.environ.get("MXREPLAY", "./mxreplay")
GENERATOR = os.environ.get("GEN_POSTFIX", "build/asan/bench/gen_postfix")


def generate(folder, *arguments):
    log, truth = os.path.join(folder, "mail.log"), os.path.join(folder, "truth")
    with open(log, "wb") as out:
        subprocess.run([GENERATOR, *arguments, truth], stdout=out, check=True)
    with open(truth) as lines:
        return log, {name: int(n) for name, n in (line.rstrip("\n").split("\t") for line in lines)}


class Volume(unittest.TestCase):
    def test_everything_is_found(self):
        for form in ((), ("--rfc3339",)):
            with self.subTest(form=form), tempfile.TemporaryDirectory() as folder:
                log, truth = generate(folder, "--seed", "3", *form, "4000000")
                self.assertGreater(truth["sessions"], 5000)
                self.assertEqual(truth["bytes"], os.path.getsize(log))
                database = os.path.join(folder, "t.db")
                subprocess.run([MXREPLAY, "collect", "-q", "--year", "2026", "-d", database, log], check=True)
                self.assertEqual(run.differences(database, truth), [])

    def test_seeds(self):
        def digest(seed):
            with tempfile.TemporaryDirectory() as folder, open(generate(folder, "--seed", seed, "300000")[0], "rb") as log:
                return hashlib.sha256(log.read()).digest()
        self.assertEqual(digest("1"), digest("1"))
        self.assertNotEqual(digest("1"), digest("2"))


if __name__ == "__main__":
    unittest.main()
