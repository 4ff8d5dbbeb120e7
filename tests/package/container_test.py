"""The container files: each YAML parses, each of Reeve's configurations is accepted by the
executable, and, where buildah can run and a static executable was built, the image serves."""

import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

from support import REEVE, ROOT, reeve

FILES = ROOT / "packaging/container"
STATIC = ROOT / "build/static/reeve"


def configurations():
    """The YAML blocks of the page, and the image's own."""
    page = (ROOT / "docs/containers.md").read_text(encoding="utf-8")
    return [*re.findall(r"(?ms)^```yaml\n(.*?)^```", page),
            (FILES / "reeve.yaml").read_text(encoding="utf-8")]


class ContainerFiles(unittest.TestCase):
    def test_each_configuration_is_accepted(self):
        with tempfile.TemporaryDirectory() as folder:
            token = pathlib.Path(folder, "token")
            token.write_text("t" * 64 + "\n", encoding="utf-8")
            token.chmod(0o600)
            found = configurations()
            self.assertEqual(len(found), 3)
            for text in found:
                config = pathlib.Path(folder, "config.yaml")
                config.write_text(re.sub(r"file: [^,]*,", f"file: {token},", text),
                                  encoding="utf-8")
                checked = reeve("check-config", config)
                self.assertEqual(checked.returncode, 0, text + checked.stderr)

    def test_prometheus_and_alertmanager_accept_theirs(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(FILES / "prometheus.yml", folder)
            shutil.copy(ROOT / "packaging/prometheus/reeve.rules.yml", folder)
            subprocess.run(["promtool", "check", "config", f"{folder}/prometheus.yml"], check=True,
                           capture_output=True)
            subprocess.run(["amtool", "check-config", FILES / "alertmanager.yml"], check=True,
                           capture_output=True)

    def test_what_is_mounted_or_copied_is_there(self):
        compose = (FILES / "compose.yaml").read_text(encoding="utf-8")
        for path in re.findall(r"- (\.[^:]*):/", compose):
            self.assertTrue((FILES / path).exists(), path)
        for name in ("Containerfile", "supervisord.Containerfile"):
            for line in (FILES / name).read_text(encoding="utf-8").splitlines():
                for path in line.split()[1:-1] if line.startswith("COPY") else ():
                    if path != "build/static/reeve" and not path.startswith("--"):
                        self.assertTrue((ROOT / path).exists(), path)

    def test_those_of_the_archive_name_what_is_in_it(self):
        with tempfile.TemporaryDirectory() as folder:
            files = pathlib.Path(folder, "share/reeve/container")
            subprocess.run([ROOT / "packaging/static/container_files", files], check=True)
            sources = set()
            for file in files.rglob("*"):
                text = file.read_text(encoding="utf-8") if file.is_file() else ""
                self.assertNotRegex(text, r"packaging/|build/static|\./dev", file.name)
                if file.name.endswith("Containerfile"):
                    sources.update(re.findall(r" ((?:bin|share)/\S*)", "\n".join(
                        line for line in text.splitlines() if line.startswith("COPY"))))
            self.assertEqual(sorted(sources), [
                "bin/reeve", "share/doc/reeve/reeve-listener.conf",
                "share/reeve/container/programs.conf", "share/reeve/container/reeve.yaml",
                "share/reeve/container/state"])
            compose = (files / "compose.yaml").read_text(encoding="utf-8")
            self.assertIn("context: ../../..\n", compose)
            self.assertEqual([path for path in re.findall(r"- (\.[^:]*):/", compose)
                              if not (files / path).exists()],
                             ["../prometheus/reeve.rules.yml", "../grafana"])

    def test_the_other_files_are_yaml(self):
        for file in ("compose.yaml", "kubernetes.yaml", "grafana/datasource.yaml",
                     "grafana/dashboards.yaml"):
            done = subprocess.run([sys.executable, "-c", "import sys, yaml; "
                                   "print(len(list(yaml.safe_load_all(open(sys.argv[1])))))",
                                   FILES / file], capture_output=True, text=True, check=False)
            if "No module named" in done.stderr:
                self.skipTest("python3-yaml is not installed")
            self.assertEqual(done.returncode, 0, done.stderr)


@unittest.skipUnless(shutil.which("buildah") and os.getuid() == 0, "it needs buildah, and root")
@unittest.skipUnless(STATIC.exists(), "build/static/reeve is not built")
class Image(unittest.TestCase):
    def buildah(self, *words):
        return subprocess.run(["buildah", "--storage-driver", "vfs", "--root", self.root,
                               "--runroot", f"{self.root}/run", *words], text=True,
                              capture_output=True, check=False, timeout=120)

    def test_it_is_built_and_runs(self):
        with tempfile.TemporaryDirectory() as self.root:
            built = self.buildah("build", "--format", "docker", "--isolation", "chroot",
                                 "-f", FILES / "Containerfile", "-t", "reeve", ROOT)
            self.assertEqual(built.returncode, 0, built.stderr)
            image = self.buildah("inspect", "--type", "image", "reeve")
            self.assertIn("Healthcheck", json.loads(image.stdout)["Docker"]["config"])
            made = self.buildah("from", "reeve")
            self.assertEqual(made.returncode, 0, made.stderr)
            mounted = self.buildah("mount", made.stdout.strip())
            self.assertEqual(mounted.returncode, 0, mounted.stderr)
            state = pathlib.Path(mounted.stdout.strip(), "var/lib/reeve").stat()
            self.assertEqual((state.st_uid, state.st_gid, stat.S_IMODE(state.st_mode)),
                             (65534, 65534, 0o700))
            ran = self.buildah("run", "--isolation", "chroot", made.stdout.strip(), "--", "/reeve",
                               "check-config", "/etc/reeve/config.yaml")
            if "permitted" in ran.stderr:
                self.skipTest(f"buildah cannot run here: {ran.stderr}")
            self.assertEqual(ran.returncode, 0, ran.stderr)


if __name__ == "__main__":
    unittest.main()
