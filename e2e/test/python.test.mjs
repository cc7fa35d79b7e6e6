// Debian's python3-socketio, in a process of its own: python/client.py.
import { after } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startServer } from "../lib/server.mjs";
import { cell } from "../lib/cell.mjs";
import { transports } from "../lib/clients.mjs";
import { stretch } from "../lib/patience.mjs";

const server = await startServer("main");
after(() => server.stop());
const script = fileURLToPath(new URL("../python/client.py", import.meta.url));

const outcomes = await Promise.all(Object.keys(transports).map(async (transport) => {
  const { stdout } = await promisify(execFile)("/usr/bin/python3", [script, server.url, transport], { timeout: stretch(120000) });
  return [transport, JSON.parse(stdout)];
}));
for (const [transport, results] of outcomes) {
  for (const [title, failure] of Object.entries(results)) {
    cell("Python 5.7", transport, "python", title, async () => assert.ok(failure === null, failure ?? ""));
  }
}
