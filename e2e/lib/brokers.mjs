// Brokers of the test's own: on a free loopback port, in a folder that goes with them.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { limited, until } from "./clients.mjs";

/** A loopback port that nobody has at the moment. */
export async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

const natsd = fileURLToPath(new URL("../../bin/natsd", import.meta.url));

/**
 * Starts redis-server, on a port that it may be given back after it was killed.
 * @returns {Promise<{port: number, address: string, pause: () => Promise<void>, resume: () => void, stop: () => Promise<void>}>}
 */
export const startRedis = (port) =>
  start(port, "redis-server", (p, folder) => ["--port", p, "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no"]);

/** Likewise a NATS server. */
export const startNATS = (port) => start(port, natsd, (p) => [p]);

async function start(port, program, args) {
  port ??= await freePort();
  const folder = mkdtempSync(join(tmpdir(), "sockeye-broker-"));
  const child = spawn(program, args(port, folder).map(String), { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit").finally(() => rmSync(folder, { recursive: true, force: true }));
  await limited(program, (resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text) => { if (text.includes("Ready to accept connections")) resolve(); });
    exited.then(([code]) => reject(new Error(`${program} ended with ${code}`)), reject);
  });
  return {
    port, address: `127.0.0.1:${port}`,
    /** Stops it from doing anything, and lets it go on. */
    async pause() {
      child.kill("SIGSTOP");
      await until("it has stopped", () => /^State:\s+T/m.test(readFileSync(`/proc/${child.pid}/status`, "utf8")));
    },
    resume: () => child.kill("SIGCONT"),
    async stop() { child.kill("SIGKILL"); await exited; },
  };
}
