#!/usr/bin/env python3
"""Holds the dashboards to Grafana's published types: an unknown or misspelt key is an error.

    schema_check.py FOLDER grafana/*.json

Types and compiler are installed in FOLDER if they are not there. Where npm is not, or cannot get
them, nothing is checked, and the exit status is 77; dashboards_test.py needs nothing.

Legacy members of annotations (`expr`, …), which the types do not have, are what Grafana's
Prometheus data source reads; they are left out here.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

PACKAGES = ["@grafana/schema@10.4", "typescript@5.4"]
SKIPPED = 77
RAW = "@grafana/schema/dist/esm/raw/composable"
PANELS = {"stat": "StatPanelCfg", "table": "TablePanelCfg", "timeseries": "TimeSeriesPanelCfg",
          "statetimeline": "StateTimelinePanelCfg"}
# A file says "desc" where the types have SortOrder.Descending, and may leave out what has a
# default.
HEAD = """
import type { Dashboard, FieldConfig } from '@grafana/schema';
import type { PrometheusDataQuery }
  from '%(raw)s/prometheus/dataquery/x/PrometheusDataQuery_types.gen';
%(panels)s
type Json<T> = unknown extends T ? T : T extends string ? `${T}`
  : T extends Array<infer U> ? Json<U>[]
  : T extends object ? { [K in keyof T]?: Json<T[K]> } : T;
"""
ANNOTATION = {"name", "datasource", "enable", "hide", "iconColor"}


def install(folder):
    if pathlib.Path(folder, "node_modules/.bin/tsc").exists():
        return
    if not shutil.which("npm"):
        print("skipped: there is no npm here")
        sys.exit(SKIPPED)
    npm = subprocess.run(["npm", "install", "--prefix", folder, "--fetch-retries=0",
                          "--fetch-timeout=20000", *PACKAGES], text=True, capture_output=True)
    if npm.returncode != 0:
        print("skipped: npm cannot get Grafana's types", npm.stderr, sep="\n")
        sys.exit(SKIPPED)


def declarations(dashboard):
    """Each object as a literal of its type: only there tsc refuses members it does not know."""
    annotations = dashboard["annotations"]["list"]
    dashboard["annotations"]["list"] = [{key: each[key] for key in each if key in ANNOTATION}
                                        for each in annotations]
    yield "Dashboard", dashboard
    for panel in dashboard["panels"]:
        if panel["type"] != "row":
            kind = panel["type"].replace("-", "")
            fields = dict(panel["fieldConfig"]["defaults"])
            custom = fields.pop("custom", {})
            yield "FieldConfig", fields
            yield f"{kind}.Options", panel["options"]
            yield f"{kind}.FieldConfig" if kind != "stat" else "{}", custom
            yield "PrometheusDataQuery[]", panel["targets"]


def main():
    folder, *files = sys.argv[1:]
    install(folder)
    imports = "\n".join(f"import type * as {kind} from '{RAW}/{kind}/panelcfg/x/{types}_types.gen';"
                        for kind, types in PANELS.items())
    lines = [HEAD % {"raw": RAW, "panels": imports}]
    for file in files:
        dashboard = json.loads(pathlib.Path(file).read_text())
        for kind, thing in declarations(dashboard):
            lines.append(f"const literal{len(lines)}: Json<{kind}> = {json.dumps(thing)};")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        source = pathlib.Path(scratch) / "dashboards.ts"
        source.write_text("\n".join(lines))
        checked = subprocess.run([f"{folder}/node_modules/.bin/tsc", "--noEmit", "--strict",
                                  "--skipLibCheck", "--moduleResolution", "node", "--target",
                                  "es2020", source])
    print(f"{len(lines) - 1} objects checked")
    sys.exit(checked.returncode)


if __name__ == "__main__":
    main()
