#!/usr/bin/env python3
"""Every command in README.md is run, and says what README.md shows.

In blocks marked `console`, what follows "$ " is run by sh in a folder with sample-logs and policies beside it, in the order
of the page; what follows up to the next command is what it must print. A line "[...]" stands for any lines.
`test_readme.py --write` puts in what the commands print now (blocks with "[...]" are left alone)."""
import os
import re
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
README = os.path.join(TOP, "README.md")
PROGRAM = os.path.abspath(os.environ.get("MXREPLAY_PLAIN", os.path.join(TOP, "mxreplay")))
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)


class Place:
    """A folder as a reader has it: the samples, and mxreplay in the path."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        for name in ("sample-logs", "policies"):
            os.symlink(os.path.join(TOP, name), os.path.join(self.folder.name, name))
        os.mkdir(os.path.join(self.folder.name, "bin"))
        os.symlink(PROGRAM, os.path.join(self.folder.name, "bin", "mxreplay"))
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("MXREPLAY")}
        self.env["PATH"] = os.path.join(self.folder.name, "bin") + ":" + os.environ["PATH"]

    def run(self, command):
        done = subprocess.run(["sh", "-c", command], cwd=self.folder.name, env=self.env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return done.stdout, done.returncode


def commands(block):
    """(command, what it prints) of a block."""
    for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
        command, _, printed = part.partition("\n")
        while command.endswith("\\"):
            more, _, printed = printed.partition("\n")
            command += "\n" + more
        yield command, printed


def agrees(expected, printed):
    pattern = "".join(".*" if part == "[...]\n" else re.escape(part)
                      for part in re.split(r"(?:(?<=\n)|^)(\[\.\.\.\]\n)", expected))
    return re.fullmatch(pattern, printed, re.S) is not None


class Readme(unittest.TestCase):
    maxDiff = None

    def test_says_what_is(self):
        place, ran = Place(), 0
        with open(README) as text:
            blocks = BLOCK.findall(text.read())
        for block in blocks:
            for command, expected in commands(block):
                with self.subTest(command=command):
                    printed, status = place.run(command)
                    self.assertEqual(status, 0, command)
                    if not agrees(expected, printed):
                        self.assertEqual(expected, printed, "if that is as it should be: tests/samples/test_readme.py --write")
                ran += 1
        self.assertGreater(ran, 10)

    def test_notices(self):
        self.assertTrue(agrees("a\n[...]\nc\n", "a\nb\nb\nc\n"))
        self.assertTrue(agrees("[...]\nc\n", "b\nc\n"))
        self.assertFalse(agrees("a\n[...]\nc\n", "a\nb\nd\n"))
        self.assertFalse(agrees("count 1\n", "count 2\n"))


def write():
    place = Place()

    def filled(match):
        out = []
        for command, expected in commands(match[1]):
            printed, _ = place.run(command)
            if "[...]\n" in expected:
                printed = expected
            out.append("$ %s\n%s" % (command, printed))
        return "```console\n%s```" % "".join(out)
    with open(README) as text:
        page = BLOCK.sub(filled, text.read())
    with open(README, "w") as text:
        text.write(page)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
    else:
        unittest.main()
