"""Every command on a supervisord with a program in every state, odd names and odd logs."""

import json
import os
import pathlib
import subprocess
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


def setUpModule():
    global WORKSPACE, SUPERVISORD
    WORKSPACE = Workspace()
    unittest.addModuleCleanup(WORKSPACE.close)
    programs = ALL_STATES.read_text().replace("{here}", str(ALL_STATES.parent))
    SUPERVISORD = WORKSPACE.start(Supervisord, WORKSPACE.folder / "supervisord", programs)
    with open(SUPERVISORD.folder / "log_big.out", "wb") as log:
        log.truncate(3 << 30)
        log.seek(0, os.SEEK_END)
        log.write(b"the end\n")
    until("all have settled", lambda: all(
        SUPERVISORD.state(name) in (state, "RUNNING") for name, state in STATES.items()))
    SUPERVISORD.rpc("stopProcess", "stopped_after_run")
    SUPERVISORD.rpc("stopProcess", "stopping", False)
    until("stopping is", lambda: SUPERVISORD.state("stopping") == "STOPPING")


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
            self.assertIn("healthcheck", support.reeve("completion", shell).stdout)
        self.assertEqual(support.reeve("frobnicate").returncode, 2)
        self.assertEqual(support.reeve("list", "--frobnicate").returncode, 2)


if __name__ == "__main__":
    unittest.main()
