"""A program of another project, built against the installed library, makes all nine operations of a
Substrate on a real supervisord."""

import subprocess
import sys
import unittest

from support import Scenario

CLIENT = sys.argv.pop()
PROGRAMS = "[program:web]\ncommand=/bin/sleep 100000\nstartsecs=0\n"


class Library(Scenario):
    def test_the_nine_operations(self):
        supervisord = self.start_supervisord(PROGRAMS)
        done = subprocess.run([CLIENT, supervisord.url, "web"], capture_output=True, text=True,
                              timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], f"connect: pid {supervisord.rpc('getPID')}")
        self.assertTrue(lines[1].startswith("list: web "), lines[1])
        self.assertEqual(lines[2:6],
                         ["stop: changed", "start: changed", "restart: changed", "get: RUNNING"])
        self.assertTrue(lines[6].startswith("execute: not_implemented: supervisord cannot run"))
        for line in lines[7:]:
            self.assertTrue(line.startswith("create, delete: supervisord runs what its"), line)
        self.assertEqual(len(lines), 9)

    def test_no_supervisord_and_no_url(self):
        for argument, code in (("unix:///nonexistent/s.sock", 1), ("nonsense", 2)):
            done = subprocess.run([CLIENT, argument, "web"], capture_output=True, timeout=60)
            self.assertEqual(done.returncode, code)


if __name__ == "__main__":
    unittest.main()
