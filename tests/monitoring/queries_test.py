"""What the queries of the dashboards find in given series, asked of promtool: no server.

Usage: queries_test.py FOLDER
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

FOLDER = pathlib.Path(sys.argv.pop())
ALL = dict.fromkeys(("instance", "supervisor", "group", "name"), ".*")
ONE = {"instance": "h", "supervisor": ".*", "group": "g", "name": "n"}
EVERY_LABEL = ('{instance="h",supervisor="s",group="g",name="n",'
               'action="stop",reason="r",source="x",rule="r"}')


def panels(dashboard):
    board = json.loads((FOLDER / f"{dashboard}.json").read_text())
    return {panel["title"]: panel for panel in board["panels"]}


def filled_in(expression, variables, rate_interval="1m"):
    """As Grafana does it."""
    variables = {**variables, "__rate_interval": rate_interval, "__range": "6h"}
    return re.sub(r"\$(\w+)", lambda match: variables[match[1]], expression)


def query(panel, variables):
    return filled_in(panel["targets"][0]["expr"], variables)


def three_times(scrape):
    """A counter's values within an hour, as promtool writes them: it grows in the 13th, the 29th
    and the 46th minute."""
    return " ".join(f"{count}x{seconds // scrape - 1}"
                    for count, seconds in enumerate((750, 950, 1030, 870)))


class Queries(unittest.TestCase):
    def finds(self, series, expression, expected, interval="15s", at="1h"):
        """expected: {labels: value}."""
        samples = [{"labels": labels, "value": value} for labels, value in expected.items()]
        test = {"rule_files": [], "tests": [{
            "interval": interval,
            "input_series": [{"series": name, "values": values}
                             for name, values in series.items()],
            "promql_expr_test": [{"expr": expression, "eval_time": at, "exp_samples": samples}]}]}
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            json.dump(test, file)
            file.flush()
            run = subprocess.run(["promtool", "test", "rules", file.name], text=True,
                                 capture_output=True)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)

    def test_what_happened_is_drawn_in_one_bar_alone(self):
        bars = [(panel, target, variables) for board, variables in (("fleet", ALL), ("process", ONE))
                for panel in panels(board).values() for target in panel.get("targets", [])
                if panel["fieldConfig"]["defaults"].get("custom", {}).get("drawStyle") == "bars"]
        self.assertEqual(len(bars), 15)
        for panel, target, variables in bars:
            step = 60 * int(panel["interval"].rstrip("m"))
            for scrape in (5, 15, 30, 60):  # seconds
                with self.subTest(panel["title"], target=target["refId"], scrape=scrape):
                    window = f"{max(step + scrape, 4 * scrape)}s"  # as Grafana chooses it
                    found = filled_in(target["expr"], variables, window)
                    found = found.replace("]", "] offset 1s")  # scrapes are at odd moments
                    counter = re.search(r"\w+_total(?={)", found)[0]
                    self.finds({counter + EVERY_LABEL: three_times(scrape)},
                               f"sum_over_time(sum(round({found}))[1h:{step}s])", {"{}": 3},
                               f"{scrape}s")

    def test_a_log_that_grows_steadily_is_drawn_so_though_looked_at_once_a_minute(self):
        growth = panels("process")["Log growth"]
        step = 60 * int(growth["interval"].rstrip("m"))
        found = filled_in(growth["targets"][0]["expr"], ONE, f"{step + 15}s")
        self.finds({'supervisord_process_log_bytes{instance="h",group="g",name="n"}':
                    " ".join(f"{600 * minute}x3" for minute in range(61))},
                   f"sum(count_over_time(({found} > 8 < 12)[30m:15s]))", {"{}": 121})

    def test_a_supervisord_whose_reeve_is_gone_is_not_taken_for_well(self):
        series = {}
        for instance, up, shutting_down in (("well", "1x240", "0x240"), ("ends", "0x240", "1x240"),
                                            ("gone", "1x100 stale", "0x100 stale")):
            series[f'supervisord_up{{instance="{instance}"}}'] = up
            series[f'supervisord_shutting_down{{instance="{instance}"}}'] = shutting_down
        fleet = panels("fleet")
        self.finds(series, query(fleet["Supervisords down"], ALL), {"{}": 2})
        self.finds(series, query(fleet["Supervisords"], ALL),
                   {'{instance="well"}': 1, '{instance="ends"}': 2, '{instance="gone"}': -1})

    def test_a_click_on_a_process_leads_to_its_own_supervisord(self):
        fleet = panels("fleet")
        series = {'supervisord_process_state{name="w",supervisor="web",state="FATAL"}': "1x240",
                  'supervisord_process_state{name="w",state="FATAL"}': "1x240"}
        self.finds(series, f'sum by (supervisor, chosen) ({query(fleet["Down"], ALL)})',
                   {'{supervisor="web",chosen="web"}': 1, '{chosen="All"}': 1})
        series = {'supervisord_process_restarts_total{name="w",supervisor="web"}': "0+1x240",
                  'supervisord_process_restarts_total{name="w"}': "0+1x240"}
        found = query(fleet["Flapping"], ALL)
        self.finds(series, f"sum by (supervisor, chosen) ({found}) > bool 0",
                   {'{supervisor="web",chosen="web"}': 1, '{chosen="All"}': 1})

    def test_alerts_of_reeves_rules_and_those_that_reeve_acts_on_are_listed(self):
        labels = 'instance="h",group="g",name="n"'
        series = {f'ALERTS{{alertname="{name}",alertstate="firing",{labels}}}': "1x240"
                  for name in ("ReeveDown", "SupervisordProcessFatal", 'Hung",remedy="restart',
                               "OfAnotherExporter")}
        found = query(panels("fleet")["Alerts"], ALL)
        self.finds(series, f"sum by (alertname) ({found})",
                   {'{alertname="ReeveDown"}': 1, '{alertname="SupervisordProcessFatal"}': 1,
                    '{alertname="Hung"}': 1})
        found = query(panels("process")["Alerts"], ONE)
        self.finds(series, f"count({found})", {"{}": 4})

    def test_a_limit_is_the_same_for_all_hosts_and_is_drawn_once(self):
        series = {f'{name}{{instance="{instance}",limit="web"}}': f"{value}x240"
                  for instance in ("one", "two") for name, value in (
                      ("reeve_limit_slots_held", 1), ("reeve_limit_slots", 2),
                      ("reeve_limit_budget_left", 5))}
        slots, budget = (panels("fleet")[title] for title in ("Slots", "Budget left"))
        self.finds(series, query(slots, ALL), {'{limit="web"}': 1})
        self.finds(series, filled_in(slots["targets"][1]["expr"], ALL), {'{limit="web"}': 2})
        self.finds(series, query(budget, ALL), {'{limit="web"}': 5})

    def test_the_agents_memory_is_that_of_no_other_process_of_its_host(self):
        series = {'process_resident_memory_bytes{instance="h:19001",job="reeve"}': "5x240",
                  'process_resident_memory_bytes{instance="h:9100",job="node"}': "7x240",
                  'reeve_build_info{instance="h:19001",job="reeve",version="1"}': "1x240"}
        self.finds(series, f'sum by (instance) ({query(panels("fleet")["Memory of Reeve"], ALL)})',
                   {'{instance="h:19001"}': 5})

    def test_the_share_of_file_descriptors_is_one_of_the_processs_limit(self):
        labels = 'instance="h",group="g",name="n"'
        series = {f"supervisord_process_open_fds{{{labels}}}": "96x240",
                  f"supervisord_process_max_fds{{{labels}}}": "100x240",
                  'supervisord_process_open_fds{instance="h",name="no limit"}': "9x240"}
        found = query(panels("process")["File descriptors"], ONE)
        self.finds(series, f"sum({found})", {"{}": 0.96})
        found = filled_in(panels("fleet")["File descriptors in use"]["targets"][1]["expr"], ALL)
        self.finds(series, f"sum by (name) ({found})", {'{name="n"}': 0.96})

    def test_what_counts_a_process_is_what_its_own_supervisord_has(self):
        source = 'supervisord_counters_source{instance="h",supervisor="%s",source="%s"}'
        starts = 'supervisord_process_starts_total{instance="h",supervisor="web",group="g",name="n"}'
        series = dict.fromkeys((source % ("web", "events"), source % ("jobs", "polls"), starts),
                               "1x240")
        found = query(panels("process")["Counted from"], ONE)
        self.finds(series, f"sum by (source) ({found})", {'{source="events"}': 1})

    def test_what_keeps_alerts_from_acting_is_shown_while_it_does(self):
        series = {'reeve_guard_gave_up{instance="h",group="g",name="bad"}': "1x240",
                  'reeve_guard_gave_up{instance="h",group="g",name="well"}': "0x240",
                  'reeve_guard_breaker_open{instance="h"}': "1x240",
                  'reeve_guard_breaker_open{instance="well"}': "0x240",
                  'reeve_maintenance{instance="h",scope="web:*"}': "1x240"}
        gave_up, breaker, maintenance = [
            filled_in(target["expr"], ALL)
            for target in panels("fleet")["What keeps alerts from acting"]["targets"]]
        self.finds(series, gave_up, {'reeve_guard_gave_up{instance="h",group="g",name="bad"}': 1})
        self.finds(series, breaker, {'{instance="h"}': 2})
        self.finds(series, maintenance, {'{instance="h",scope="web:*"}': 3})


if __name__ == "__main__":
    unittest.main()
