"""Every command on a supervisord with a program in every state, odd names and odd logs."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
import unittest

import support
from odd_output import OUTPUT
from support import REEVE, Supervisord, Workspace, until

ALL_STATES = pathlib.Path(__file__).resolve().parents[1] / "all_states.conf"

STATES = {
    "running": "RUNNING", "stopped_never": "STOPPED", "stopped_after_run": "STOPPED",
    "starting": "STARTING", "exited_ok": "EXITED", "exited_bad": "EXITED",
    "exited_signal": "EXITED", "fatal_nofile": "FATAL", "stopping": "STOPPING",
    "naïve-日本": "RUNNING", "a&b<c>\"d'": "STOPPED",
}


def odd_names_programs(port):
    """Names that are patterns too, on a TCP port."""
    names = ("worker[1]", "worker1", "job*", "job1")
    programs = "".join(f"[program:{name}]\ncommand=sleep infinity\nstartsecs=0\n"
                       for name in names)
    programs += "".join(
        f"[program:{name}]\ncommand=sleep infinity\nautostart=false\nstartsecs=2\n"
        f"priority={priority}\nprocess_name=%(process_num)s\nnumprocs={count}\n"
        for name, priority, count in (("last", 20, 10), ("first", 1, 1), ("middle", 10, 1)))
    programs += "[program:neverup]\ncommand=sleep infinity\nautostart=false\nstartsecs=1000\n"
    return (f"[inet_http_server]\nport=127.0.0.1:{port}\n[group:pool]\n"
            f"programs=worker[1],worker1\n{programs}")


def setUpModule():
    global WORKSPACE, SUPERVISORD, ODD_NAMES, ODD_NAMES_PORT
    WORKSPACE = Workspace()
    unittest.addModuleCleanup(WORKSPACE.close)
    programs = ALL_STATES.read_text().replace("{here}", str(ALL_STATES.parent))
    SUPERVISORD = WORKSPACE.start(Supervisord, WORKSPACE.folder / "supervisord", programs)
    ODD_NAMES_PORT = support.free_port()
    ODD_NAMES = WORKSPACE.start(Supervisord, WORKSPACE.folder / "odd_names",
                                odd_names_programs(ODD_NAMES_PORT))
    with open(SUPERVISORD.folder / "log_big.out", "wb") as log:
        log.truncate(3 << 30)
        log.seek(0, os.SEEK_END)
        log.write(b"the end\n")
    until("all have settled", lambda: all(
        SUPERVISORD.state(name) == ("RUNNING" if name in ("stopped_after_run", "stopping") else state)
        for name, state in STATES.items()))
    SUPERVISORD.rpc("stopProcess", "stopped_after_run")
    SUPERVISORD.rpc("stopProcess", "stopping", False)
    until("stopping is", lambda: SUPERVISORD.state("stopping") == "STOPPING")


def as_user(command, folder, **variables):
    """Runs it in the folder as a user who is not root, with those variables alone."""
    user = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    variables = {"PATH": f"{pathlib.Path(REEVE).parent}:{os.environ['PATH']}", **variables}
    return subprocess.run(command, cwd=folder, env=variables, stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=60, **user)


def completed(line, folder, **variables):
    """What bash offers after a line is typed and TAB is pressed."""
    script = f"""
        eval "$(reeve completion bash)"
        COMP_LINE="$1" COMP_POINT=${{#1}}
        # As readline splits it.
        readarray -t COMP_WORDS < <(grep -oE "[:=]|[^[:space:]:=]+" <<< "$1")
        [[ "$1" == *[[:space:]] ]] && COMP_WORDS+=("")
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        _reeve
        printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = as_user(["bash", "-c", script, "bash", line], folder, **variables)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.split()


class Trap:
    """Listens on loopback, and counts who comes."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def visitors(self):
        self.listener.setblocking(False)
        try:
            self.listener.accept()
            return 1
        except BlockingIOError:
            return 0


def reeve(*words):
    return support.reeve(*words, "--url", SUPERVISORD.url)



class CommandLine(unittest.TestCase):
    def test_list_shows_all_of_them_with_their_states(self):
        listed = reeve("list")
        self.assertEqual(listed.returncode, 0, listed.stderr)
        for name, state in STATES.items():
            line = next(line for line in listed.stdout.splitlines() if name in line.split())
            self.assertIn(state, line)

    def test_list_as_json_has_every_member(self):
        processes = json.loads(reeve("list", "--output", "json").stdout)
        by_name = {process["name"]: process for process in processes}
        for name, state in STATES.items():
            self.assertEqual(by_name[name]["state"], state)
        self.assertEqual(by_name["exited_bad"]["exit_status"], 7)
        self.assertIs(by_name["exited_bad"]["last_exit_expected"], False)
        self.assertIsNone(by_name["stopped_never"]["start_time"])
        self.assertIn("can't find command", by_name["fatal_nofile"]["spawn_error"])

    def test_patterns_choose(self):
        for pattern, count in (("web:*", 2), ("worker:worker_0[01]", 2), ("log_*", 7),
                               ("naïve-日本", 1), ("a&b*", 1)):
            processes = json.loads(reeve("list", pattern, "--output", "json").stdout)
            self.assertEqual(len(processes), count, pattern)

    def test_status_of_one_says_all_that_is_known(self):
        said = reeve("status", "exited_bad").stdout
        for word in ("EXITED", "7", "Bad exit code"):
            self.assertIn(word, said)

    def test_exit_codes_of_status(self):
        for name, code in (("running", 0), ("starting", 0), ("stopping", 0), ("stopped_never", 3),
                           ("exited_ok", 3), ("fatal_nofile", 3), ("nobody", 4)):
            self.assertEqual(reeve("status", name).returncode, code, name)

    def test_start_stop_and_restart_of_an_oddly_named_one(self):
        name = "naïve-日本"
        before = SUPERVISORD.rpc("getProcessInfo", name)["pid"]
        self.assertEqual(reeve("restart", name).returncode, 0)
        self.assertNotEqual(SUPERVISORD.rpc("getProcessInfo", name)["pid"], before)
        self.assertEqual(reeve("stop", name).returncode, 0)
        self.assertEqual(SUPERVISORD.state(name), "STOPPED")
        self.assertEqual(reeve("stop", name).returncode, 0)
        self.assertEqual(reeve("start", name).returncode, 0)
        self.assertEqual(SUPERVISORD.state(name), "RUNNING")
        odd = "a&b<c>\"d'"
        self.assertEqual(reeve("start", odd).returncode, 0)
        self.assertEqual(reeve("stop", odd).returncode, 0)

    def test_actions_on_what_is_not_there(self):
        self.assertEqual(reeve("start", "nobody").returncode, 1)
        self.assertEqual(reeve("start", "fatal_nofile").returncode, 1)
        self.assertEqual(reeve("start").returncode, 2)
        self.assertNotEqual(reeve("restart", "no*body").returncode, 0)

    def test_signal_and_pid(self):
        pid = SUPERVISORD.rpc("getProcessInfo", "running")["pid"]
        self.assertEqual(reeve("pid", "running").stdout.strip(), str(pid))
        self.assertEqual(reeve("pid").stdout.strip(), str(SUPERVISORD.pid))
        self.assertEqual(reeve("signal", "CONT", "running").returncode, 0)
        self.assertNotEqual(reeve("signal", "NONE", "running").returncode, 0)

    def test_tail_gives_what_is_in_every_odd_log(self):
        for kind in ("plain", "ansi", "nul", "utf8"):
            done = subprocess.run([REEVE, "tail", f"log_{kind}", "--url", SUPERVISORD.url],
                                  capture_output=True, timeout=60)
            self.assertEqual((done.stdout, done.returncode), (OUTPUT[kind], 0), done.stderr)
        # supervisord hands out no byte that is not UTF-8
        self.assertEqual(reeve("tail", "log_latin1").stdout, "caf\ufffd\n")
        self.assertEqual(reeve("tail", "log_plain", "stderr").stdout, "an error\n")
        self.assertTrue(reeve("tail", "-n", "8", "log_big").stdout.endswith("the end\n"))
        self.assertEqual(reeve("tail", "-n", "4", "log_plain").stdout, "]]>\n")
        self.assertNotEqual(reeve("tail", "log_none").returncode, 0)

    def test_tail_f_follows_and_ends_on_an_interrupt(self):
        follow = WORKSPACE.start(support.Child, [REEVE, "tail", "-f", "web:web_back", "--url",
                                                 SUPERVISORD.url], WORKSPACE.folder / "follow")
        SUPERVISORD.rpc("sendProcessStdin", "web:web_back", "first\n")
        until("the first line", lambda: "first\n" in follow.text())
        SUPERVISORD.rpc("sendProcessStdin", "web:web_back", "second\n")
        until("the second line", lambda: follow.text().count("second\n") == 1)
        follow.signal(2)
        self.assertIn(follow.wait(), (0, 130))
        self.assertEqual(reeve("clear", "web:web_back").returncode, 0)
        self.assertEqual(reeve("tail", "web:web_back").stdout, "")

    def test_healthcheck_minds_only_what_is_broken(self):
        for name, code in (("running", 0), ("stopped_never", 0), ("exited_ok", 0),
                           ("exited_bad", 1), ("fatal_nofile", 1)):
            self.assertEqual(reeve("healthcheck", name).returncode, code, name)
        self.assertEqual(reeve("healthcheck").returncode, 1)

    def test_reread_and_update_apply_a_new_program(self):
        config = SUPERVISORD.config.read_text()
        SUPERVISORD.config.write_text(config + "\n[program:later]\ncommand=sleep infinity\n")
        self.assertIn("later", reeve("reread").stdout)
        self.assertEqual(reeve("update").returncode, 0)
        self.assertIn(SUPERVISORD.state("later"), ("STARTING", "RUNNING"))
        SUPERVISORD.config.write_text(config)
        self.assertEqual(reeve("update", "later").returncode, 0)
        self.assertEqual(reeve("status", "later").returncode, 4)

    def test_nobody_there(self):
        self.assertEqual(support.reeve("status", "--url", "unix:///no/such.sock").returncode, 4)
        self.assertEqual(support.reeve("start", "x", "--url", "unix:///no/such.sock").returncode, 7)
        port = support.free_port()
        self.assertEqual(support.reeve("list", "--url", f"http://127.0.0.1:{port}").returncode, 4)

    def test_help_version_completion_and_what_is_not_known(self):
        self.assertEqual(support.reeve("version").returncode, 0)
        self.assertIn("restart", support.reeve("help").stdout)
        for shell in ("bash", "zsh", "fish"):
            self.assertIn("reeve __complete", support.reeve("completion", shell).stdout)
        self.assertEqual(support.reeve("frobnicate").returncode, 2)
        self.assertEqual(support.reeve("list", "--frobnicate").returncode, 2)

    def test_a_cloned_folder_steals_no_secret(self):
        trap = Trap()
        self.addCleanup(trap.listener.close)
        folder = WORKSPACE.folder / "cloned"
        folder.mkdir()
        (folder / "config.yaml").write_text(
            f"supervisor: {{url: 'http://127.0.0.1:{trap.port}', username: x,"
            " password_file: token}\n")
        (folder / "token").write_text("a secret\n")
        self.reachable(folder)
        for words in (["status"], ["stop", "x"], ["list", "--timeout", "1s"], ["healthcheck"]):
            done = as_user([REEVE, *words], folder)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("supervisor.password_file", done.stderr)
            self.assertIn("--config", done.stderr)
        (folder / "config.yaml").write_text(f"supervisor: {{url: 'http://127.0.0.1:{trap.port}'}}\n")
        done = as_user([REEVE, "status"], folder, REEVE_USERNAME="x",
                       REEVE_PASSWORD_FILE=str(folder / "token"))
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(completed("reeve stop ", folder), ["all"])
        self.assertEqual(completed("reeve tail x", folder), [])
        self.assertEqual(trap.visitors(), 0)

    def test_bash_completes_what_the_options_name(self):
        folder = WORKSPACE.folder / "completing"
        folder.mkdir()
        self.reachable(folder)
        url = f"--url http://127.0.0.1:{ODD_NAMES_PORT}"
        until("the names are offered", lambda: completed(f"reeve stop {url} pool:", folder)
              == ["worker1", r"worker\[1\]", r"\*"])
        self.assertEqual(completed("reeve tail -f pool:worker1 std", folder), ["stdout", "stderr"])
        self.assertEqual(completed("reeve signal US", folder), ["USR1", "USR2"])
        self.assertEqual(completed("reeve list --output=j", folder), ["json"])
        until("groups are", lambda: r"pool:\*" in completed(f"reeve maintenance {url} set ", folder))
        (folder / "x.yaml").touch()
        self.assertEqual(completed("reeve list --config x", folder), ["x.yaml"])

    def test_what_is_the_name_of_a_process_is_that_process(self):
        odd = lambda *words: support.reeve(*words, "--url", ODD_NAMES.url)
        for name, other in (("pool:worker[1]", "pool:worker1"), ("job*", "job1")):
            done = odd("stop", name)
            self.assertEqual((done.stdout, done.returncode), (f"{name}: stopped\n", 0), done.stderr)
            self.assertEqual(ODD_NAMES.state(other), "RUNNING")
            self.assertEqual(odd("status", name).returncode, 3)
            self.assertEqual(odd("tail", name).stderr, "")
            self.assertEqual(odd("start", name).returncode, 0)

    def test_priorities_one_after_the_other_and_side_by_side_within(self):
        odd = lambda *words: support.reeve(*words, "--url", ODD_NAMES.url)
        begun = time.monotonic()
        done = odd("start", "last:*", "first:*", "middle:*")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[:2], ["first:0: started", "middle:0: started"])
        # Two seconds for each of three priorities; one after the other it would be twenty-four.
        self.assertLess(time.monotonic() - begun, 20)
        stopped = odd("stop", "first:*", "middle:*", "last:*").stdout.splitlines()
        self.assertEqual(stopped[-2:], ["middle:0: stopped", "first:0: stopped"])
        self.assertEqual(len(stopped), 12)

    def test_a_restart_that_takes_long_ends_at_a_signal_with_the_process_in_its_last_word(self):
        restart = WORKSPACE.start(support.Child, [REEVE, "restart", "neverup", "--url",
                                                  ODD_NAMES.url], WORKSPACE.folder / "restart")
        until("it is starting", lambda: ODD_NAMES.state("neverup") == "STARTING")
        restart.signal(15)
        self.assertEqual(restart.wait(), 1)
        self.assertEqual(restart.text().splitlines(), [
            "reeve: interrupted: finishing the restart of neverup; interrupt again to stop now",
            "reeve: neverup is still STARTING; supervisord goes on with it"])
        self.assertEqual(ODD_NAMES.state("neverup"), "STARTING")
        ODD_NAMES.rpc("stopProcess", "neverup")

    def test_looks_at_a_frozen_supervisord_take_one_calls_time(self):
        config = WORKSPACE.folder / "two.yaml"
        config.write_text(f"supervisors:\n  - {{name: frozen, url: '{ODD_NAMES.url}'}}\n"
                          f"  - {{name: good, url: '{SUPERVISORD.url}'}}\n")
        ODD_NAMES.pause()
        self.addCleanup(ODD_NAMES.resume)
        for words, shows in ((("list", "--url", ODD_NAMES.url), ""),
                             (("healthcheck", "--url", ODD_NAMES.url), ""),
                             (("status", "--config", config), "good/running")):
            begun = time.monotonic()
            done = support.reeve(*words)
            self.assertLess(time.monotonic() - begun, 9, words)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(shows, done.stdout)

    def test_a_followed_log_ends_quietly_with_its_reader(self):
        for command in (f"{REEVE} tail -f log_big --url {SUPERVISORD.url} | head -c 4",
                        f"{REEVE} tail -f running --url {SUPERVISORD.url} | true",
                        f"{REEVE} list --url {SUPERVISORD.url} | true"):
            done = subprocess.run(["bash", "-c", f"{command}; echo ${{PIPESTATUS[0]}} >&2"],
                                  capture_output=True, text=True, timeout=60)
            self.assertIn(done.stderr, ("141\n", "0\n"), command)

    def test_an_included_file_with_an_error_is_named(self):
        config = SUPERVISORD.config.read_text()
        included = SUPERVISORD.folder / "included.conf"
        included.write_text("[program:x]\ncommand=true\nno equals sign\n")
        SUPERVISORD.config.write_text(config + f"\n[include]\nfiles={included}\n")
        self.addCleanup(SUPERVISORD.config.write_text, config)
        done = reeve("reread")
        self.assertEqual(done.returncode, 1)
        for word in ("included.conf", "3", "no equals sign"):
            self.assertIn(word, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        included.write_text("foo=bar\n")
        self.assertIn("no section headers.; file: '", reeve("reread").stderr)

    def test_another_protocol_is_named(self):
        plain = support.reeve("list", "--url", f"https://127.0.0.1:{ODD_NAMES_PORT}")
        self.assertIn("use http:// in place of https://", plain.stderr)

    def reachable(self, folder):
        """For the user that as_user() takes, the executable too."""
        global REEVE
        if os.geteuid() != 0:
            return
        for path in (folder, *folder.iterdir()):
            os.chown(path, 65534, 65534)
        WORKSPACE.folder.chmod(0o755)
        if as_user([REEVE, "version"], folder).returncode != 0:
            REEVE = shutil.copy(REEVE, WORKSPACE.folder)


if __name__ == "__main__":
    unittest.main()
