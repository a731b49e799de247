"""The server under test, as a process."""

import json
import os
import re
import signal
import subprocess
import threading
import urllib.error
import urllib.request


def binary():
    path = os.environ.get("NEPHOSCOPE")
    assert path, "NEPHOSCOPE must name the server's binary; run `cargo xtask test python`"
    return path


class Server:
    """The binary on free ports over `data_dir`. `stop` and `kill` may be followed by `start`."""

    def __init__(self, data_dir, *options):
        self.data_dir = str(data_dir)
        self.options = options
        self.start()

    def start(self):
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "NEPHOSCOPE_"))}
        self.process = subprocess.Popen(
            [
                binary(), "serve",
                "--listen", "127.0.0.1:0",
                "--xray-daemon", "127.0.0.1:0",
                "--emf", "127.0.0.1:0",
                "--data-dir", self.data_dir,
                "--log-level", "warn",
                *self.options,
            ],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for line in self.process.stdout:
            found = re.search(r"listening on (http://\S+)", line)
            if found:
                self.url = found.group(1).rstrip("/")
                break
        else:
            raise AssertionError(f"the server ended with {self.process.wait()} before it listened")
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def health(self):
        with urllib.request.urlopen(f"{self.url}/_nephoscope/health", timeout=10) as response:
            return json.load(response)

    @property
    def xray_daemon(self):
        """`host:port` of the X-Ray daemon's UDP and TCP sockets."""
        return self.health()["xrayDaemon"]

    @property
    def sockets(self):
        """`host:port` of the doors for log events: embedded metrics by TCP, by UDP, then syslog as configured."""
        return self.health()["sockets"]

    def stop(self):
        """Asks for a graceful end and gives the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def kill(self):
        self.process.kill()
        self.process.wait(timeout=60)

    def call(self, path, body=b"", *, account="000000000000", service="logs", region="us-east-1", headers=None):
        """A call no SDK would make: `(status, headers, body)`, whatever the status."""
        request = urllib.request.Request(
            f"{self.url}{path}",
            data=body,
            headers={"Authorization": authorization(account, service, region), **(headers or {})},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()


def authorization(account, service, region="us-east-1"):
    """Enough of a signature for open mode, which reads the scope and verifies nothing."""
    return (
        f"AWS4-HMAC-SHA256 Credential={account}/20260101/{region}/{service}/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
    )
