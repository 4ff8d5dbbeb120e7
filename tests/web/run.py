#!/usr/bin/env python3
"""The tests of the status page: run.py FOLDER [TEST.mjs...]; with --screenshots instead of tests,
the pictures of docs/images are taken anew.

In Chromium, with playwright-core and axe-core, which npm installs in FOLDER if they are not there.
They run only with REEVE_WEB_TESTS in the environment. Otherwise, and where npm or Chromium are not, or
npm cannot get them, this says so and exits 77, which ctest shows as skipped; with
REEVE_WEB_TESTS=required a missing program is a failure."""

import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def skip(why):
    print(f"skipped: {why}", flush=True)
    sys.exit(1 if os.environ.get("REEVE_WEB_TESTS") == "required" else 77)


def install(folder):
    lock = (HERE / "package-lock.json").read_bytes()
    done = folder / "installed.json"
    if done.is_file() and done.read_bytes() == lock:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    npm = subprocess.run(["npm", "ci", "--prefix", folder, "--no-audit", "--no-fund",
                          "--fetch-retries=1"], stdin=subprocess.DEVNULL, capture_output=True,
                         text=True, check=False)
    if npm.returncode != 0:
        skip(f"npm cannot get playwright-core and axe-core\n{npm.stderr}")
    done.write_bytes(lock)


def main():
    if "REEVE_WEB_TESTS" not in os.environ:
        skip("REEVE_WEB_TESTS is not set")
    for program in ("node", "npm", "chromium"):
        if not shutil.which(program):
            skip(f"there is no {program} here")
    folder = pathlib.Path(sys.argv[1]).resolve()
    install(folder)
    environment = {**os.environ, "WEB_MODULES": str(folder)}
    if sys.argv[2:] == ["--screenshots"]:
        sys.exit(subprocess.run(["node", HERE / "screenshots.mjs"], env=environment,
                                check=False).returncode)
    tests = sys.argv[2:] or sorted(str(each) for each in HERE.glob("*.test.mjs"))
    failed = [test for test in tests if subprocess.run(
        ["node", "--test", "--test-reporter=spec", test], stdin=subprocess.DEVNULL, check=False,
        env=environment).returncode != 0]
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
