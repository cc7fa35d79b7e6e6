// Traffic over two nodes whose broker fails over: what is missing is counted, the rest comes in order and once.
import assert from "node:assert/strict";
import { ask, ask1, until } from "./clients.mjs";
import { openOn, startNodes } from "./nodes.mjs";
import { stretch } from "./patience.mjs";

/** Two nodes with a socket each, in one room, of which the first emits numbers to the room every few milliseconds. */
export async function traffic(t, url) {
  const nodes = await startNodes(url, ["go", "go"], { env: { CLUSTER_HEARTBEAT: `${stretch(300)},${stretch(10_000)}` } });
  t.after(() => Promise.all(nodes.map((n) => n.stop())));
  const sockets = await openOn(nodes, [0, 1]);
  t.after(() => sockets.forEach((socket) => socket.close()));
  const [a, b] = sockets;
  const got = { a: [], b: [] };
  a.on("n", (i) => got.a.push(i));
  b.on("n", (i) => got.b.push(i));
  await ask(a, "join", "room");
  await ask(b, "join", "room");
  let sent = 0;
  const emit = () => a.emit("relay", { rooms: ["room"] }, "n", ++sent);
  await until("the room is heard", () => { emit(); return got.b.length > 0; });
  const timer = setInterval(emit, 5);
  t.after(() => clearInterval(timer));
  return {
    async flows(what) {
      const before = got.b.length;
      await until(`${what}: the room is heard again`, () => got.b.length > before + 10);
    },
    async stop(what) {
      clearInterval(timer);
      await until("local clients have all", () => got.a.length === sent);
      assert.deepEqual(got.a, Array.from({ length: sent }, (_, i) => i + 1), `${what}: local clients get all, in order`);
      await this.last(what);
      for (const i of got.b.keys()) assert.ok(i === 0 || got.b[i] > got.b[i - 1], `${what}: in order and once: ${got.b[i - 1]} ${got.b[i]}`);
      const missing = sent - got.b[0] + 1 - got.b.length;
      if (missing > 0) await until(`${what}: ${missing} missing are counted`, () => /never came/.test(nodes[1].log()));
      await until(`${what}: both are found`, async () => (await ask1(a, "fetch", "room")).length === 2);
      return missing;
    },
    async last(what) {
      emit();
      const end = sent;
      await until(`${what}: the last one comes`, () => { if (got.b.at(-1) !== end) { emit(); } return got.b.includes(end) || got.b.at(-1) > end; });
      await until(`${what}: all that was sent since has come`, () => got.b.at(-1) === sent && got.a.length === sent);
    },
  };
}
