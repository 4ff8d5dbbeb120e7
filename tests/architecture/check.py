#!/usr/bin/env python3
"""Holds the code to the map of the house: floors, containment of third-party libraries, one
file that asks for the time, the size of files; and whatever names a metric to the catalogue of
metrics. Needs no build.

Usage: check.py PROJECT_ROOT        exit 0: the house stands; 1: each breach on a line
"""

import pathlib
import re
import sys

# part: the parts whose faces it may include, besides its own headers and base. From the ground up;
# a part never sees another on its own floor. `part/file.h` allows that one face alone.
MAY_USE = {
    "base": set(),
    "substrate": set(),
    "http": set(),
    "procfs": set(),
    "records": set(),
    "coordination": {"http", "records"},
    "xmlrpc": {"http"},
    "promql": {"http"},
    "events": {"substrate", "http", "procfs"},
    "supervisor": {"substrate", "xmlrpc", "http/grammar.h"},
    "monitor": {"substrate", "events", "procfs"},
    "guards": {"substrate", "coordination", "monitor", "records", "promql/options.h"},
    "control": {"substrate", "coordination", "monitor", "records", "guards",
                "promql/options.h"},
    "alerts": {"substrate", "coordination", "monitor", "records", "guards", "control",
               "promql/options.h"},
    "metrics": {"substrate", "coordination", "monitor", "guards", "control", "alerts", "procfs",
                "http/stats.h"},
    "json": {"substrate", "coordination", "monitor", "guards", "control", "alerts"},
    "api": {"substrate", "http", "procfs", "records", "coordination", "xmlrpc", "events",
            "supervisor", "monitor", "guards", "control", "alerts", "metrics", "json"},
    "config": {part + "/options.h" for part in
               ("coordination", "xmlrpc", "http", "events", "procfs", "supervisor", "monitor",
                "guards", "control", "alerts", "metrics", "api", "promql")},
    "cli": {"config", "substrate", "xmlrpc", "supervisor", "http", "json"},
    "app": None,  # the composition root sees everything
}

# Each part's faces: the headers that other parts may include. include/reeve/ is the installed
# API; its headers are faces, too, and include only each other.
FACES = {
    "base": ["build_info", "file", "guarded", "log", "regular_expression", "side_by_side",
             "signal_name", "text", "wakeup"],
    "substrate": ["own_program", "poll_source", "selector", "start_order"],
    "http": ["base64", "client", "grammar", "listening_socket", "message", "options", "response_body",
             "server", "stats"],
    "procfs": ["command_lines", "proc_fs", "process_trees"],
    "records": ["json_reader", "line_file", "rotated_lines", "state_clock", "state_dir", "state_file"],
    "coordination": ["coordinator", "documents", "etcd_coordinator", "options"],
    "xmlrpc": ["client", "codec", "value"],
    "promql": ["client", "options"],
    "events": ["event", "inbox", "listener", "main_log", "options", "relay"],
    "supervisor": ["answers", "poll_source"],
    "monitor": ["monitor", "options", "recent_past", "snapshot"],
    "guards": ["command", "guards", "maintenance", "options", "policy", "programs", "reason"],
    "control": ["audit", "controller", "journal", "operation", "stats"],
    "alerts": ["options", "payload", "responder"],
    "metrics": ["agent_metrics", "exposition", "gzip", "options"],
    "json": ["json", "process_text"],
    "api": ["control_api", "event_hub", "metrics_api", "options"],
    "config": ["settings"],
    "cli": ["commands", "parse"],
    "app": ["run"],
}

# library: (what its includes begin with, the files that may include it)
CONTAINED = {
    "tinyxml2": (("tinyxml2",), ("src/xmlrpc/codec",)),
    "Boost": (("boost/",), ("src/xmlrpc/", "src/http/")),
    "OpenSSL": (("openssl/",), ("src/xmlrpc/", "src/http/", "src/api/",
                               "src/coordination/etcd_keys.cpp", "tests/http/made_certificate",
                               "tests/http/slow_handshake")),
    "cpp-httplib": (("httplib.h",), ("src/cli/agent_client", "tests/")),
    "yaml-cpp": (("yaml-cpp/",), ("src/config/yaml",)),
    "nlohmann-json": (("nlohmann/",), ("src/records/", "src/coordination/", "src/json/",
                                       "src/guards/", "src/control/",
                                       "src/alerts/", "src/api/", "src/cli/", "src/promql/",
                                       "tests/")),
    "prometheus-cpp": (("prometheus/",), ("src/metrics/", "tests/metrics/")),
    "spdlog": (("spdlog/", "fmt/"), ("src/base/log.cpp",)),
    "RE2": (("re2/",), ("src/base/regular_expression",)),
    "CLI11": (("CLI/",), ("src/cli/parse",)),
    "zlib": (("zlib.h",), ("src/metrics/", "tests/")),
    "libxcrypt": (("crypt.h",), ("src/api/",)),
    "Catch2": (("catch2/",), ("tests/",)),
}

NOW_FILE = "src/base/clock.cpp"
MAX_LINES = {".cpp": 800, ".h": 250}
CATALOGUE = "src/metrics/catalogue.h"
METRIC = re.compile(r"(?<![\w:.])(?:supervisord|reeve|process)_\w+")  # not a:b, which is recorded
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)


def part_of(path):
    """The part a source file belongs to, or None."""
    words = pathlib.PurePosixPath(path).parts
    if words[:2] == ("include", "reeve"):
        return words[2]
    if words[0] == "src" and len(words) > 2:
        return words[1]
    return None


def check_floor(path, name):
    part = part_of(path)
    installed = name.startswith("reeve/")
    face = name.removeprefix("reeve/")
    other = face.split("/")[0]
    if path.startswith("include/") and not installed:
        return [f"includes {name}: an installed header includes only installed ones"]
    if part is None:  # main.cpp
        return [] if face == "app/run.h" else [f"main.cpp sees {name}, not app alone"]
    if part not in MAY_USE:
        return [f"{part} is no part of the house"]
    if other == part or other not in MAY_USE:
        return []
    if not installed and face.removeprefix(other + "/").removesuffix(".h") not in FACES.get(other, ()):
        return [f"includes {name}, which is no face of {other}"]
    allowed = MAY_USE[part]
    if allowed is None or other == "base" or other in allowed or face in allowed:
        return []
    return [f"{part} may not use {other} ({name})"]


def check_faces(root):
    """Every face is there, and some other part uses it."""
    used = set()
    for file in [*(root / "src").rglob("*.cpp"), *(root / "src").rglob("*.h")]:
        part = part_of(file.relative_to(root).as_posix())
        used |= {name for _, name in INCLUDE.findall(file.read_text(encoding="utf-8"))
                 if name.split("/")[0] != part}
    breaches = []
    for part, faces in FACES.items():
        for face in (f"{part}/{name}.h" for name in faces):
            if not (root / "src" / face).is_file():
                breaches.append(f"{face} is listed as a face and is not there")
            elif face not in used:
                breaches.append(f"{face} is listed as a face of {part}; no other part includes it")
    return breaches


def check_file(root, file):
    path = file.relative_to(root).as_posix()
    text = file.read_text(encoding="utf-8")
    breaches = []
    for quote, name in INCLUDE.findall(text):
        if not path.startswith("tests/") and quote == '"':
            breaches += check_floor(path, name)
        for library, (prefixes, homes) in CONTAINED.items():
            if name.startswith(prefixes) and not path.startswith(homes):
                breaches.append(f"includes <{name}>: {library} lives in {', '.join(homes)}")
    if not path.startswith("tests/") and path != NOW_FILE and "::now()" in text:
        breaches.append(f"asks for the time: only {NOW_FILE} does")
    lines = text.count("\n")
    if not path.startswith("tests/") and lines > MAX_LINES[file.suffix]:
        breaches.append(f"{lines} lines, at most {MAX_LINES[file.suffix]} for {file.suffix}")
    return [f"{path}: {breach}" for breach in breaches]


def check_metrics(root):
    """Dashboards and rules use only metrics that there are; the documentation lists all of them."""
    catalogue = set(re.findall(r'Family\{"(\w+)"', (root / CATALOGUE).read_text()))
    histograms = {name + suffix for name in catalogue for suffix in ("_bucket", "_sum", "_count")
                  if name.endswith("_seconds")}
    rows = re.findall(r"^\| `(\w+)`", (root / "docs/metrics.md").read_text(), re.M)
    breaches = [f"docs/metrics.md: {name} is there or in {CATALOGUE}, not in both"
                for name in sorted(catalogue ^ set(rows))]
    for folder, pattern in (("grafana", "*.json"), ("packaging/prometheus", "*.yml"),
                            ("packaging/alertmanager", "*.yml")):
        for file in sorted((root / folder).glob(pattern)):
            for name in sorted(set(METRIC.findall(file.read_text())) - catalogue - histograms):
                breaches.append(f"{folder}/{file.name}: {name} is not in {CATALOGUE}")
    return breaches


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    files = [file for folder in ("src", "include", "tests")
             for pattern in ("*.cpp", "*.h") for file in sorted((root / folder).rglob(pattern))]
    if not files:
        sys.exit("architecture: no source files under " + str(root))
    breaches = [breach for file in files for breach in check_file(root, file)]
    breaches += check_faces(root)
    breaches += check_metrics(root)
    for breach in breaches:
        print(breach)
    print(f"architecture: {len(files)} files, {len(breaches)} breaches")
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()
