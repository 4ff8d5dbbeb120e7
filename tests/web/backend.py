"""A real supervisord and a real agent for the tests of the page, which are in JavaScript. It says
where they are as one line of JSON; then each line on standard input is a command, [name, argument...],
answered by one line with its result. End of input ends everything."""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e")]
sys.dont_write_bytecode = True
from support import REEVE, ROOT, Agent, Child, Etcd, Supervisord, Workspace, until

READER = "a-token-that-may-read-and-nothing-else"
WEB = "a-token-that-may-act-on-web-and-nothing-else"
TOKENS = """
    - name: reader
      file: {folder}/reader
      scopes: [read]
    - name: web
      file: {folder}/web
      scopes: [read, control]
      allow: ["web:*"]
      read_all: true
"""


class Backend:
    """In a configuration {certificates} and {member} are replaced, and {etcd} by an etcd of its own. It
    may begin with further keys of `control`."""

    def __init__(self, workspace, programs, config):
        self.workspace = workspace
        self.folder = workspace.folder
        self.programs = pathlib.Path(programs).read_text()
        self.extra = pathlib.Path(config).read_text() if config else ""
        self.hosts = {}
        if "{etcd}" in self.extra:
            self.etcd = workspace.start(Etcd, self.folder / "etcd")
            self.extra = self.extra.replace("{etcd}", self.etcd.url)
        self.extra = self.extra.replace("{certificates}", str(ROOT / "tests/fixtures/tls"))
        for name, token in (("reader", READER), ("web", WEB)):
            (self.folder / name).write_text(token + "\n")
            (self.folder / name).chmod(0o600)
        self.text, self.supervisord, self.agent = self.start_both("host1")
        self.has_tls = "tls:" in self.extra
        if not self.has_tls:
            # A new agent does not know what was done before, and waits for a cooldown.
            assert self.control("POST", "/api/v1/guards/*/reset")["status"] == 200

    def start_both(self, name):
        """A supervisord and its agent: (configuration, supervisord, agent)."""
        supervisord = self.workspace.start(Supervisord, self.folder / f"supervisord-{name}",
                                           self.programs.replace("{reeve}", REEVE))
        text = (f"supervisor: {{url: {supervisord.url}, timeout: 1s}}\n"
                "poll: {interval: 200ms, timeout: 2s}\n" + Agent.LISTENERS.rstrip("\n") +
                TOKENS.format(folder=self.folder) + self.extra.replace("{member}", name))
        agent = self.workspace.start(Agent, self.folder / f"reeve-{name}", text)
        until("supervisord is seen", lambda: agent.samples().one("supervisord_up") == 1)
        return text, supervisord, agent

    def watch_two(self):
        """From now on the agent watches a second supervisord with the same programs, too: one, two."""
        other = self.workspace.start(Supervisord, self.folder / "supervisord-two", self.programs)
        members = ", ".join(f"{{name: {name}, url: {each.url}, timeout: 1s}}"
                            for name, each in (("one", self.supervisord), ("two", other)))
        self.text = re.sub("^supervisor: .*", f"supervisors: [{members}]", self.text)
        self.stop_agent()
        self.agent.write_config(self.text)
        self.start_agent()
        until("both are seen", lambda: self.agent.samples().find("supervisord_up") == [1, 1])

    def start_host(self, name):
        """Another member of the cluster; its URL."""
        self.hosts[name] = self.start_both(name)[2]
        return f"http://localhost:{self.hosts[name].control_port}/"

    def kill_host(self, name):
        agent = self.hosts[name]
        self.workspace.children.remove(agent)
        agent.process.kill()
        agent.process.wait()

    def facts(self):
        scheme = "https" if self.has_tls else "http"
        return {"url": f"{scheme}://localhost:{self.agent.control_port}/",
                "token": self.agent.token, "reader": READER, "web": WEB, "folder": str(self.folder),
                "certificates": str(ROOT / "tests/fixtures/tls"), "pid": self.agent.pid,
                "supervisord": str(self.supervisord.config)}

    def rpc(self, method, *parameters):
        return self.supervisord.rpc(method, *parameters)

    def pause(self):
        self.supervisord.pause()

    def resume(self):
        self.supervisord.resume()

    def stop_agent(self):
        self.workspace.children.remove(self.agent)
        self.agent.end()

    def start_agent(self):
        """On the same ports, with the same token."""
        Child.__init__(self.agent, [REEVE, "serve", "--config", self.agent.config],
                       self.agent.output)
        self.workspace.children.append(self.agent)
        until("the agent is back", self.agent.up)

    def control(self, method, path, body=None):
        answer = self.agent.control(method, path, body)
        return {"status": answer.status, "body": answer.body}

    def configure(self, old, new):
        """Replaces text in the agent's configuration and has it read."""
        assert old in self.text, old
        self.text = self.text.replace(old, new)
        self.agent.write_config(self.text)
        assert self.control("POST", "/-/reload")["status"] == 200

    def append(self, name, text):
        """To a file beside supervisord, such as a log."""
        with open(self.supervisord.folder / name, "ab") as file:
            file.write(bytes(text, "latin-1"))

    def edit_supervisord(self, old, new):
        """Replaces text in supervisord's configuration; in place of nothing it is added."""
        text = self.supervisord.config.read_text(encoding="utf-8")
        assert old in text, old
        text = text.replace(old, new) if old else text + new
        self.supervisord.config.write_text(text, encoding="utf-8")


def main():
    with Workspace() as workspace:
        backend = Backend(workspace, sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
        print(json.dumps(backend.facts()), flush=True)
        for line in sys.stdin:
            name, *arguments = json.loads(line)
            try:
                answer = {"result": getattr(backend, name)(*arguments)}
            except Exception as error:  # the test says what went wrong
                answer = {"error": repr(error)}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
