"""Scripts move over unchanged: `supervisorctl` and `reeve supervisorctl` are run side by side, each
against a supervisord of its own that is in the same state, and print the same bytes on the same
streams, end with the same exit code and leave the same states behind. Pids, times, paths and what
follows `file:` in the report of an exception are masked."""

import concurrent.futures
import http.server
import os
import pathlib
import pty
import re
import signal
import socket
import subprocess
import threading
import unittest
import xmlrpc.client

from support import REEVE, Scenario, Supervisord, Workspace, free_port, until

THEIRS = "/usr/bin/supervisorctl"
STEADY = "[program:steady]\ncommand=sleep infinity\nstartsecs=0\n"
PROGRAMS = STEADY + """
[program:idle]
command=sleep infinity
autostart=false
startsecs=0
[program:starting]
command=sleep infinity
startsecs=600
priority=5
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
[program:directory]
command=/tmp
startretries=0
autostart=false
[program:echo]
command=sh -c "read line; echo $line; exec sleep infinity"
startsecs=0
autostart=false
stdout_logfile={folder}/echo.out
stderr_logfile={folder}/echo.err
[program:mute]
command=sleep infinity
startsecs=0
stdout_logfile=NONE
stderr_logfile=NONE
[program:a_process_with_a_name_of_many_letters]
command=sleep infinity
startsecs=0
[program:größe]
command=sleep infinity
startsecs=0
[group:pair]
programs=left,right
priority=7
[program:left]
command=sleep infinity
startsecs=0
[program:right]
command=sleep infinity
autostart=false
startsecs=0
[program:pool]
command=sleep infinity
process_name=%(program_name)s_%(process_num)02d
numprocs=3
startsecs=0
"""
STOPPED, RUNNING = 0, 20
WANTED = {"steady": RUNNING, "idle": STOPPED, "mute": RUNNING, "echo": STOPPED,
          "pair:left": RUNNING, "pair:right": STOPPED, "größe": RUNNING,
          "a_process_with_a_name_of_many_letters": RUNNING,
          "pool:pool_00": RUNNING, "pool:pool_01": RUNNING, "pool:pool_02": RUNNING}

COMMANDS = """
status
status all
status steady
status idle
status starting
status done
status missing
status nobody
status nobody:*
status :
status pair
status pair:left
status pair:*
status pair:
status pair:nobody
status steady idle
status idle steady
status steady nobody
status nobody steady
status steady steady
status a_process_with_a_name_of_many_letters
status größe
status pool:*
status steady all
start
start steady
start idle
start missing
start quits
start directory
start nobody
start nobody:*
start pair:*
start pair:right
start pair:nobody
start steady nobody
start nobody idle
start idle pair:right
stop
stop steady
stop idle
stop done
stop missing
stop nobody
stop nobody:*
stop pair:*
stop pair:left pair:right
stop steady nobody pool:*
stop größe
restart
restart steady
restart idle
restart missing
restart quits
restart nobody
restart nobody:*
restart pair:*
restart pool:pool_01 steady
signal
signal HUP
signal CONT steady
signal SIGCONT steady
signal 18 steady
signal CONT idle
signal NONE steady
signal NONE pair:*
signal CONT nobody
signal CONT nobody:*
signal CONT pair:*
signal CONT steady idle pool:*
pid
pid steady
pid idle
pid nobody
pid steady idle
pid idle nobody steady
pid pair:*
pid all
tail
tail steady
tail echo
tail echo stdout
tail echo stderr
tail echo STDERR
tail echo nothing
tail -5 echo
tail -5 echo stderr
tail -0 echo
tail --5 echo
tail - echo
tail -x echo
tail -5
tail -f
tail -f echo nothing
tail a b c
tail a b c d
tail -1 a b c
tail mute
tail nobody
tail pair:*
maintail -x
maintail 5
maintail -5 6
maintail -1
clear
clear steady
clear echo
clear mute
clear nobody
clear pair:*
clear pair:left
clear steady nobody
reread
reread now
update
update all
update steady
update nobody
avail
avail now
version
version now
add
add steady
add nobody
add nobody steady
remove
remove steady
remove nobody
remove nobody steady
fg
fg nobody
fg idle
fg steady idle
fg starting
open
open nonsense
open ftp://localhost
open http:x
shutdown now
reload now
help
help help
help add
help avail
help clear
help exit
help fg
help maintail
help open
help pid
help quit
help reload
help remove
help reread
help restart
help shutdown
help signal
help start
help status
help stop
help tail
help update
help version
help nothing
help EOF
help start stop
?
? start
?start
!ls
quit
exit
EOF
nothing
nothing at all
status:*
-- status steady
"""

# Without a process that is started for ten minutes, and without names beyond ASCII, over which
# supervisorctl fails: supervisord announces fewer bytes than it sends.
FEW_PROGRAMS = STEADY + """
[program:idle]
command=sleep infinity
autostart=false
startsecs=0
[program:missing]
command=/no/such/program
startretries=0
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
COMMANDS_FOR_ALL = """
start all
start steady all
stop all
stop all
restart all
restart nobody all
signal CONT all
signal NONE all
clear all
clear nobody all
status all
pid all
start pair:* idle
stop pair:* nobody
"""

WITHOUT_SERVER = """
status
status x
start x
start
stop x
restart x
signal HUP x
pid x
tail x
maintail
clear x
reread
update
avail
add x
remove x
version
fg x
shutdown
reload
help
open unix:///no/such
"""

OPTIONS = [
    ["-h"], ["--help"], ["-?"], ["--he"], ["-ih"], ["-x"], ["-c"], ["-s"], ["--nothing"],
    ["--s"], ["--serverurl"], ["--help=x"], ["--h=x"], ["-i", "-i"],
    ["-s", "http://a", "-s", "http://b"], ["-s", "nonsense", "status"], ["-s", "", "status"],
    ["-s", "x:", "status"], ["-s", "https://localhost", "status"],
    ["-s", "localhost:9001", "status"], ["-s", "http://localhost:x", "status"],
    ["-s", "http://localhost:99999", "status"], ["-c", "/no/such.conf", "status"],
    ["--configuration=/no/such.conf"], ["-s", "unix:///no/such", "-u", "a", "-u", "b"],
]
OPTIONS_WITH_SERVER = [
    ["-c{conf}", "pid"], ["--configuration={conf}", "pid"], ["--conf", "{conf}", "pid"],
    ["-c", "{conf}", "-s", "unix:///no/such", "pid"], ["-ic", "{conf}", "pid"],
    ["-r", "history", "-c", "{conf}", "pid"], ["-s", "{url}", "version"],
    ["-c", "{conf}", "", "status"], ["-c", "{conf}", "status steady"],
    ["-c", "{conf}", "-u", "any", "-p", "thing", "status", "steady"],
    ["-c", "{conf}", "-i", "shutdown"],
]

SESSIONS = {
    "an empty one": "",
    "blank lines": "\n   \n",
    "commands": "status steady\nnothing\n  pid idle  \nhelp\nquit\nstatus\n",
    "without a line feed": "pid nobody",
    "actions": "start idle\nstop steady\nstatus steady idle\nexit\n",
    "questions": "shutdown\nn\nreload\n\nshutdown\nNo\n",
    "a question at the end": "shutdown\n",
    "open": "open unix:///no/such\nstatus\nopen {url}\nversion\nEOF\n",
}

CONFIGURATIONS = {
    "inline comments": "[supervisorctl]\nserverurl=unix://{folder}/s.sock ; a comment\n# another\n",
    "here": "[supervisorctl]\nserverurl=unix://%(here)s/s.sock\n",
    "environment": "[supervisorctl]\nserverurl=unix://%(ENV_SOCKET)s\nprompt=%(ENV_WORD)s%%\n",
    "colons and case": "[supervisorctl]\nServerURL : unix://{folder}/s.sock\n",
    "dots": "[supervisorctl]\nserverurl=unix://{folder}/../{name}//s.sock\n",
    "twice": "[supervisorctl]\nserverurl=http://x\n[other]\nx=1\n[supervisorctl]\n"
             "serverurl=unix://{folder}/s.sock\n",
    "no such variable": "[supervisorctl]\nserverurl=http://%(here)s%(ENV_NOTHING)s\n",
    "here in a password": "[supervisorctl]\npassword=%(here)s\n",
    "a lone percent sign": "[supervisorctl]\nserverurl=unix://{folder}/s.sock%\n",
    "an open bracket": "[supervisorctl]\nusername=%(ENV\n",
    "no section": "[supervisord]\n",
    "an empty file": "",
    "no header": "serverurl=x\n",
    "a line of its own": "[supervisorctl]\nserverurl\nprompt=x\n",
    "an empty URL": "[supervisorctl]\nserverurl=\n",
}


def masked(text, side):
    """What may differ between the two."""
    for program in side.programs:
        text = text.replace(f"use {program} -h", "use PROGRAM -h")
        text = text.replace(f"Usage: {program} ", "Usage: PROGRAM ")
    text = text.replace(str(side.folder), "FOLDER").replace(side.folder.name, "NAME")
    text = re.sub(r"(<class .*): file: .* line: \d+", r"\1", text)
    text = re.sub(r"(?s)Traceback \(most recent.*?configparser\.\w+: ", "Error: ", text)
    text = re.sub(r"Available names: .*", "Available names", text)
    text = re.sub(r".*GetPassWarning.*\n.*getpass.*\n", "", text)
    text = re.sub(r"pid \d+, uptime [\d:]+( days?, [\d:]+)?", "pid N, uptime T", text)
    text = re.sub(r"\b[A-Z][a-z]{2} \d\d \d\d:\d\d [AP]M", "DATE", text)
    return re.sub(r"(?m)^((?:\w+> )*)[1-9]\d*$", r"\1N", text)


class Side:
    """One of the two programs and its supervisord."""

    def __init__(self, workspace, name, programs, kind=Supervisord, **options):
        self.supervisord = workspace.start(kind, workspace.folder / name, programs, **options)
        self.folder = self.supervisord.folder
        self.programs = []

    def argv(self, words):
        raise NotImplementedError

    def filled(self, text):
        for key, value in (("{folder}", self.folder), ("{url}", self.supervisord.url),
                           ("{conf}", self.supervisord.config), ("{name}", self.folder.name)):
            text = text.replace(key, str(value))
        return text

    def environment(self):
        return dict(os.environ, SOCKET=f"{self.folder}/s.sock", WORD="word", LANG="C.UTF-8")

    def run(self, words, stdin="", **options):
        done = subprocess.run(self.argv([self.filled(word) for word in words]), text=True,
                              input=self.filled(stdin), capture_output=True, timeout=60,
                              env=self.environment(), start_new_session=True, check=False,
                              **options)
        return {"exit code": done.returncode, "stdout": masked(done.stdout, self),
                "stderr": masked(done.stderr, self)}

    def processes(self):
        """By name as a command line has it."""
        return {row["name"] if row["name"] == row["group"] else f'{row["group"]}:{row["name"]}': row
                for row in self.supervisord.rpc("getAllProcessInfo")}

    def prepare(self):
        """The same state before every command. The pids in it."""
        for name, row in self.processes().items():
            wanted = WANTED.get(name, row["state"])
            if row["state"] != wanted:
                self.supervisord.rpc("stopProcess" if wanted == STOPPED else "startProcess", name)
        self.settle()
        (self.folder / "echo.out").write_text("one\ntwo ä\n")
        (self.folder / "echo.err").write_text("trouble\n")
        return {row["pid"] for row in self.processes().values()}

    def settle(self):
        """Waits for the end of starts."""
        until("nothing is started any more", lambda: not any(
            row["statename"] in ("STARTING", "BACKOFF") and name != "starting"
            for name, row in self.processes().items()))

    def effect(self, before):
        """States, which processes are other ones than before, and sizes of logs."""
        self.settle()
        states = {name: (row["statename"], row["pid"] in before)
                  for name, row in self.processes().items()}
        return states, [(self.folder / log).stat().st_size for log in ("echo.out", "echo.err")]


class Theirs(Side):
    def argv(self, words):
        self.programs = [THEIRS]
        return [THEIRS, *words]

    def environment(self):
        """With an empty pkg_resources: it is for plugins alone, and half of the time of a start."""
        folder = self.folder / "modules"
        folder.mkdir(exist_ok=True)
        (folder / "pkg_resources.py").touch()
        return dict(super().environment(), PYTHONPATH=str(folder), PYTHONUNBUFFERED="1")


class Ours(Side):
    """By turns as a command of reeve and under its own name."""

    turn = 0

    def argv(self, words):
        link = self.folder / "link" / "bin" / "supervisorctl"
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(REEVE)
        self.programs = [str(link), "reeve supervisorctl"]
        self.turn += 1
        return [link, *words] if self.turn % 2 else [REEVE, "supervisorctl", *words]


class Pair:
    """Both programs, run side by side."""

    def __init__(self, workspace, programs, **options):
        number = len(workspace.children)
        self.sides = [kind(workspace, f"{name}{number}", programs, **options)
                      for kind, name in ((Theirs, "theirs"), (Ours, "ours"))]

    def compare(self, test, what, work):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            theirs, ours = pool.map(work, self.sides)
        with test.subTest(what):
            test.assertEqual(ours, theirs)


def in_same_state(words, **options):
    """Of several processes, supervisord reports the one that ends first first: no order there."""
    several = re.search(r"\b(start|stop|restart|signal) .*(:\*|: |:$|\ball\b)", " ".join(words))

    def work(side):
        before = side.prepare()
        result = side.run(words, **options)
        if several:
            result["stdout"] = sorted(result["stdout"].splitlines())
        return result, side.effect(before)
    return work


class SameAsSupervisorctl(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.workspace = Workspace()
        cls.addClassCleanup(cls.workspace.close)
        cls.pair = Pair(cls.workspace, PROGRAMS)
        for side in cls.pair.sides:
            until("missing is FATAL", lambda: side.supervisord.state("missing") == "FATAL")
            until("done has ended", lambda: side.supervisord.state("done") == "EXITED")

    def test_every_command(self):
        for command in COMMANDS.strip().splitlines():
            self.pair.compare(self, command, in_same_state(["-c", "{conf}", *command.split()]))

    def test_commands_for_all(self):
        with Workspace() as workspace:
            pair = Pair(workspace, FEW_PROGRAMS)
            for command in COMMANDS_FOR_ALL.strip().splitlines():
                pair.compare(self, command, in_same_state(["-c", "{conf}", *command.split()]))

    def test_without_a_server(self):
        port = free_port()
        for command in WITHOUT_SERVER.strip().splitlines():
            for url in ("unix:///no/such.sock", f"http://127.0.0.1:{port}"):
                words = ["-s", url, *command.split()]
                self.pair.compare(self, " ".join(words), lambda side: side.run(words))

    def test_options(self):
        for words in OPTIONS:
            self.pair.compare(self, " ".join(words), lambda side: side.run(words, cwd="/"))
        for words in OPTIONS_WITH_SERVER:
            self.pair.compare(self, " ".join(words), lambda side: side.run(words))

    def test_configurations(self):
        for what, text in CONFIGURATIONS.items():
            def work(side):
                (side.folder / "other.conf").write_text(side.filled(text))
                return side.run(["-c", "{folder}/other.conf", "status", "steady"])
            self.pair.compare(self, what, work)

    def test_the_file_is_searched(self):
        for place in ("supervisord.conf", "etc/supervisord.conf"):
            def work(side):
                folder = side.folder / "work"
                file = folder / place
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(side.filled("[supervisorctl]\nserverurl={url}\nprompt=found\n"))
                result = side.run([], stdin="pid\n", cwd=folder)
                file.unlink()
                return result
            self.pair.compare(self, place, work)

    def test_sessions(self):
        for what, text in SESSIONS.items():
            self.pair.compare(self, what, in_same_state(["-c", "{conf}"], stdin=text))

    def test_fg_hands_lines_over(self):
        def work(side):
            side.prepare()
            side.supervisord.rpc("startProcess", "echo")
            result = side.run(["-c", "{conf}", "fg", "echo"], stdin="said\n")
            until("the line is in the log", lambda: "said" in (side.folder / "echo.out").read_text())
            # Whether the logs come before the end of the input is a matter of time.
            result["stdout"] = [line for line in result["stdout"].splitlines()
                                if "==>" in line or "Exiting" in line]
            # Theirs ends its follower by SystemExit, and tells so if that connects at the moment.
            ended_while_connecting = "CLOSED Cannot connect, error: <class 'SystemExit'> ()\n"
            result["stderr"] = result["stderr"].replace(ended_while_connecting, "")
            return result
        self.pair.compare(self, "fg", work)

    def test_followed_logs(self):
        for words in ("tail -f echo", "tail -f echo stderr", "tail -f nobody", "maintail -f"):
            def work(side):
                side.prepare()
                command = side.argv(["-c", str(side.supervisord.config), *words.split()])
                with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      text=True, env=side.environment()) as child:
                    lines = {"tail -f echo": 3, "tail -f nobody": 1}.get(words, 2)
                    first = "".join(child.stdout.readline() for _ in range(lines))
                    if "nobody" not in words:
                        until("it waits", lambda: pathlib.Path(f"/proc/{child.pid}/stat").read_text()
                              .rpartition(")")[2].split()[0] == "S")
                        child.send_signal(signal.SIGINT)
                    try:
                        out, err = child.communicate(timeout=60)
                    finally:
                        child.kill()  # it would be waited for
                if "main" in words:  # which lines it has is supervisord's
                    first, out = first.splitlines()[0], out[-1:]
                return first, out, masked(err, side), child.returncode
            self.pair.compare(self, words, work)

    def test_the_calls_of_other_programs(self):
        """Ansible's module and testinfra's, as they send them."""
        for words in (["status"], ["status", "steady"], ["status", "nobody"], ["status", "pair:"],
                      ["restart", "steady"], ["restart", "idle"], ["restart", "pool:"],
                      ["start", "idle"], ["start", "steady"], ["stop", "steady"], ["stop", "pool:"],
                      ["reread"], ["update"], ["update", "steady"], ["add", "steady"],
                      ["signal", "WINCH", "mute"]):
            self.pair.compare(self, f"ansible {words}", in_same_state(
                ["-c", "{conf}", "-s", "{url}", "-u", "user", "-p", "secret", *words]))
        for words in (["status"], ["status", "steady"], ["status", "nobody"], ["status", "idle"]):
            self.pair.compare(self, f"testinfra {words}", in_same_state(["-c", "{conf}", *words]))

    def test_x_a_changed_configuration(self):
        """Last in the alphabet: it leaves other states behind."""
        more = "\n[program:more]\ncommand=sleep infinity\nstartsecs=0\n"
        other = STEADY.replace("infinity", "1000000")
        cases = (("add and remove", PROGRAMS.replace("program:idle", "program:lazy") + more,
                  ["reread", "avail", "update nobody", "update more", "status more", "update"]),
                 ("change", PROGRAMS.replace(STEADY, other),
                  ["reread", "update missing", "update steady", "status steady", "update"]),
                 ("one by one", PROGRAMS + more,
                  ["reread", "add more", "add more", "remove more", "stop more",
                   "remove more more", "add more nobody"]),
                 ("syntax", PROGRAMS + "\n[program:broken]\n", ["reread", "update"]),
                 ("back", PROGRAMS, ["update all", "avail"]))
        for what, programs, commands in cases:
            for side in self.pair.sides:
                text = side.supervisord.config.read_text()
                head = text[:text.index("[program:steady]")]
                side.supervisord.config.write_text(head + side.filled(programs))
            for command in commands:
                def work(side):
                    result = side.run(["-c", "{conf}", *command.split()])
                    side.settle()
                    return result, {name: row["statename"] for name, row in side.processes().items()}
                self.pair.compare(self, f"{what}: {command}", work)


class Locked(Supervisord):
    """One that wants a password, for which support.py's calls have none."""

    def up(self):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.socket))
            return True


class WithAPassword(unittest.TestCase):
    maxDiff = None

    def test_it_is_asked_for(self):
        with Workspace() as workspace:
            pair = Pair(workspace, STEADY, kind=Locked,
                        socket_access="username=user\npassword=right")
            for words, stdin in ((["status"], ""), (["-u", "user", "status"], ""),
                                 (["-u", "user", "-p", "wrong", "start", "steady"], ""),
                                 (["-u", "user", "-p", "wrong", "shutdown"], ""),
                                 (["-u", "user", "-p", "right", "status"], ""),
                                 (["-u", "user", "-p", "right", "pid", "steady"], ""),
                                 (["-u", "user", "-p", "wrong", "tail", "-f", "steady"], ""),
                                 ([], "user\nright\nversion\n"),
                                 ([], "user\nwrong\nuser\nright\n"),
                                 (["-i", "version"], "user\nright\n"), ([], "")):
                pair.compare(self, f"{words} {stdin!r}",
                             lambda side: side.run(["-s", "{url}", *words], stdin=stdin))


class RestartsAndShutdowns(unittest.TestCase):
    maxDiff = None

    def test_supervisord_is_ended_alike(self):
        with Workspace() as workspace:
            pair = Pair(workspace, STEADY)

            def reload(side):
                def pid():
                    return side.processes()["steady"]["pid"]
                before = pid()

                def is_up_again():
                    try:
                        return pid() not in (0, before)
                    except xmlrpc.client.Fault:  # still shutting down
                        return False
                result = side.run(["-c", "{conf}", "reload"])
                until("it is up again", is_up_again)
                return result

            def shutdown(side):
                result = side.run(["-c", "{conf}", "-i", "shutdown"], stdin="Yes\n")
                side.supervisord.wait()
                return result
            pair.compare(self, "reload", reload)
            pair.compare(self, "shutdown", shutdown)
            for command in ("shutdown", "status", "start steady"):
                pair.compare(self, f"{command} afterwards",
                             lambda side: side.run(["-c", "{conf}", *command.split()]))


class SparesReeve(Scenario):
    def test_its_own_program_is_ended_by_force_alone(self):
        supervisord = self.start_supervisord(
            f"[program:agent]\ncommand={REEVE} serve --config {{folder}}/reeve.yaml\nstartsecs=0\n"
            "autostart=false\n[program:other]\ncommand=sleep infinity\nstartsecs=0\n")
        (supervisord.folder / "reeve.yaml").write_text(
            f"supervisor: {{url: '{supervisord.url}'}}\n"
            f"metrics: {{listen: '127.0.0.1:{free_port()}'}}\n"
            f"state_dir: {supervisord.folder}/state\n")
        supervisord.rpc("startProcess", "agent")

        def ctl(*words):
            done = subprocess.run([REEVE, "supervisorctl", "-c", supervisord.config, *words],
                                  capture_output=True, text=True, timeout=60, check=False)
            return done.returncode, done.stdout
        for command in ("shutdown", "reload"):
            self.assertEqual(ctl(command), (1, f"ERROR: {command} would end agent, which runs Reeve "
                                               f"itself: {command} --force does it\n"))
        self.assertEqual(ctl("remove", "agent")[0], 1)
        self.assertEqual(ctl("remove", "other"), (1, "ERROR: process/group still running: other\n"))
        self.assertEqual(ctl("remove", "--force", "agent"),
                         (1, "ERROR: process/group still running: agent\n"))
        self.assertEqual(supervisord.state("agent"), "RUNNING")
        self.assertEqual(ctl("shutdown", "--force"), (0, "Shut down\n"))
        supervisord.wait()


class OnATerminal(Scenario):
    """What programs and configurations say does not control the terminal that it is shown on."""

    EVIL = "\\033[2J\\033]0;title\\007\\033[31mred\\033[0m over\\rwritten\\n"

    def setUp(self):
        self.supervisord = self.start_supervisord(
            f'[program:evil]\ncommand=sh -c "printf \'{self.EVIL}\'; exec sleep infinity"\n'
            "stdout_logfile={folder}/evil.out\n"
            "[program:\x1b[2Jname]\ncommand=sleep infinity\nautostart=false\n")
        until("it has written", (self.supervisord.folder / "evil.out").read_bytes)

    def shown(self, *words):
        ours, theirs = pty.openpty()
        done = subprocess.Popen([REEVE, *words], stdin=subprocess.DEVNULL, stdout=theirs,
                                stderr=theirs)
        os.close(theirs)
        seen = b""
        while True:
            try:
                block = os.read(ours, 65536)
            except OSError:  # the last who could write has closed it
                break
            if not block:
                break
            seen += block
        os.close(ours)
        done.wait(60)
        return seen.replace(b"\r\n", b"\n")

    def test_a_log_keeps_its_colors_alone(self):
        config = ["-c", str(self.supervisord.config)]
        for words in (["supervisorctl", *config, "tail", "evil"],
                      ["tail", "evil", "--url", self.supervisord.url]):
            seen = self.shown(*words)
            self.assertIn(b"\\x1B[2J\\x1B]0;title\\x07\x1b[31mred\x1b[0m over\\x0Dwritten\n", seen)
        piped = subprocess.run([REEVE, "supervisorctl", *config, "tail", "evil"],
                               capture_output=True, timeout=60, check=False)
        self.assertIn(b"\x1b[2J\x1b]0;title\x07\x1b[31mred\x1b[0m over\rwritten\n", piped.stdout)

    def test_a_name_is_shown_without_what_controls(self):
        seen = self.shown("supervisorctl", "-c", str(self.supervisord.config), "status")
        self.assertIn(b"\\x1B[2Jname", seen)
        self.assertNotIn(b"\x1b", seen)


class Recorder(http.server.BaseHTTPRequestHandler):
    """Refuses each call and keeps the credentials that came with it."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(self.headers.get("Authorization"))
        self.send_error(404)

    def log_message(self, *_):
        pass


@unittest.skipUnless(os.getuid() == 0, "makes files of other users")
class FilesOfOthers(Scenario):
    """A supervisord.conf of the working folder, which may be somebody else's."""

    OTHER = 65533
    CALLER = 65534
    OWN = "serverurl={url}\nusername=user\npassword=theirs\n"

    def setUp(self):
        self.server = http.server.HTTPServer(("127.0.0.1", 0), Recorder)
        self.server.seen = []
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.elsewhere = f"http://localhost:{self.server.server_port}"
        self.folder = self.workspace.folder
        self.folder.chmod(0o755)
        self.reeve = self.folder / "reeve"  # where the caller may read it
        self.reeve.write_bytes(pathlib.Path(REEVE).read_bytes())
        self.reeve.chmod(0o755)

    def ctl(self, text, *words, user=CALLER, owner=OTHER):
        file = self.folder / "supervisord.conf"
        file.write_text("[supervisorctl]\n" + text.replace("{url}", self.url))
        os.chown(file, owner, owner)
        self.server.seen.clear()
        return subprocess.run([self.reeve, "supervisorctl", *words], cwd=self.folder, user=user,
                              group=user, capture_output=True, text=True, timeout=60, check=False,
                              env=dict(os.environ, SECRET="hidden"))

    def test_its_credentials_go_to_its_server_alone(self):
        self.ctl(self.OWN, "status")
        self.assertTrue(self.server.seen and all(self.server.seen), self.server.seen)
        self.ctl(self.OWN, "-s", self.elsewhere, "status")
        self.assertEqual(set(self.server.seen), {None})
        self.ctl(self.OWN, "open", self.elsewhere)
        self.assertEqual(set(self.server.seen), {None})
        self.ctl(self.OWN, "-s", self.elsewhere, "status", owner=self.CALLER)
        self.assertEqual(set(self.server.seen), {None}, "a cloned folder's file is the caller's")

    def test_the_callers_secrets_do_not_go_to_its_server(self):
        for text, words in (("serverurl={url}/\nusername=a\npassword=%(ENV_SECRET)s\n", []),
                            ("serverurl={url}/%(ENV_SECRET)s\n", []),
                            (self.OWN, ["-u", "me", "-p", "mine"])):
            for owner in (self.OTHER, self.CALLER):
                done = self.ctl(text, *words, "status", owner=owner)
                self.assertEqual((done.returncode, self.server.seen), (2, []))
                self.assertRegex(done.stderr, "supervisord.conf .* the working folder")
        done = self.ctl(self.OWN, "-c", "supervisord.conf", "-u", "me", "-p", "mine", "status")
        self.assertTrue(self.server.seen and all(self.server.seen), done.stderr)

    def test_root_reads_none_that_is_not_roots(self):
        done = self.ctl(self.OWN, "status", user=0)
        self.assertEqual(self.server.seen, [])
        self.assertIn("supervisord.conf is not read: another user than root", done.stderr)
        self.ctl(self.OWN, "status", user=0, owner=0)
        self.assertTrue(self.server.seen and all(self.server.seen))


if __name__ == "__main__":
    unittest.main()
