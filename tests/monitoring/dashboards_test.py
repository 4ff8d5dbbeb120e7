"""Grafana can import the dashboards as they are: what its schema asks for, and what it forgives
silently (a variable nobody defined, a panel that covers another).

Usage: dashboards_test.py FOLDER
"""

import json
import pathlib
import re
import sys
import unittest

FOLDER = pathlib.Path(sys.argv.pop())
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
PANELS = {"row", "stat", "state-timeline", "table", "timeseries"}
TRANSFORMATIONS = {"merge", "organize"}
UNITS = {None, "Bps", "bytes", "dateTimeFromNow", "eps", "none", "percentunit", "reqps", "s",
         "short"}
VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::\w+)?\})")
BUILT_IN = re.compile(r"__\w+")


def variables_of(thing):
    """The names of all variables that texts of a JSON thing refer to, Grafana's own left out."""
    names = {one or other for one, other in VARIABLE.findall(json.dumps(thing))}
    return {name for name in names if not BUILT_IN.fullmatch(name)}


class Dashboards(unittest.TestCase):
    def setUp(self):
        self.dashboards = {path.stem: json.loads(path.read_text())
                           for path in sorted(FOLDER.glob("*.json"))}
        self.assertEqual(list(self.dashboards), ["fleet", "process"])

    def each(self, *path):
        """All things of a list in each dashboard."""
        for thing in self.dashboards.values():
            for key in path:
                thing = thing[key]
            yield from thing

    def test_links_lead_to_their_uids_and_nothing_is_of_one_grafana_alone(self):
        for name, dashboard in self.dashboards.items():
            self.assertEqual(dashboard["uid"], f"reeve-{name}")
            self.assertTrue(dashboard["title"] and dashboard["description"])
            self.assertIn(dashboard["schemaVersion"], range(36, 40))  # Grafana 9 and 10
            self.assertTrue({"id", "version", "__inputs"}.isdisjoint(dashboard))
            for uid in re.findall(r"/d/([\w-]+)", json.dumps(dashboard)):
                self.assertIn(uid, [each["uid"] for each in self.dashboards.values()])

    def test_every_variable_that_is_used_is_defined_and_the_other_way_round(self):
        for name, dashboard in self.dashboards.items():
            defined = [each["name"] for each in dashboard["templating"]["list"]]
            self.assertEqual(defined, ["datasource", "instance", "supervisor", "group", "name"])
            self.assertEqual(variables_of([dashboard["panels"], dashboard["annotations"]]),
                             set(defined), name)

    def test_a_variable_depends_on_earlier_ones_alone(self):
        for dashboard in self.dashboards.values():
            earlier = set()
            for variable in dashboard["templating"]["list"]:
                self.assertLessEqual(variables_of(variable), earlier)
                earlier.add(variable["name"])

    def test_the_supervisor_may_have_no_name(self):
        for variable in self.each("templating", "list"):
            if variable["name"] == "supervisor":  # there are no values to choose from then
                self.assertEqual((variable["includeAll"], variable["allValue"]), (True, ".*"))
        for name, dashboard in self.dashboards.items():
            self.assertNotIn('supervisor=\\"', json.dumps(dashboard), name)

    def test_panels_are_of_known_kinds_and_tell_what_to_do(self):
        for panel in self.each("panels"):
            title = panel["title"]
            self.assertIn(panel["type"], PANELS, title)
            if panel["type"] != "row":
                self.assertRegex(panel["description"], r"[.?]$", title)
                self.assertIn(panel["fieldConfig"]["defaults"].get("unit"), UNITS, title)
            for transformation in panel.get("transformations", []):
                self.assertIn(transformation["id"], TRANSFORMATIONS, title)
                self.assertIn("options", transformation, title)

    def test_a_click_on_a_process_chooses_all_that_it_is_known_by(self):
        urls = [link["url"] for panel in self.each("panels") if panel["type"] == "table"
                for override in panel["fieldConfig"]["overrides"]
                for given in override["properties"] if given["id"] == "links"
                for link in given["value"]]
        self.assertTrue(urls)
        for url in urls:  # chosen: the supervisor, or All where it has no name
            for label, field in (("instance", "instance"), ("supervisor", "chosen"),
                                 ("group", "group"), ("name", "name")):
                self.assertIn(f"&var-{label}=${{__data.fields.{field}}}&", url)

    def test_a_supervisord_without_a_name_is_not_shown_as_all_of_them(self):
        for panel in self.each("panels"):
            if "chosen" not in json.dumps(panel):
                continue
            hidden = [override["matcher"]["options"]
                      for override in panel["fieldConfig"]["overrides"]
                      for given in override["properties"]
                      if given == {"id": "custom.hidden", "value": True}]
            self.assertEqual(hidden, ["chosen"], panel["title"])
            self.assertNotIn('"supervisor", "All"', panel["targets"][0]["expr"])

    def test_a_share_of_file_descriptors_warns_at_80_and_95_percent(self):
        shares = [panel for panel in self.each("panels") for target in panel.get("targets", [])[:1]
                  if re.search(r"_open_fds.* / .*_max_fds", target["expr"])]
        self.assertEqual(len(shares), 2)
        for panel in shares:
            defaults = panel["fieldConfig"]["defaults"]
            self.assertEqual([step["value"] for step in defaults["thresholds"]["steps"]],
                             [None, 0.8, 0.95])
            self.assertEqual(defaults["custom"]["thresholdsStyle"], {"mode": "line"})

    def test_the_name_of_the_fleet_is_a_text_that_may_be_a_pattern(self):
        name = self.dashboards["fleet"]["templating"]["list"][-1]
        self.assertEqual((name["type"], name["query"]), ("textbox", ".*"))
        for link in self.dashboards["fleet"]["links"]:  # to a board that shows one process
            self.assertFalse(link["includeVars"])

    def test_targets_have_references_and_the_chosen_data_source(self):
        for panel in self.each("panels"):
            if panel["type"] == "row":
                continue
            title = panel["title"]
            self.assertEqual(panel["datasource"], DATASOURCE, title)
            references = [target["refId"] for target in panel["targets"]]
            self.assertEqual("".join(references), "ABCDEFGH"[:len(references)], title)
            self.assertTrue(references, title)
            moment = panel["type"] in ("stat", "table")  # what shows one asks for one
            for target in panel["targets"]:
                self.assertEqual(target["datasource"], DATASOURCE, title)
                self.assertTrue(target["expr"], title)
                self.assertEqual(target.get("instant", False), moment, title)
                self.assertEqual(target.get("range", True), not moment, title)
        for annotation in self.each("annotations", "list"):
            self.assertEqual(annotation["datasource"], DATASOURCE)

    def test_panels_have_ids_and_places_of_their_own(self):
        for name, dashboard in self.dashboards.items():
            ids = [panel["id"] for panel in dashboard["panels"]]
            self.assertEqual(len(ids), len(set(ids)), name)
            taken = {}
            for panel in dashboard["panels"]:
                place = panel["gridPos"]
                self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
                for cell in ((x, y) for x in range(place["x"], place["x"] + place["w"])
                             for y in range(place["y"], place["y"] + place["h"])):
                    self.assertNotIn(cell, taken, f"{panel['title']} covers {taken.get(cell)}")
                    taken[cell] = panel["title"]


if __name__ == "__main__":
    unittest.main()
