// A server is restarted under load: what was acknowledged has taken effect, and nothing is taken for recovered.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { io } from "client-4.8";
import { stretch, whole } from "../lib/patience.mjs";

const CLIENTS = whole ? 2000 : 500;
const ORDERS = 8; // of each client
const program = fileURLToPath(new URL("../../bin/restart", import.meta.url));

async function start(ledger, port) {
  const child = spawn(program, { env: { ...process.env, LEDGER: ledger, PORT: String(port), GORACE: "halt_on_error=1" }, stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout });
  const [first] = await Promise.race([once(lines, "line"), exited]);
  const listening = /^listening on port (\d+)$/.exec(first);
  assert.ok(listening, `the server said ${first}`);
  return {
    port: Number(listening[1]),
    async stop() {
      child.kill("SIGTERM");
      const [code] = await exited;
      assert.equal(code, 0, "the server stops without an error");
    },
  };
}

test(`${CLIENTS} clients, a restart amid their orders`, { timeout: stretch(120_000) }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "restart-"));
  t.after(() => rm(folder, { recursive: true }));
  const ledger = join(folder, "ledger");
  let server = await start(ledger, 0);
  const { port } = server;

  const acked = new Set();
  const reasons = new Map();
  const recovered = [];
  const sockets = [];
  t.after(() => sockets.forEach((s) => s.disconnect()));
  let waiting = CLIENTS * ORDERS;
  let finished;
  const all = new Promise((resolve) => (finished = resolve));
  let midway;
  const begun = new Promise((resolve) => (midway = resolve));

  const connected = [];
  for (let i = 0; i < CLIENTS; i++) {
    const socket = io(`http://127.0.0.1:${port}`, {
      transports: ["websocket"], forceNew: true, retries: 50, ackTimeout: stretch(3000),
      reconnectionDelay: 200, reconnectionDelayMax: 2000,
    });
    sockets.push(socket);
    connected.push(new Promise((resolve) => socket.once("connect", resolve)));
    socket.on("disconnect", (reason) => reasons.set(reason, (reasons.get(reason) ?? 0) + 1));
    socket.on("connect", () => recovered.push(socket.recovered));
    if (i % 250 === 249) await Promise.all(connected);
  }
  await Promise.all(connected);
  sockets.forEach((socket, i) => {
    for (let n = 0; n < ORDERS; n++) {
      const id = `${i}.${n}`;
      socket.emit("order", id, (err, answer) => {
        assert.ifError(err);
        assert.equal(answer, id);
        acked.add(id);
        waiting--;
        if (waiting === Math.floor(CLIENTS * ORDERS * 0.8)) midway();
        if (waiting === 0) finished();
      });
    }
  });
  await begun;
  await server.stop();
  const before = new Set(acked);
  const taken = (await readFile(ledger, "utf8")).trim().split("\n");
  const inTime = new Set(taken);
  assert.ok(before.size < CLIENTS * ORDERS, "the restart came amid the orders");
  for (const id of before) assert.ok(inTime.has(id), `${id} was acknowledged and has not taken effect`);

  server = await start(ledger, port);
  t.after(() => server.stop());
  await all;
  const entries = (await readFile(ledger, "utf8")).trim().split("\n");
  const unique = new Set(entries);
  for (const id of acked) assert.ok(unique.has(id), `${id} was acknowledged and has not taken effect`);
  assert.equal(unique.size, CLIENTS * ORDERS);
  assert.deepEqual([...reasons.keys()], ["transport close"]);
  assert.equal(reasons.get("transport close"), CLIENTS);
  assert.equal(recovered.length, 2 * CLIENTS, "everybody came back");
  assert.ok(recovered.every((r) => r === false), "a new server recovers nobody");
  t.diagnostic(`${CLIENTS} clients, ${acked.size} orders, ${before.size} acknowledged before the stop, ${entries.length - unique.size} repeated by retries`);
});
