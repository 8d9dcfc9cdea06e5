#!/usr/bin/env python3
"""mxreplay tune in a real terminal (tmux): what the screen says after each key is what `mxreplay replay` says of the policy
that a hand would have written; what is written replays the same; the terminal is as it was, however it ends."""
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
MXREPLAY = os.environ["MXREPLAY"]
PATIENCE = 40  # seconds: the sanitizers are slow, and the machine may be busy

HEAD = "exempt: { authenticated: true, networks: [192.0.2.0/24] }\ntrusted-relays: [192.0.2.25]\nmeasures:\n"
NO_RDNS = "  - no-rdns: {}\n"
DNSBL = "  - dnsbl: { zones: { zen.spamhaus.org: 1, bl.spamcop.net: 1 } }\n"
EARLY = "  - early-talker: { wait: 5s }\n"
GREYLIST = "  - greylist: { delay: %s }\n"
MEASURE = re.compile(r"^([> ]) \[(.)\] (\S+) .*?(?:[~?]?([\d,]+)|off)(?: +\[[^\]]*\])? *(?:[\d.]+)?(?: +[-+][\d,]+)?"
                     r"(?: +\d+/\d+/\d+)?$")


class Terminal:
    """A tmux server of its own with one window, whose shell runs mxreplay."""
    count = 0

    def __init__(self, folder, words, columns=80, rows=24, environment=None, kind=None):
        self.folder = folder
        Terminal.count += 1
        self.socket = os.path.join(folder, f"tmux{Terminal.count}")
        env = {k: v for k, v in os.environ.items() if k not in ("TMUX", "NO_COLOR", "LANG") and not k.startswith("LC_")}
        env.update({"LC_ALL": "C.UTF-8", "PROGRAM": MXREPLAY}, **(environment or {}))
        script = (f"export TERM={kind}; " if kind else "") + (
            "trap : INT; stty -g >before; sh -c 'echo $$ >pid; exec \"$PROGRAM\" tune %s 2>err'; "
            "echo \"ended $?\" >status; stty -g >after; cat err; echo DONE; sleep 1000")
        command = ["sh", "-c", script % words]
        subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null", "new-session", "-d", "-x", str(columns),
                        "-y", str(rows), *command], check=True, cwd=folder, env=env)

    def tmux(self, *words):
        return subprocess.run(["tmux", "-S", self.socket, *words], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=False).stdout

    def end(self):
        self.tmux("kill-server")

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def lines(self):
        return self.tmux("capture-pane", "-p").split("\n")[:-1]

    def colours(self):
        return self.tmux("capture-pane", "-p", "-e")

    def state(self, what):
        return self.tmux("display", "-p", "#{%s}" % what).strip()

    def wait(self, holds, what):
        """The screen, once this holds of it."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            lines = self.lines()
            if lines and holds(lines):
                return lines
            time.sleep(0.05)
        raise AssertionError("not seen: " + what + "\n" + "\n".join(self.lines()))

    def says(self, text):
        return self.wait(lambda lines: any(text in line for line in lines), text)

    def status(self):
        self.says("DONE")
        return pathlib.Path(self.folder, "status").read_text().strip()


def settled(lines):
    return "mxreplay tune" in lines[0] and "computing" not in lines[0]


class Tune(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.all = tempfile.TemporaryDirectory()
        cls.database = cls.all.name + "/talk.db"
        subprocess.run([MXREPLAY, "collect", "-q", "-d", cls.database, "--recorded", "talk-2009",
                        str(TOP / "sample-logs/talk-2009/mail.log.gz")], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.all.cleanup()

    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = self.temporary.name
        self.terminal = None

    def tearDown(self):
        if self.terminal:
            self.terminal.end()
        self.temporary.cleanup()

    def start(self, policy="talk-2009", ready=settled, **how):
        self.terminal = Terminal(self.folder, f"-d {self.database} -p {policy}", **how)
        return self.terminal.wait(ready, "the first figures")

    def press(self, *keys):
        """What is shown once the figures are there, and a word on what was done."""
        self.terminal.keys(*keys)
        time.sleep(0.2)
        return self.terminal.wait(settled, "figures after " + " ".join(keys))

    def replay(self, policy):
        path = self.folder + "/by-hand.yaml"
        if "\n" in policy:
            pathlib.Path(path).write_text(policy)
        else:
            path = policy
        said = subprocess.run([MXREPLAY, "replay", "-q", "-d", self.database, "-p", path, "--format", "json"],
                              check=True, stdout=subprocess.PIPE, text=True).stdout
        return json.loads(said)

    def figures(self, lines):
        """{measure: stopped}, and of the totals."""
        found = {}
        for line in lines:
            match = MEASURE.match(line.rstrip())
            if match:
                found[match[3]] = int(match[4].replace(",", "")) if match[4] else None
            match = re.match(r"^      (stopped|accepted|abandoned.*?) +[~?]?([\d,]+)", line)
            if match:
                found[match[1]] = int(match[2].replace(",", ""))
        return found

    def shows(self, policy, off=(), says=""):
        """The screen comes to have the replay's figures of this policy, in its order; and a text. Returns it."""
        replayed, expected = self.replay(policy), {}
        for row in replayed["rows"]:
            if row["measure"] not in ("other", "abandoned", "nothing-attempted", "relayed"):
                expected[row["measure"]] = row["count"]
        ends = ("accepted", "other", "abandoned", "nothing-attempted", "relayed")
        expected["stopped"] = sum(r["count"] for r in replayed["rows"] if r["measure"] not in ends)
        expected.update(dict.fromkeys(off))
        order = [r["measure"] for r in replayed["rows"] if r["measure"] not in ends]

        def agrees(lines):
            shown = self.figures(lines)
            on = [m for m in shown if m not in off and m not in ends and m != "stopped"]
            return settled(lines) and shown == expected and on == order and any(says in line for line in lines)
        return self.terminal.wait(agrees, f"{says} {expected}")

    def test_as_it_is(self):
        lines = self.start()
        # the talk's table
        self.assertEqual(self.figures(lines), {"no-rdns": 3424, "dnsbl": 6210, "early-talker": 1, "greylist": 197,
                                               "stopped": 9832, "accepted": 206})
        self.assertIn("10,038 deliveries, 2009-10-01 to 2009-10-31", lines[0])
        self.assertTrue(lines[2].startswith("> [x] no-rdns"), lines)

    def test_switching_and_moving(self):
        self.start()
        self.press("j", "Space")
        lines = self.shows(HEAD + NO_RDNS + EARLY + GREYLIST % "5m", off=["dnsbl"])
        self.assertTrue(lines[3].startswith("> [ ] dnsbl"), lines)
        self.assertRegex("\n".join(lines), r"\[ \] dnsbl .* off +-6,210\n")
        self.press("Space")
        self.shows("talk-2009")
        self.press("K")
        self.shows(HEAD + DNSBL + NO_RDNS + EARLY + GREYLIST % "5m", says="dnsbl before no-rdns")
        self.press("J")
        lines = self.shows("talk-2009")
        self.assertNotIn("changed", lines[0])
        self.press("J")  # early-talker acts at the banner
        self.shows("talk-2009", says="the dialog's order decides")
        self.press("d", "J")
        lines = self.shows("delay-reject: true\n" + HEAD + NO_RDNS + EARLY + DNSBL + GREYLIST % "5m")
        self.assertIn("delay-reject", lines[0])

    def test_turning_and_back(self):
        self.start()
        self.press("G", "Right", "Right")
        lines = self.shows(HEAD + NO_RDNS + DNSBL + EARLY + GREYLIST % "15m", says="delay 10m -> 15m")
        self.assertIn("<delay 15m*>", "\n".join(lines))
        self.press("u")
        self.shows(HEAD + NO_RDNS + DNSBL + EARLY + GREYLIST % "10m", says="taken back: greylist: delay 10m -> 15m")
        self.press("u")
        self.shows("talk-2009")
        self.press("r", "r")
        self.shows(HEAD + NO_RDNS + DNSBL + EARLY + GREYLIST % "15m")
        self.press("=")
        self.shows("talk-2009", says="as it was loaded")
        self.press("k", "k", "Tab", "Tab", "Right")  # the dnsbl's threshold: both lists must have it
        self.shows(HEAD + NO_RDNS + DNSBL.replace("} }", "}, threshold: 2 }") + EARLY + GREYLIST % "5m",
                   says="dnsbl: threshold 1 -> 2")
        self.press("Left", "BTab", "Left")  # a zone off
        self.shows(HEAD + NO_RDNS + DNSBL.replace(", bl.spamcop.net: 1", "") + EARLY + GREYLIST % "5m",
                   says="bl.spamcop.net 1 -> off")

    def test_no_key_is_lost(self):
        self.start()
        # up the ladder and down again while nothing of it is worked out yet: by 6 and back by 5; off 31 times
        self.press("G", *["Right"] * 6, *["Left"] * 5, "k", *["Space"] * 31)
        self.shows(HEAD + NO_RDNS + DNSBL + GREYLIST % "10m", off=["early-talker"])

    def test_keys_before_the_first_figures(self):
        self.start(ready=lambda lines: "mxreplay tune" in lines[0])
        self.press("Space")
        lines = self.shows(HEAD + DNSBL + EARLY + GREYLIST % "5m", off=["no-rdns"])
        # the change is against the loaded policy, which nobody has seen
        self.assertRegex("\n".join(lines), r"\[ \] no-rdns .* off +-3,424\n")

    def test_writing(self):
        self.start()
        self.press("j", "Space", "G", "Right")
        shown = self.figures(self.shows(HEAD + NO_RDNS + EARLY + GREYLIST % "10m", off=["dnsbl"]))
        self.terminal.keys("w")
        self.terminal.says("Write to (Esc: not): talk-2009-tuned.yaml")
        self.terminal.keys("C-u")
        self.terminal.type("mine.yaml")
        self.terminal.keys("Enter")
        self.terminal.says("Written to mine.yaml.")
        text = pathlib.Path(self.folder, "mine.yaml").read_text()
        self.assertIn("#   dnsbl: off\n#   greylist: delay 5m -> 10m\npolicy: mine\n", text)
        self.assertIn("# switched off:\n  # - dnsbl:\n", text)
        replayed = self.replay(self.folder + "/mine.yaml")
        for row in replayed["rows"]:
            self.assertEqual(shown[row["measure"]], row["count"], row)
        # a file that is there is not overwritten unasked
        before = text
        self.press("Right")
        self.terminal.keys("w")
        self.terminal.says("Write to (Esc: not): mine.yaml")
        self.terminal.keys("Enter")
        self.terminal.says("There is a file of that name. Overwrite it (y, n)?")
        self.terminal.keys("n")
        self.terminal.says("Write to (Esc: not): mine.yaml")
        self.terminal.keys("Escape")
        self.terminal.says("?:help")
        self.assertEqual(pathlib.Path(self.folder, "mine.yaml").read_text(), before)
        self.terminal.keys("q")
        self.terminal.says("not written. Quit all the same (y, n)?")
        self.terminal.keys("n", "w", "Enter", "y")
        self.terminal.says("Written to mine.yaml.")
        self.assertIn("delay: 15m", pathlib.Path(self.folder, "mine.yaml").read_text())
        self.terminal.keys("w", "C-u")
        self.terminal.type("nowhere/x.yaml")
        self.terminal.keys("Enter")
        self.terminal.says("nowhere/x.yaml: cannot write")
        self.terminal.keys("q")
        self.assertEqual(self.terminal.status(), "ended 0")
        self.terminal.says("Written: mine.yaml.")

    def test_sizes(self):
        self.start("strict")
        for columns, rows in ((60, 15), (200, 50), (40, 10), (30, 8), (80, 24)):
            self.terminal.tmux("resize-window", "-x", str(columns), "-y", str(rows))
            if columns < 40:
                self.terminal.says("too small")
                continue
            lines = self.terminal.wait(lambda now, r=rows: len(now) == r and settled(now) and "quit" in now[r - 1],
                                       f"{columns}x{rows}")
            self.terminal.keys("End")
            self.terminal.wait(lambda now: any(line.startswith("> [x] spam") for line in now) and
                               any("spam: " in line for line in now), "the last one, and its parameters")
            self.terminal.keys("Home")
            self.terminal.wait(lambda now: any(line.startswith("> [x] no-rdns") for line in now), "the first one")
            self.assertTrue(all(len(line) <= columns for line in lines))
            self.assertTrue(any(line.startswith("      stopped") for line in lines), lines)
        self.assertEqual(len(self.terminal.lines()), 24)

    def test_pages(self):
        self.start()
        self.terminal.keys("?")
        self.terminal.says("delay-reject: all is asked at RCPT")
        self.terminal.keys("x")
        self.press("j", "Space")
        self.terminal.keys("c")
        lines = self.terminal.says("stops")
        text = "\n".join(lines)
        self.assertIn("  dnsbl: off", text)
        self.assertRegex(text, r"stopped +9,832 +8,\d\d\d \[3,\d\d\d, 9,\d\d\d\] +-1,")
        self.assertRegex(" ".join(text.split()), r"This policy stops \d+ \[.*\] fewer deliveries than the loaded policy")

    def is_restored(self):
        self.assertEqual(pathlib.Path(self.folder, "before").read_text(), pathlib.Path(self.folder, "after").read_text())
        self.assertEqual(self.terminal.state("alternate_on"), "0")
        self.assertEqual(self.terminal.state("cursor_flag"), "1")

    def test_the_terminal_is_as_it_was(self):
        for how, status in (("C-c", "ended 130"), (signal.SIGTERM, "ended 143"), ("q", "ended 0"),
                            (signal.SIGQUIT, "ended 131"), (signal.SIGSEGV, None)):
            self.start()
            self.assertEqual(self.terminal.state("alternate_on"), "1")
            self.assertEqual(self.terminal.state("cursor_flag"), "0")
            if isinstance(how, str):
                self.terminal.keys(how)
            else:
                os.kill(int(pathlib.Path(self.folder, "pid").read_text()), how)
            ended = self.terminal.status()
            if status:
                self.assertEqual(ended, status)
                self.is_restored()
            self.terminal.end()

    def test_a_signal_says_what_is_lost(self):
        self.start()
        self.press("Space")
        self.terminal.keys("C-c")
        self.terminal.says("stopped by a signal; the changes are not written")

    def test_characters_and_colours(self):
        self.start(environment={"LC_ALL": "C"})
        lines = self.press("Space")
        self.assertTrue(all(ord(c) < 127 for line in lines for c in line), lines)
        self.terminal.end()
        colour = re.compile(r"\x1b\[(?:[\d;]*;)?3[0-7]m")
        self.start(environment={"NO_COLOR": "1"})
        self.press("Space")
        self.assertIsNone(colour.search(self.terminal.colours()))
        self.terminal.end()
        self.start()
        self.press("Space")
        self.assertRegex(self.terminal.colours(), colour)

    def test_strangers_texts_are_spelled_out(self):
        path = pathlib.Path(self.folder, "odd.yaml")
        path.write_text('measures:\n  - no-rdns: { title: "turned \\u202e \\u65e5\\u672c" }\n')
        lines = self.start("odd.yaml")
        self.assertIn("no-rdns: turned \\u202e \u65e5\u672c, at connect", "\n".join(lines))

    def test_no_measures(self):
        pathlib.Path(self.folder, "none.yaml").write_text("measures: []\n")
        lines = self.start("none.yaml")
        self.assertEqual(self.figures(lines)["stopped"], 0)
        self.press("Space", "J", "Tab", "Right", "d", "u", "c", "x")
        self.terminal.keys("q")
        self.assertEqual(self.terminal.status(), "ended 0")

    def test_where_there_is_no_terminal(self):
        def refused(*words, environment=None):
            done = subprocess.run([MXREPLAY, "tune", "-d", self.database, *words], stdin=subprocess.DEVNULL, text=True,
                                  capture_output=True, env=dict(os.environ, **(environment or {})), check=False)
            self.assertEqual(done.returncode, 64)
            self.assertEqual(done.stdout, "")
            return done.stderr
        self.assertIn("mxreplay sweep", refused("-p", "talk-2009"))
        self.assertIn("which policy?", refused())
        self.assertIn("which policy?", refused("-p", "recorded"))
        for kind, said in (("dumb", "cannot place a cursor"), ("no-such", "type is not known (TERM=no-such)")):
            self.terminal = Terminal(self.folder, f"-d {self.database} -p talk-2009", columns=100, kind=kind)
            self.assertEqual(self.terminal.status(), "ended 64")
            self.terminal.says(said)
            self.terminal.end()


if __name__ == "__main__":
    unittest.main()
