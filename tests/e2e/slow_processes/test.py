"""What takes its time: a person at a terminal is told what is being waited for, and a restart
that is interrupted does not leave its process stopped."""

import os
import pty
import signal
import subprocess
import unittest

from support import REEVE, Supervisord, Workspace, has_trap, until

PROGRAMS = """
[program:slow]
command=sh -c "trap 'sleep 3; exit 0' TERM; while :; do sleep 0.1; done"
startsecs=0
priority=2000
[program:other]
command=sleep infinity
startsecs=0
"""


def setUpModule():
    global WORKSPACE, SUPERVISORD
    WORKSPACE = Workspace()
    unittest.addModuleCleanup(WORKSPACE.close)
    SUPERVISORD = WORKSPACE.start(Supervisord, WORKSPACE.folder / "supervisord", PROGRAMS)


def said_on_a_terminal(*words):
    """What is on standard error if that is a terminal."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen([REEVE, *words, "--url", SUPERVISORD.url], stderr=theirs,
                             stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    os.close(theirs)
    said = b""
    try:
        while block := os.read(ours, 1024):
            said += block
    except OSError:  # the terminal's other end is closed
        pass
    os.close(ours)
    child.wait(60)
    return said.decode()


class SlowProcesses(unittest.TestCase):
    def setUp(self):
        for name in ("slow", "other"):
            until(f"{name} runs", lambda: SUPERVISORD.state(name) == "RUNNING")
        until("its trap is set", lambda: has_trap(SUPERVISORD.rpc("getProcessInfo", "slow")["pid"]))

    def test_a_long_wait_says_what_it_waits_for(self):
        said = said_on_a_terminal("restart", "slow")
        self.assertEqual(said, "waiting for slow to stop\r\x1b[K")

    def test_a_short_one_says_nothing_and_neither_does_a_quiet_one(self):
        self.assertEqual(said_on_a_terminal("restart", "other"), "")
        self.assertEqual(said_on_a_terminal("restart", "slow", "--quiet"), "")

    def test_an_interrupted_restart_is_finished_and_the_next_not_begun(self):
        before = {name: SUPERVISORD.rpc("getProcessInfo", name)["pid"]
                  for name in ("slow", "other")}
        child = subprocess.Popen([REEVE, "restart", "slow", "other", "--url", SUPERVISORD.url],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True)
        until("slow is stopping", lambda: SUPERVISORD.state("slow") == "STOPPING")
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
        self.assertEqual(out, "slow: restarted\n")
        self.assertIn("1 of 2 processes left as they are", err)
        self.assertEqual(child.returncode, 1)
        self.assertEqual(SUPERVISORD.state("slow"), "RUNNING")
        self.assertNotEqual(SUPERVISORD.rpc("getProcessInfo", "slow")["pid"], before["slow"])
        self.assertEqual(SUPERVISORD.rpc("getProcessInfo", "other")["pid"], before["other"])

    def test_an_interrupted_stop_says_that_supervisord_goes_on_with_it(self):
        child = subprocess.Popen([REEVE, "stop", "slow", "--url", SUPERVISORD.url],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=subprocess.PIPE, text=True)
        until("slow is stopping", lambda: SUPERVISORD.state("slow") == "STOPPING")
        child.send_signal(signal.SIGINT)
        self.assertIn("slow is still STOPPING", child.communicate(timeout=60)[1])
        until("slow has stopped", lambda: SUPERVISORD.state("slow") == "STOPPED")
        SUPERVISORD.rpc("startProcess", "slow")


if __name__ == "__main__":
    unittest.main()
