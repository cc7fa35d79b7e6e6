// What the program tells Prometheus, and the rules made for it, by Prometheus' own tool.
import { test } from "node:test";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { io } from "client-4.8";
import { once } from "node:events";
import { startProgram } from "../lib/program.mjs";

const promtool = (input, ...args) => {
  const { status, stdout, stderr, error } = spawnSync("promtool", args, { input, encoding: "utf8" });
  assert.ifError(error);
  return { status, text: stdout + stderr };
};

test("promtool finds nothing in the rules and in what is told, also of hostile names", async () => {
  const rules = promtool("", "check", "rules", fileURLToPath(new URL("../../docs/operating/alerts.yml", import.meta.url)));
  assert.equal(rules.status, 0, rules.text);
  assert.match(rules.text, /\d\d rules found/);

  const program = await startProgram("--log", "error");
  const client = io(program.url + "echo", { transports: ["websocket"], forceNew: true });
  await once(client, "connect");
  client.emit('"}\n# HELP x', "y");
  client.emit("echo", 1);
  const told = await (await fetch(program.url + "metrics")).text();
  client.disconnect();
  const metrics = promtool(told, "check", "metrics");
  assert.equal(metrics.status, 0, metrics.text);
  assert.equal(metrics.text, "");
  assert.match(told, /^sockeye_namespace_sockets\{namespace="\/echo"\} 1$/m);
  assert.equal((await program.stop()).code, 0, program.log());
});
