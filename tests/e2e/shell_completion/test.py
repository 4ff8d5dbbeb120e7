"""Completion in real shells: zsh on a terminal, as a person types, and fish. (Bash is in command_line.)
What is completed here holds for both; a shell that is not installed is named, and the exit status is 77.
"""

import os
import pathlib
import pty
import select
import shutil
import signal
import subprocess
import sys
import unittest

import support
from support import Scenario, until

SKIPPED = 77
PROGRAMS = """
[program:mailer]
command=sleep infinity
[program:odd$(touch${IFS}ran)]
command=sleep infinity
[program:front]
command=sleep infinity
[program:back]
command=sleep infinity
[group:web]
programs=front,back
"""
# The prompt is written in two parts, so that the terminal's echo of it is no prompt. ^X writes down the line as it is.
ZSH = r"""PS1='REA''DY> '; autoload -Uz compinit; compinit -u -D; source {script}; \
written() {{ print -r -- "$BUFFER" >{line}.new; mv {line}.new {line} }}; zle -N written; \
bindkey '^X' written
"""


class Terminal:
    """An interactive zsh without the user's configuration."""

    def __init__(self, folder, script, environment):
        self.line = folder / "line"
        self.seen = b""
        self.pid, self.descriptor = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe("zsh", ["zsh", "-f", "-i"], {**environment, "TERM": "xterm"})
        self.type(ZSH.format(script=script, line=self.line))

    def type(self, text):
        os.write(self.descriptor, text.encode())

    def has_prompt(self):
        while select.select([self.descriptor], [], [], 0)[0]:
            self.seen += os.read(self.descriptor, 65536)
        return b"READY> " in self.seen

    def completed(self, line):
        until("zsh has a prompt", self.has_prompt)
        self.line.unlink(missing_ok=True)
        self.type(line + "\t\x18")
        until(f"{line} is completed", lambda: self.has_prompt() and self.line.exists())
        text = self.line.read_text().removesuffix("\n")
        self.type("\x15")  # the line is emptied
        return text

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.descriptor)


class ShellCompletion(Scenario):
    def setUp(self):
        self.folder = self.workspace.folder
        self.supervisord = self.start_supervisord(PROGRAMS)
        self.url = f"--url {self.supervisord.url}"
        (self.folder / "bin").mkdir()
        (self.folder / "bin/reeve").symlink_to(pathlib.Path(support.REEVE).resolve())
        (self.folder / "file.yaml").touch()
        self.environment = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "LANG": "C.UTF-8",
                            "HOME": str(self.folder)}

    def script(self, shell):
        file = self.folder / f"_reeve.{shell}"
        file.write_text(support.reeve("completion", shell).stdout)
        return file

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh(self):
        zsh = Terminal(self.folder, self.script("zsh"), self.environment)
        self.addCleanup(zsh.end)
        url = self.url

        def becomes(line, expected):  # names are left out if supervisord does not answer at once
            until(f"{line} becomes {expected}", lambda: zsh.completed(line) == expected)

        for line, expected in (
                ("reeve healthch", "reeve healthcheck "),
                (f"reeve status {url} mai", f"reeve status {url} mailer "),
                (f"reeve status {url} web:", f"reeve status {url} web:"),  # one of three
                (f"reeve status {url} web:fr", f"reeve status {url} web:front "),
                (f"reeve status {url} 'web:fr", f"reeve status {url} 'web:front' "),
                (f"reeve tail {url} mailer stde", f"reeve tail {url} mailer stderr "),
                ("reeve signal WIN", "reeve signal WINCH "),
                ("reeve list --outp", "reeve list --output "),
                ("reeve list --output=j", "reeve list --output=json "),
                ("reeve --config file.y", "reeve --config file.yaml "),
                ("reeve --config=file.y", "reeve --config=file.yaml "),
                ("reeve check-config file.y", "reeve check-config file.yaml ")):
            becomes(line, expected)
        becomes(f"reeve stop {url} odd",  # quoted, and not run
                rf"reeve stop {url} odd\$\(touch\$\{{IFS\}}ran\) ")
        self.assertFalse((self.folder / "ran").exists())

    def fish(self, line):
        """What fish offers for this line."""
        script = self.script("fish")
        done = subprocess.run(["fish", "--no-config", "-c", 'source $argv[1]; complete -C $argv[2]',
                               script, line], cwd=self.folder, env=self.environment, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [offered.split("\t")[0] for offered in done.stdout.splitlines()]

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_fish(self):
        url = self.url
        for line, expected in (
                ("reeve healthch", ["healthcheck"]),
                (f"reeve status {url} mai", ["mailer"]),
                (f"reeve status {url} web:", ["web:*", "web:back", "web:front"]),
                (f"reeve status {url} 'web:fr", ["web:front"]),
                (f"reeve tail {url} mailer stde", ["stderr"]),
                ("reeve signal WIN", ["WINCH"]),
                ("reeve list --outp", ["--output"]),
                ("reeve list --output=j", ["--output=json"]),
                ("reeve --config file.y", ["file.yaml"]),
                ("reeve --config=file.y", ["--config=file.yaml"]),
                ("reeve --config=none", []),
                ("reeve check-config file.y", ["file.yaml"])):
            until(f"{line} is offered {expected}", lambda: self.fish(line) == expected)
        until("the odd name is offered",
              lambda: self.fish(f"reeve stop {url} odd") == ["odd$(touch${IFS}ran)"])
        self.assertFalse((self.folder / "ran").exists())


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    for _, reason in result.skipped:
        print("skipped:", reason)
    sys.exit(1 if not result.wasSuccessful() else SKIPPED if result.skipped else 0)
