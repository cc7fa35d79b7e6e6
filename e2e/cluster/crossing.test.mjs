// Clients that are cut off on our server and come back to one of Node's with the official streams adapter, and the other way round.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, client48, open, pause, until } from "../lib/clients.mjs";
import { journal } from "../lib/journal.mjs";
import { backends, startNodes } from "../lib/nodes.mjs";
import { stretch } from "../lib/patience.mjs";

/** Who is told of a client's events: [row, n] in order. */
function listen(socket) {
  const got = [];
  socket.on("tick", (row, n) => got.push(`${row} ${n}`));
  return got;
}

/** Takes a client from one node to the other in mid-traffic. Resolves with what became of it. */
async function cross(kinds, env = {}) {
  const broker = await backends.streams.start();
  let nodes = [];
  const sockets = [];
  try {
    nodes = await startNodes(broker.url, kinds, { profile: "recovery", env: { RECOVERY_WINDOW: "60000", ...env } });
    const [from, to] = nodes;
    const senders = nodes.map((node) => open(client48, "websocket", node.url));
    const socket = open(client48, "websocket", from.url, "/", { reconnection: true, reconnectionDelay: stretch(300), reconnectionDelayMax: stretch(500) });
    sockets.push(socket, ...senders);
    const log = journal(nodes);
    const { join } = log.follow(socket, "client", new Set());
    const got = listen(socket);
    const verdicts = [];
    socket.on("connect", () => verdicts.push([socket.recovered, socket.id]));
    await until("all are there", () => sockets.every((s) => s.connected));
    const enter = async () => { await ask(socket, "join", "room"); for (const room of ["room", socket.id]) join(room); };
    await enter();
    const want = [];
    const say = async (n, seen) => {
      for (const [i, sender] of senders.entries()) {
        for (const target of [{}, { rooms: ["room"] }, { rooms: ["elsewhere"] }, { rooms: [socket.id ?? verdicts.at(-1)[1]] }]) {
          const row = `${i} ${target.rooms ? (target.rooms[0].length === 20 ? "own" : target.rooms[0]) : "all"}`;
          log.emit(nodes[i], `on ${i}`, `${row} ${n}`, target.rooms?.[0]);
          sender.emit("relay", target, "tick", row, n);
          if (row.endsWith("elsewhere")) continue;
          want.push(`${row} ${n}`);
          if (seen) await until("it has come", () => got.includes(`${row} ${n}`));
        }
      }
    };
    await say(0, true);
    await say(1, true);
    for (const [there, n] of [[to, 2], [from, 4]]) {
      const before = verdicts.length;
      socket.io.uri = there.url;
      socket.io.engine.close(); // no word of Socket.IO's is said
      await pause(100); // its server has noticed
      await say(n, false);
      await until("it is back", () => verdicts.length > before && socket.connected);
      if (!socket.recovered) await enter();
      await say(n + 1, true);
      if (!socket.recovered) break;
    }
    await pause(200);
    assert.deepEqual((await log.decide("streams")).wrong, [], "the history may be");
    return { verdicts: verdicts.map(([recovered]) => recovered), same: new Set(verdicts.map(([, id]) => id)).size === 1, got, want };
  } finally {
    for (const s of sockets) s.close();
    await Promise.all(nodes.map((n) => n.stop().catch(() => {})));
    await broker.stop();
  }
}

const once = ({ got, want }) => {
  assert.deepEqual([...got].sort(), [...want].sort());
  const rows = new Map();
  for (const text of got) {
    const row = text.slice(0, text.lastIndexOf(" ")), n = Number(text.slice(text.lastIndexOf(" ")));
    assert.ok(n > (rows.get(row) ?? -1), `${text} is in its order`);
    rows.set(row, n);
  }
};

test("ours to Node's and back, with Node's offsets: recovered both times, and every event once", { timeout: stretch(60_000) }, async () => {
  const result = await cross(["go", "node"], { NODE_OFFSETS: "1" });
  assert.deepEqual(result.verdicts, [false, true, true]);
  assert.ok(result.same);
  once(result);
});

test("Node's to ours and back, with Node's offsets: recovered both times, and every event once", { timeout: stretch(60_000) }, async () => {
  const result = await cross(["node", "go"], { NODE_OFFSETS: "1" });
  assert.deepEqual(result.verdicts, [false, true, true]);
  assert.ok(result.same);
  once(result);
});

test("ours to ours, with Node's offsets: recovered both times, and every event once", { timeout: stretch(60_000) }, async () => {
  const result = await cross(["go", "go"], { NODE_OFFSETS: "1" });
  assert.deepEqual(result.verdicts, [false, true, true]);
  assert.ok(result.same);
  once(result);
});

test("Node's to ours without them: recovered there; from ours to Node's it is refused", { timeout: stretch(60_000) }, async () => {
  const result = await cross(["node", "go"]);
  assert.deepEqual(result.verdicts, [false, true, false]);
});

test("ours to Node's without them: refused, never false", { timeout: stretch(60_000) }, async () => {
  const result = await cross(["go", "node"]);
  assert.deepEqual(result.verdicts, [false, false]);
  assert.ok(!result.same);
});
