// A Redis server of the test's own: on a free loopback port, in a folder that goes with it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limited } from "./clients.mjs";

/** A loopback port that nobody has at the moment. */
export async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

/**
 * Starts redis-server, on a port that it may be given back after it was killed.
 * @returns {Promise<{port: number, address: string, signal: (name: string) => void, stop: () => Promise<void>}>}
 */
export async function startRedis(port) {
  port ??= await freePort();
  const folder = mkdtempSync(join(tmpdir(), "sockeye-redis-"));
  const child = spawn("redis-server", ["--port", port, "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no"].map(String),
    { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit").finally(() => rmSync(folder, { recursive: true, force: true }));
  await limited("redis-server", (resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text) => { if (text.includes("Ready to accept connections")) resolve(); });
    exited.then(([code]) => reject(new Error(`redis-server ended with ${code}`)), reject);
  });
  return {
    port, address: `127.0.0.1:${port}`,
    signal: (name) => child.kill(name),
    async stop() { child.kill("SIGKILL"); await exited; },
  };
}
