"""A web program with a metric of its own, at http://127.0.0.1:PORT/metrics. It hangs while FILE
exists; a new run removes the file, and takes SECONDS until it answers.

Usage: hanging.py PORT FILE SECONDS
"""

import http.server
import pathlib
import sys
import time

port, file, seconds = int(sys.argv[1]), pathlib.Path(sys.argv[2]), float(sys.argv[3])
file.unlink(missing_ok=True)
ready = time.monotonic() + seconds


class Metrics(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        while file.exists() or time.monotonic() < ready:
            time.sleep(0.1)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(b"web_requests_total 1\n")

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", port), Metrics).serve_forever()
