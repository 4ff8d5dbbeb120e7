#!/usr/bin/env python3
"""Holds the code to the map of the house: floors, containment of third-party libraries, one
file that asks for the time, the size of files; and whatever names a metric to the catalogue of
metrics. Needs no build.

Usage: check.py PROJECT_ROOT        exit 0: the house stands; 1: each breach on a line
"""

import pathlib
import re
import sys

# part: the parts whose headers it may include, besides its own and base. From the ground up;
# a part never sees another on its own floor.
MAY_USE = {
    "base": set(),
    "substrate": set(),
    "xmlrpc": set(),
    "http": set(),
    "events": {"substrate"},
    "procfs": set(),
    "supervisor": {"substrate", "xmlrpc"},
    "fleet": {"substrate", "events", "procfs"},
    "control": {"substrate", "fleet"},
    "alerts": {"substrate", "fleet", "control"},
    "metrics": {"substrate", "fleet", "control", "alerts", "http/stats.h"},
    "json": {"substrate", "fleet", "control", "alerts"},
    "api": {"substrate", "xmlrpc", "http", "supervisor", "fleet", "control", "alerts",
            "metrics", "json"},
    "config": {part + "/options.h" for part in
               ("xmlrpc", "http", "events", "procfs", "supervisor", "fleet", "control",
                "alerts", "metrics", "api")},
    "cli": {"config", "substrate", "supervisor", "json"},
    "app": None,  # the composition root sees everything
}

# library: (what its includes begin with, the files that may include it)
CONTAINED = {
    "tinyxml2": (("tinyxml2",), ("src/xmlrpc/codec",)),
    "Boost": (("boost/",), ("src/xmlrpc/", "src/http/")),
    "OpenSSL": (("openssl/",), ("src/xmlrpc/", "src/http/", "src/api/")),
    "cpp-httplib": (("httplib.h",), ("src/cli/agent_client", "tests/")),
    "yaml-cpp": (("yaml-cpp/",), ("src/config/yaml",)),
    "nlohmann-json": (("nlohmann/",), ("src/json/", "include/reeve/json/", "src/api/",
                                       "src/cli/", "src/control/", "src/alerts/", "tests/")),
    "prometheus-cpp": (("prometheus/",), ("src/metrics/", "tests/metrics/")),
    "spdlog": (("spdlog/", "fmt/"), ("src/base/log.cpp",)),
    "RE2": (("re2/",), ("src/base/regular_expression",)),
    "CLI11": (("CLI/",), ("src/cli/parse",)),
    "zlib": (("zlib.h",), ("src/metrics/", "tests/")),
    "libxcrypt": (("crypt.h",), ("src/api/",)),
    "Catch2": (("catch2/",), ("tests/",)),
}

NOW_FILE = "src/base/clock.cpp"
MAX_LINES = {".cpp": 400, ".h": 150}
CATALOGUE = "src/metrics/catalogue.h"
METRIC = re.compile(r"(?<![\w:.])(?:supervisord|reeve|process)_\w+")  # not a:b, which is recorded
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)


def part_of(path):
    """The part a source file or an included project header belongs to, or None."""
    words = pathlib.PurePosixPath(path).parts
    if words[:2] == ("include", "reeve"):
        return words[2]
    if words[0] == "src" and len(words) > 2:
        return words[1]
    return None


def included_part(name):
    words = pathlib.PurePosixPath(name).parts
    if words[0] == "reeve" and len(words) > 2:
        return words[1], "/".join(words[1:])
    if len(words) > 1 and words[0] in MAY_USE:
        return words[0], None  # private header of that part
    return None, None


def check_floor(path, name):
    part = part_of(path)
    if part is None:  # main.cpp
        return [] if name.startswith("reeve/app/") else [f"main.cpp sees {name}, not app alone"]
    if part not in MAY_USE:
        return [f"{part} is no part of the house"]
    other, public = included_part(name)
    if other is None or other == part:
        return []
    if public is None:
        return [f"includes {name}, a private header of {other}"]
    allowed = MAY_USE[part]
    if allowed is None or other == "base" or other in allowed or public in allowed:
        return []
    return [f"{part} may not use {other} ({name})"]


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
    breaches += check_metrics(root)
    for breach in breaches:
        print(breach)
    print(f"architecture: {len(files)} files, {len(breaches)} breaches")
    sys.exit(1 if breaches else 0)


if __name__ == "__main__":
    main()
