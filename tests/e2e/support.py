"""Real parts for end-to-end scenarios: supervisord, reeve, Prometheus, each a child of this
process in one temporary folder, ended by its pid when the scenario is over. The demo and the
bench stand on them too.

The executable under test is the environment variable REEVE, else build/release/reeve.
"""

import base64
import collections
import http.client
import json
import os
import pathlib
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse
import xmlrpc.client

ROOT = pathlib.Path(__file__).resolve().parents[2]
REEVE = os.environ.get("REEVE", str(ROOT / "build/release/reeve"))
PATIENCE = 60  # seconds until a scenario gives up on what must happen

# A job in the background of a shell ignores SIGINT, and children inherit that: the default again.
signal.signal(signal.SIGINT, signal.default_int_handler)


def until(what, predicate, patience=PATIENCE):
    """Waits for a true value of predicate and returns it; a raised OSError counts as false."""
    deadline = time.monotonic() + patience
    last = None
    while time.monotonic() < deadline:
        try:
            last = predicate()
        except (OSError, http.client.HTTPException) as error:
            last = error
        if last and not isinstance(last, Exception):
            return last
        time.sleep(0.02)
    raise AssertionError(f"waited {patience} s in vain: {what} (last: {last!r})")


GIVEN_PORTS = set()


def free_port(first=None):
    """A free port of loopback that was not given before: the first from here on, or any. Never one
    that the kernel gives to clients: such a one may be somebody's before the server that it is
    meant for is up."""
    first = first or random.randrange(10_000, 30_000)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            if first in GIVEN_PORTS:
                return free_port(first + 1)
            probe.bind(("127.0.0.1", first))
        except OSError:
            return free_port(first + 1)
        GIVEN_PORTS.add(first)
        return first


Response = collections.namedtuple("Response", "status headers body")


def request(method, url, body=None, headers=None, timeout=20):
    """One HTTP request on a connection of its own. A dict as body is sent as JSON."""
    where = urllib.parse.urlsplit(url)
    headers = dict(headers or {})
    if isinstance(body, dict):
        body = json.dumps(body)
        headers.setdefault("Content-Type", "application/json")
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=timeout)
    try:
        target = where.path + ("?" + where.query if where.query else "")
        connection.request(method, target or "/", body, headers)
        answer = connection.getresponse()
        return Response(answer.status, answer.headers, answer.read().decode())
    finally:
        connection.close()


SAMPLE = re.compile(r'^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')


class Samples(list):
    """The samples of an exposition text: (name, labels, value)."""

    def __init__(self, text):
        for line in text.splitlines():
            if line and not line.startswith("#"):
                name, labels, value = SAMPLE.match(line).groups()
                self.append((name, dict(LABEL.findall(labels or "")), float(value)))

    def find(self, sample, /, **labels):
        """The values of all samples of this name that have these labels."""
        return [value for found, has, value in self
                if found == sample and labels.items() <= has.items()]

    def one(self, sample, /, **labels):
        """The only such value; None if there is none."""
        values = self.find(sample, **labels)
        assert len(values) < 2, f"{sample}{labels} is not one sample: {values}"
        return values[0] if values else None


def descendants(pid):
    """The pids of all children of a process and of their children."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            children = [int(word) for word in file.read().split()]
    except OSError:
        return []
    return children + [deeper for child in children for deeper in descendants(child)]


def has_trap(pid):
    """Whether it is a shell by now that catches or ignores SIGTERM: before that a stop ends it at once."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    masks = re.findall(r"(?m)^Sig(?:Ign|Cgt):\s*(\w+)", status)
    return "Name:\tsh\n" in status and any(
        int(mask, 16) >> (signal.SIGTERM - 1) & 1 for mask in masks)


class Child:
    """A process of ours, its output in a file."""

    def __init__(self, argv, output, **popen):
        self.output = pathlib.Path(output)
        with open(self.output, "ab") as file:
            self.process = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL,
                                            stdout=file, stderr=subprocess.STDOUT, **popen)
        self.pid = self.process.pid
        self.family = None  # the pids of its descendants when it was asked to end

    def up(self):
        """True once it can be used."""
        return True

    def text(self):
        return self.output.read_text(errors="replace")

    def signal(self, number):
        self.process.send_signal(number)

    def pause(self):
        """Returns once all its threads have stopped: until then it may still answer."""
        self.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self):
        self.signal(signal.SIGCONT)

    def running(self):
        return self.process.poll() is None

    def wait(self, patience=PATIENCE):
        """The exit status."""
        return self.process.wait(patience)

    def ask_to_end(self):
        """Once; end() does it, too."""
        if self.running() and self.family is None:
            self.family = descendants(self.pid)
            self.signal(signal.SIGTERM)
            self.signal(signal.SIGCONT)

    def end(self):
        self.ask_to_end()
        if not self.running():
            return
        try:
            self.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            for pid in self.family:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass


class UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def make_connection(self, host):
        connection = http.client.HTTPConnection("localhost")
        self._connection = host, connection  # closed by the proxy that owns this
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(PATIENCE)
        connection.sock.connect(self.path)
        return connection


class Supervisord(Child):
    """A private supervisord on a unix socket, with the given program sections."""

    HEAD = """
[unix_http_server]
file={folder}/s.sock
{socket_access}
[supervisord]
nodaemon=true
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
childlogdir={folder}
minfds={minfds}
{user}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{folder}/s.sock
"""

    def __init__(self, folder, programs, minfds=1024, socket_access=""):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.config = self.folder / "supervisord.conf"
        self.socket = self.folder / "s.sock"
        self.url = f"unix://{self.socket}"
        head = self.HEAD.format(folder=folder, minfds=minfds, socket_access=socket_access,
                                user="user=root" if os.getuid() == 0 else "")
        self.config.write_text(head + programs.replace("{folder}", str(folder)))
        super().__init__(["/usr/bin/supervisord", "-n", "-c", self.config],
                         self.folder / "output.log", env=dict(os.environ, PYTHONUTF8="1"))

    def rpc(self, method, *params):
        with xmlrpc.client.ServerProxy("http://localhost/RPC2",
                                       UnixTransport(str(self.socket))) as proxy:
            return getattr(proxy.supervisor, method)(*params)

    def up(self):
        return self.rpc("getState")["statecode"] == 1

    def state(self, name):
        return self.rpc("getProcessInfo", name)["statename"]


def stanza(file, command):
    """A stanza of packaging/supervisor, with another command and its log beside supervisord's."""
    text = (ROOT / "packaging/supervisor" / file).read_text()
    text = re.sub("(?m)^command=.*$", f"command={command}", text)
    return re.sub("(?m)^stderr_logfile=.*$", "stderr_logfile={folder}/reeve.log", text)


class Listeners:
    """An agent seen from outside, whoever runs it: its configuration, in which {metrics},
    {control} and {token_file} are replaced, and its two listeners. LISTENERS makes use of them.
    Unless the configuration says another, its state directory is in its folder."""

    LISTENERS = """
metrics:
  listen: "127.0.0.1:{metrics}"
control:
  enabled: true
  listen: "127.0.0.1:{control}"
  tokens:
    - name: test
      file: {token_file}
      scopes: [read, logs, control, alerts, admin]
"""

    def __init__(self, folder, config, metrics_port=None, control_port=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.metrics_port = metrics_port or free_port()
        self.control_port = control_port or free_port()
        self.token = secrets.token_hex(32)
        self.token_file = self.folder / "token"
        self.token_file.write_text(self.token + "\n")
        self.token_file.chmod(0o600)
        self.config = self.folder / "config.yaml"
        self.write_config(config)

    def write_config(self, config):
        for key, value in (("{metrics}", self.metrics_port), ("{control}", self.control_port),
                           ("{token_file}", self.token_file)):
            config = config.replace(key, str(value))
        if "state_dir:" not in config:
            config += f"\nstate_dir: {self.folder}/state\n"
        self.config.write_text(config)

    def up(self):
        return self.get("/-/ready").status == 200

    def get(self, path, **options):
        """From the metrics listener."""
        return request("GET", f"http://127.0.0.1:{self.metrics_port}{path}", **options)

    def samples(self):
        return Samples(self.get("/metrics").body)

    def control(self, method, path, body=None, token=None, headers=None, **options):
        """To the control listener, with this agent's token unless another one is given."""
        headers = {"Authorization": f"Bearer {token or self.token}", **(headers or {})}
        url = f"http://127.0.0.1:{self.control_port}{path}"
        return request(method, url, body, headers, **options)


class Agent(Listeners, Child):
    """`reeve serve` with the given configuration."""

    def __init__(self, folder, config, metrics_port=None, control_port=None):
        Listeners.__init__(self, folder, config, metrics_port, control_port)
        Child.__init__(self, [REEVE, "serve", "--config", self.config], self.folder / "reeve.log")


class Prometheus(Child):
    """A real Prometheus with the shipped example of a configuration and its rules, for agents on
    these ports; `edit` changes the configuration further."""

    EXAMPLES = ROOT / "packaging/prometheus"

    def __init__(self, folder, agents, interval="1s", port=None, edit=lambda text: text):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        config = pathlib.Path(folder) / "prometheus.yml"
        targets = ", ".join(f'"localhost:{each}"' for each in agents)
        config.write_text(edit((self.EXAMPLES / "prometheus.yml").read_text()
                               .replace('"localhost:19001"', targets)
                               .replace("interval: 15s", f"interval: {interval}")
                               .replace("- reeve.rules.yml", f"- {self.EXAMPLES}/*.rules.yml")))
        super().__init__(["/usr/bin/prometheus", f"--config.file={config}",
                          f"--storage.tsdb.path={folder}/tsdb",
                          f"--web.listen-address=127.0.0.1:{self.port}"],
                         pathlib.Path(folder) / "prometheus.log")

    def up(self):
        return request("GET", self.url + "/-/ready").status == 200

    def get(self, path, **parameters):
        """What its API answers as data."""
        query = urllib.parse.urlencode(parameters)
        answer = json.loads(request("GET", f"{self.url}/api/v1/{path}?{query}").body)
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression):
        """The result vector: [{"metric": {...}, "value": [time, text]}, ...]."""
        return self.get("query", query=expression)["result"]


class NodeExporter(Child):
    """Debian's node_exporter with nothing but its supervisord collector."""

    def __init__(self, folder, url):
        self.metrics_port = free_port()
        super().__init__(
            ["prometheus-node-exporter", "--collector.disable-defaults", "--collector.supervisord",
             f"--collector.supervisord.url={url}", "--web.disable-exporter-metrics",
             f"--web.listen-address=127.0.0.1:{self.metrics_port}"],
            pathlib.Path(folder) / "exporter.log")

    def samples(self):
        return Samples(request("GET", f"http://127.0.0.1:{self.metrics_port}/metrics").body)

    def up(self):
        return self.samples().one("node_scrape_collector_success") == 1


class Alertmanager(Child):
    """A real Alertmanager with this configuration, and others of its cluster."""

    def __init__(self, folder, config, cluster=(), port=None):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.gossip = f"127.0.0.1:{free_port()}"
        peers = [f"--cluster.peer={each.gossip}" for each in cluster]
        super().__init__(["/usr/bin/prometheus-alertmanager", f"--config.file={config}",
                          f"--storage.path={folder}/alertmanager-{self.port}",
                          f"--web.listen-address=127.0.0.1:{self.port}",
                          f"--cluster.listen-address={self.gossip}", *peers,
                          "--cluster.peer-timeout=1s", "--cluster.settle-timeout=2s"],
                         pathlib.Path(folder) / f"alertmanager-{self.port}.log")

    def up(self):
        return request("GET", self.url + "/-/ready").status == 200

    def samples(self):
        return Samples(request("GET", self.url + "/metrics").body)


class Etcd(Child):
    """One node of a real etcd; another of the same folder, port and peers goes on with its data.
    `peers`: the ports of all nodes of a cluster by their names, and `name` which of them it is."""

    def __init__(self, folder, port=None, further=(), name="default", peers=None):
        folder = pathlib.Path(folder)
        folder.mkdir(exist_ok=True)
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        cluster = {each: f"http://127.0.0.1:{port}"
                   for each, port in (peers or {name: free_port()}).items()}
        super().__init__(["/usr/bin/etcd", "--name", name, "--data-dir", folder / "data",
                          "--listen-client-urls", self.url, "--advertise-client-urls", self.url,
                          "--listen-peer-urls", cluster[name],
                          "--initial-advertise-peer-urls", cluster[name],
                          "--initial-cluster", ",".join(f"{each}={url}" for each, url in
                                                        cluster.items()), *further],
                         folder / "etcd.log")

    def call(self, path, headers=None, **body):
        """What the gateway answers; bytes are sent as it wants them."""
        body = {key: base64.b64encode(value).decode() if isinstance(value, bytes) else value
                for key, value in body.items()}
        answer = request("POST", self.url + path, body, headers)
        assert answer.status == 200, answer
        return json.loads(answer.body)

    def up(self):
        return request("POST", self.url + "/v3/kv/range", {"key": "YQ=="}).status in (200, 400)


class Workspace:
    """A temporary folder and the children that work in it. Leaving it ends them, the youngest
    first and those of one kind side by side, and removes the folder."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="reeve-"))
        self.children = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def start(self, make, *args, **options):
        """A child made by one of the classes above, once it is up."""
        return self.start_all([lambda: make(*args, **options)])[0]

    def start_all(self, makes):
        """Several, side by side."""
        children = []
        for make in makes:
            children.append(make())
            self.children.append(children[-1])
        for child in children:
            def up(child=child):
                assert child.running(), f"{type(child).__name__} ended:\n{child.text()}"
                return child.up()
            until(f"{type(child).__name__} is up", up)
        return children

    def close(self):
        while self.children:
            kind = type(self.children[-1])
            for child in reversed(self.children):
                if type(child) is not kind:
                    break
                child.ask_to_end()
            self.children.pop().end()
        shutil.rmtree(self.folder, ignore_errors=True)


class Scenario(unittest.TestCase):
    """A test with a workspace of its own, which shows the children's last words if it fails."""

    def run(self, result=None):
        result = result or self.defaultTestResult()
        with Workspace() as self.workspace:
            failed = len(result.failures) + len(result.errors)
            super().run(result)
            if len(result.failures) + len(result.errors) > failed:
                for child in self.workspace.children:
                    print(f"--- {child.output}\n{child.text()[-4000:]}", flush=True)
        return result

    def start_supervisord(self, programs, name="supervisord", **options):
        return self.workspace.start(Supervisord, self.workspace.folder / name, programs, **options)

    def start_agent(self, config, name="reeve", metrics=""):
        """An agent with LISTENERS, and more below `metrics:`, that looks five times a second."""
        often = "poll: {interval: 200ms, timeout: 2s}\n"
        listeners = Agent.LISTENERS.replace("metrics:\n", "metrics:\n" + metrics)
        return self.workspace.start(Agent, self.workspace.folder / name,
                                    config + "\n" + often + listeners)

    def watch(self, programs, **options):
        """A supervisord and an agent that has seen it."""
        supervisord = self.start_supervisord(programs, **options)
        agent = self.start_agent(f"supervisor: {{url: {supervisord.url}, timeout: 1s}}")
        until("supervisord is seen", lambda: agent.samples().one("supervisord_up") == 1)
        return supervisord, agent


def reeve(*words, **options):
    """Runs a command to its end; its output is in .stdout and .stderr."""
    return subprocess.run([REEVE, *map(str, words)], stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=2 * PATIENCE, errors="replace", **options)
