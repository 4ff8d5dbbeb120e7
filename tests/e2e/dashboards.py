"""The queries of the dashboards, as Grafana asks them."""

import json
import re

from support import ROOT

# What a scenario cannot make happen without hundreds of clients: the series must be there, at 0.
RARE = {"Rejected connections"}

LABEL_VALUES = re.compile(r"label_values\((.*), (\w+)\)")


def dashboard(name):
    return json.loads((ROOT / f"grafana/{name}.json").read_text())


def expressions(board):
    """(title, expression) of every annotation's and every panel's query."""
    for annotation in board["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            rare = panel["title"] in RARE
            yield panel["title"], target["expr"].removesuffix(" > 0") if rare else target["expr"]


def filled_in(expression, variables):
    """As Grafana does it."""
    variables = {**variables, "__rate_interval": "10m", "__range": "30m"}
    return re.sub(r"\$(\w+)", lambda match: variables[match[1]], expression)


def is_of_many_hosts(expression):
    """There is data for it only where etcd runs."""
    return "reeve_coordination_" in expression or "reeve_limit_" in expression
