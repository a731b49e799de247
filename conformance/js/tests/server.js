// The server under test, as a process. NEPHOSCOPE names the binary; `cargo xtask test js` builds it and sets the
// variable.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A server on a free port over a folder of its own. */
export async function startServer() {
  const binary = process.env.NEPHOSCOPE;
  assert.ok(binary, "NEPHOSCOPE must name the server's binary; run `cargo xtask test js`");
  const data = await mkdtemp(join(tmpdir(), "nephoscope-js-"));
  const ports = ["--listen", "127.0.0.1:0", "--xray-daemon", "off", "--emf", "off"];
  const server = spawn(binary, ["serve", ...ports, "--data-dir", data, "--log-level", "warn"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let endpoint;
  for await (const line of createInterface({ input: server.stdout })) {
    const found = /listening on (http:\/\/\S+)/.exec(line);
    if (found) {
      endpoint = found[1];
      break;
    }
  }
  assert.ok(endpoint, "the server ended before it listened");
  server.stdout.resume();
  const stop = async () => {
    if (server.exitCode === null) {
      server.kill("SIGTERM");
      const [status] = await once(server, "exit");
      assert.equal(status, 0, "the server did not shut down cleanly");
    }
    await rm(data, { recursive: true, force: true });
  };
  return { endpoint, stop };
}
