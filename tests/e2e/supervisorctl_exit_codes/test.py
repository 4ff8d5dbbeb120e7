"""Scripts move over from supervisorctl unchanged: side by side, the exit codes are the same."""

import subprocess
import unittest

from support import Supervisord, Workspace, free_port, reeve, until

PROGRAMS = """
[program:steady]
command=sleep infinity
startsecs=0
[program:idle]
command=sleep infinity
autostart=false
startsecs=0
[program:starting]
command=sleep infinity
startsecs=600
[program:done]
command=true
startsecs=0
autorestart=false
[program:missing]
command=/no/such/program
startretries=0
[program:quits]
command=sh -c "exit 1"
startsecs=10
startretries=0
autostart=false
[group:pair]
programs=left,right
[program:left]
command=sleep infinity
startsecs=0
[program:right]
command=sleep infinity
autostart=false
startsecs=0
"""

CASES = """
status
status steady
status idle
status starting
status done
status missing
status nobody
status steady idle
status steady nobody
status pair:left
status pair:*
start
start steady
start idle
start missing
start quits
start nobody
start steady nobody
start pair:*
start pair:right
stop
stop steady
stop idle
stop done
stop nobody
stop pair:*
restart
restart steady
restart idle
restart nobody
signal
signal HUP
signal CONT steady
signal CONT idle
signal NONE steady
signal CONT nobody
pid
pid steady
pid idle
pid nobody
tail
tail steady
tail nobody
tail steady stderr
clear
clear steady
clear nobody
reread
update
"""


def setUpModule():
    global WORKSPACE, SUPERVISORD
    WORKSPACE = Workspace()
    unittest.addModuleCleanup(WORKSPACE.close)
    SUPERVISORD = WORKSPACE.start(Supervisord, WORKSPACE.folder / "supervisord", PROGRAMS)


def prepare():
    """The same state before every command."""
    wanted = {"steady": "RUNNING", "idle": "STOPPED", "pair:left": "RUNNING",
              "pair:right": "STOPPED"}
    for name, state in wanted.items():
        if SUPERVISORD.state(name) != state:
            method = "startProcess" if state == "RUNNING" else "stopProcess"
            SUPERVISORD.rpc(method, name)
    until("missing is FATAL", lambda: SUPERVISORD.state("missing") == "FATAL")
    until("done has ended", lambda: SUPERVISORD.state("done") == "EXITED")
    until("quits rests", lambda: SUPERVISORD.state("quits") in ("STOPPED", "FATAL"))


def exit_codes(words, url):
    theirs = subprocess.run(["supervisorctl", "-s", url, *words], stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, timeout=60)
    if url == SUPERVISORD.url:
        prepare()
    ours = reeve(*words, "--url", url)
    return theirs.returncode, ours.returncode, theirs.stdout + ours.stdout + ours.stderr


class SameExitCodes(unittest.TestCase):
    def test_with_a_supervisord(self):
        for case in CASES.strip().splitlines():
            with self.subTest(case):
                prepare()
                theirs, ours, said = exit_codes(case.split(), SUPERVISORD.url)
                self.assertEqual(ours, theirs, said)

    def test_without_a_supervisord(self):
        refusing = f"http://127.0.0.1:{free_port()}"
        for url in ("unix:///no/such.sock", refusing):
            for case in ("status", "status x", "start x", "stop x", "restart x", "pid", "reread",
                         "update", "tail x", "clear x"):
                with self.subTest(case, url=url):
                    theirs, ours, said = exit_codes(case.split(), url)
                    self.assertEqual(ours, theirs, said)


if __name__ == "__main__":
    unittest.main()
