// The client in Go against both servers: what the official client's suite asks of it, over each transport.
import { test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startServer } from "../lib/server.mjs";

const program = fileURLToPath(new URL("../../bin/goclient", import.meta.url));

for (const server of ["sockeye", "reference"]) test(`the client in Go against ${server}`, async (t) => {
  const profiles = ["client", "main", "recovery"];
  const servers = await Promise.all(profiles.map((profile) => startServer(profile, { server })));
  t.after(() => Promise.all(servers.map((s) => s.stop())));
  const { stdout } = await promisify(execFile)(program, servers.map((s, i) => `${profiles[i]}=${s.url}`)).catch((err) => err);
  assert.doesNotMatch(stdout, /^FAIL/m);
  assert.match(stdout, /^1\d\d scenarios, 0 failed$/m);
});
