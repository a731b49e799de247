#!/usr/bin/env python3
"""Measures the release binary from outside and prints a table of figures beside their targets.

    cargo xtask bench [--events 5000000] [--data 1000000] [--segments 400000] [--only logs,metrics,traces,start]

Client and server share the machine, so CPU seconds are the server's own (user and system, by the operating
system's accounting) and the wall times are medians. Load comes from load/gen.py: the same bytes for the same
seed. Needs the PyPI package cbor2 for the CBOR load; `cargo xtask bench` installs it with the conformance
tests' packages.
"""
import argparse, json, os, re, shutil, signal, subprocess, sys, tempfile, time, urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
LOAD = os.path.join(HERE, "load")
sys.path.insert(0, LOAD)
from send import cpu, du, rss_peak  # noqa: E402

SIGNED = "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"


class Server:
    """The binary on a free port over `data_dir`."""

    def __init__(self, binary, data_dir):
        self.data_dir = data_dir
        started = time.perf_counter()
        self.process = subprocess.Popen(
            [binary, "serve", "--listen", "127.0.0.1:0", "--data-dir", data_dir, "--xray-daemon", "off", "--emf", "off", "--log-level", "warn"],
            stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            found = re.search(r"listening on http://(\S+)", line)
            if found:
                self.address = found.group(1)
                break
        else:
            raise SystemExit("the server did not start")
        self.start_secs = time.perf_counter() - started
        self.pid = self.process.pid

    def call(self, target, body, service="logs", version="1.1"):
        request = urllib.request.Request(f"http://{self.address}/", json.dumps(body).encode(), {
            "X-Amz-Target": target, "Content-Type": f"application/x-amz-json-{version}",
            **dict([SIGNED.format(service).split(": ", 1)])})
        with urllib.request.urlopen(request) as response:
            return json.loads(response.read() or b"{}")

    def rss_mb(self):
        with open(f"/proc/{self.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=120)


def load(args, kind, fmt, *more, name=None):
    """The frame file of a load, made once per base time."""
    path = os.path.join(args.work, f"{name or kind}-{fmt}.frames")
    if not os.path.exists(path):
        subprocess.run([sys.executable, f"{LOAD}/gen.py", kind, "--base", str(args.base), "--format", fmt,
                        "--out", path, *map(str, more)], check=True)
    return path


def send(server, path, *more):
    out = subprocess.run([sys.executable, f"{LOAD}/send.py", "--to", server.address, "--pid", str(server.pid),
                          "--data-dir", server.data_dir, *more, path], check=True, capture_output=True, text=True)
    result = json.loads(out.stdout)
    if result["errors"]:
        raise SystemExit(f"load failed: {result['first_errors']}")
    return result


def queries(server, args, peer, names):
    out = subprocess.run([sys.executable, f"{LOAD}/query.py", peer, "--to", server.address, "--base", str(args.base),
                          "--pid", str(server.pid), "--only", ",".join(names)], check=True, capture_output=True, text=True)
    return {row["query"]: row for row in map(json.loads, out.stdout.splitlines())}


def row(what, value, unit, least, aim=""):
    print(f"| {what} | {value} {unit} | {least} | {aim} |", flush=True)


def settle(server, quiet_secs=3.0, most_secs=180.0):
    """Waits until background work has stopped using the processor."""
    before, quiet_since, give_up = cpu(server.pid), time.perf_counter(), time.perf_counter() + most_secs
    while time.perf_counter() - quiet_since < quiet_secs and time.perf_counter() < give_up:
        time.sleep(0.5)
        now = cpu(server.pid)
        if now - before > 0.03:
            quiet_since = time.perf_counter()
        before = now


def logs(args):
    server = Server(args.binary, os.path.join(args.work, "logs"))
    row("start on an empty directory", round(server.start_secs, 3), "s", "< 0.3 s")
    row("memory idle", round(server.rss_mb()), "MiB", "< 80 MiB")
    server.call("Logs_20140328.CreateLogGroup", {"logGroupName": "/bench/web"})
    for host in range(10):
        server.call("Logs_20140328.CreateLogStream", {"logGroupName": "/bench/web", "logStreamName": f"web-{host:02d}"})
    frames = load(args, "logs", "putlogevents", "--n", args.events)
    base_disk, base_cpu = du(server.data_dir), cpu(server.pid)
    sent = send(server, frames, "--path", "/", "--type", "application/x-amz-json-1.1", "--settle", "1",
                "--header", "X-Amz-Target: Logs_20140328.PutLogEvents", "--header", SIGNED.format("logs"))
    # Rows are flushed when nothing more came for ten seconds.
    settle(server, quiet_secs=15)
    millions = sent["items"] / 1e6
    row("PutLogEvents, events/s (client on the same cores)", sent["items_per_s"], "/s", "")
    row("PutLogEvents, flushed and indexed", round((cpu(server.pid) - base_cpu) / millions, 2), "CPU s / M", "4.5", "2.5")
    row("PutLogEvents p99", sent["req_p99_ms"], "ms", "")
    row("memory, peak while ingesting", sent["peak_rss_MB"], "MiB", "1024")
    least = {"needle_word": ("16 ms", "5 ms"), "needle_substring": ("300 ms", "100 ms"), "field_eq": ("100 ms", "20 ms"),
             "count_by_level_1m": ("150 ms", "60 ms"), "p99_by_path": ("180 ms", "80 ms"), "top10_user": ("180 ms", "80 ms"),
             "newest_100": ("5 ms", "1 ms"), "json_filterlogevents_fifth": ("400 ms", "100 ms"),
             "regex_all": ("", ""), "get_log_events_100": ("", ""), "count_all": ("", ""), "needle_filterlogevents": ("", "")}
    asked = list(least)
    for name, result in queries(server, args, "logs-aws", asked).items():
        if "error" in result:
            row(name, result["error"], "", *least.get(name, ("",)))
        else:
            row(f"{name} in {sent['items']:,} events", f"{result['p50_ms']} (CPU {result['cpu_ms']})", "ms", *least.get(name, ("",)))
    row("memory, peak after queries", round(rss_peak(server.pid)), "MiB", "1024")
    server.stop()
    row("on disk after flush and compaction", round((du(server.data_dir) - base_disk) / sent["items"], 1), "bytes / event", "33", "28")
    server = Server(args.binary, server.data_dir)
    row(f"start on {sent['items']:,} events", round(server.start_secs, 3), "s", "< 2 s")
    stall(server, args, frames)
    server.stop()


def stall(server, args, frames):
    """How long PutLogEvents takes while a heavy query runs, beside what it takes without one."""
    def put():
        return send(server, frames, "--path", "/", "--type", "application/x-amz-json-1.1", "--settle", "0", "--conns", "1",
                    "--limit-items", "400000", "--header", "X-Amz-Target: Logs_20140328.PutLogEvents",
                    "--header", SIGNED.format("logs"))["req_p99_ms"]

    put()
    idle = put()
    heavy = subprocess.Popen([sys.executable, f"{LOAD}/query.py", "logs-aws", "--to", server.address, "--base", str(args.base),
                              "--reps", "1000", "--budget", "600", "--only", "regex_all"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    busy = put()
    heavy.kill()
    heavy.wait()
    row("PutLogEvents p99: alone / while a regex runs over everything", f"{idle} / {busy}", "ms", "3 times")
    row("memory, peak while querying and ingesting", round(rss_peak(server.pid)), "MiB", "1024")


def metrics(args):
    for fmt, kind, headers, path in [
        ("pmd-cbor", "application/cbor", ["smithy-protocol: rpc-v2-cbor"], "/service/GraniteServiceVersion20100801/operation/PutMetricData"),
        ("pmd-json", "application/x-amz-json-1.0", ["X-Amz-Target: GraniteServiceVersion20100801.PutMetricData"], "/"),
        ("pmd-query", "application/x-www-form-urlencoded", [], "/"),
    ]:
        server = Server(args.binary, os.path.join(args.work, fmt))
        frames = load(args, "metrics", fmt, "--series", 1000, "--points", args.data // 1000)
        more = [x for h in [*headers, SIGNED.format("monitoring")] for x in ("--header", h)]
        sent = send(server, frames, "--path", path, "--type", kind, "--settle", "1", *more)
        settle(server)
        least = ("3", "1") if fmt == "pmd-cbor" else ("", "")
        row(f"PutMetricData ({fmt[4:]}), 1,000 data a call", sent["server_cpu_s_settled_per_M"], "CPU s / M", *least)
        if fmt == "pmd-cbor":
            row("memory, peak", sent["peak_rss_MB"], "MiB", "1024")
            for name, result in queries(server, args, "metrics-aws", ["one_series_1d_1m", "p99_one_series_1d_1h", "data_100_series_3h_5m"]).items():
                row(name, result.get("p50_ms", result.get("error")), "ms", "")
        server.stop()
        row(f"parts on disk ({fmt[4:]})", round(du(os.path.join(server.data_dir, "objects")) / sent["items"], 2), "bytes / datapoint", "")


def metric_queries(args):
    """Reads over 2,000 series of a day at one minute, from parts and head; then memory with a million series."""
    headers = [x for h in ("smithy-protocol: rpc-v2-cbor", SIGNED.format("monitoring")) for x in ("--header", h)]
    put = ["--path", "/service/GraniteServiceVersion20100801/operation/PutMetricData", "--type", "application/cbor", *headers]
    server = Server(args.binary, os.path.join(args.work, "metric-queries"))
    send(server, load(args, "metrics", "pmd-cbor", "--series", 2000, "--points", 1440, name="day"), *put, "--settle", "1")
    settle(server)
    least = {"one_series_1d_1m": ("one series, 1 d at 1 min", "2 ms", "0.6 ms"),
             "p99_one_series_1d_1h": ("p99 of one series, 1 d at 1 h", "", ""),
             "p99_100_series_1d_1h": ("p99 of 100 series, 1 d at 1 h", "70 ms", "30 ms"),
             "data_100_series_3h_5m": ("100 series, 3 h at 5 min", "", ""),
             "search_avg_1d_5m": ("AVG(SEARCH) over 500 series (its limit), 1 d at 5 min", "60 ms", "25 ms"),
             "insights_avg_1d_5m": ("Metrics Insights AVG over 1,000 series, 1 d at 5 min", "60 ms", "25 ms"),
             "insights_by_host_1d_5m": ("the same by host", "", "")}
    for name, result in queries(server, args, "metrics-aws", list(least)).items():
        what, *targets = least[name]
        value = result["error"] if "error" in result else f"{result['p50_ms']} (CPU {result['cpu_ms']})"
        row(what, value, "ms", *targets)
    server.stop()
    server = Server(args.binary, os.path.join(args.work, "metric-million"))
    sent = send(server, load(args, "metrics", "pmd-cbor", "--series", 1_000_000, "--points", 2, name="million"), *put, "--settle", "1")
    row("memory, 1 million active series, peak", sent["peak_rss_MB"], "MiB", "2048", "1024")
    server.stop()


def traces(args):
    server = Server(args.binary, os.path.join(args.work, "traces"))
    frames = load(args, "traces", "xray", "--n", args.segments // 4)
    sent = send(server, frames, "--path", "/TraceSegments", "--type", "application/json", "--settle", "1",
                "--header", SIGNED.format("xray"))
    settle(server)
    # A frame counts spans; an X-Ray segment holds two of them.
    row("PutTraceSegments, durable", round(sent["server_cpu_s_settled_per_M"] * 2, 2), "CPU s / M segments", "12", "5")
    row("memory, peak", sent["peak_rss_MB"], "MiB", "1024")
    server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True, help="release build of nephoscope")
    parser.add_argument("--events", type=int, default=5_000_000)
    parser.add_argument("--data", type=int, default=1_000_000)
    parser.add_argument("--segments", type=int, default=400_000)
    parser.add_argument("--only", default="logs,metrics,metric_queries,traces")
    parser.add_argument("--work", help="folder for loads and data (default: a new temporary one, deleted at the end)")
    args = parser.parse_args()
    own = args.work is None
    args.work = args.work or tempfile.mkdtemp(prefix="nephoscope-bench-")
    os.makedirs(args.work, exist_ok=True)
    stamp = os.path.join(args.work, "base")
    if not os.path.exists(stamp):
        with open(stamp, "w") as f:
            f.write(str((int(time.time()) - 600) * 1000))
    args.base = int(open(stamp).read())
    print("| what | measured | at least | aim |\n|---|---|---|---|")
    try:
        for name in args.only.split(","):
            for stale in ("logs", "pmd-cbor", "pmd-json", "pmd-query", "metric-queries", "metric-million", "traces"):
                if stale.startswith(name[:3]) or (name == "metrics" and stale.startswith("pmd")):
                    shutil.rmtree(os.path.join(args.work, stale), ignore_errors=True)
            {"logs": logs, "metrics": metrics, "metric_queries": metric_queries, "traces": traces}[name](args)
    finally:
        if own:
            shutil.rmtree(args.work, ignore_errors=True)


if __name__ == "__main__":
    main()
