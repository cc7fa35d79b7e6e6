// What clients say of their lives before, and what strangers say of requests, is believed of none: by hand, against two nodes.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { createClient } from "redis";
import { until } from "../lib/clients.mjs";
import { backends, startNodes } from "../lib/nodes.mjs";
import { stretch } from "../lib/patience.mjs";
import { rawSocket } from "../lib/raw.mjs";

/** A client by hand, until cut: what it was, and its last offset. */
async function client(url, auth = {}) {
  const s = rawSocket(`${url}/socket.io/?EIO=4&transport=websocket`);
  const me = { s, offset: undefined, cut: () => s.close() };
  const inbox = [];
  let heard = () => {};
  s.socket.on("message", (data) => {
    if (`${data}` === "2") return s.send("3");
    inbox.push(`${data}`);
    heard();
  });
  const read = async () => {
    while (inbox.length === 0) await new Promise((resolve) => { heard = resolve; });
    return inbox.shift();
  };
  await read();
  const began = performance.now();
  s.send(`40${JSON.stringify(auth)}`);
  let m;
  const over = s.closed.then(() => "40{}"); // the profile does not wait for a log that is to come
  while (!(m = await Promise.race([read(), over])).startsWith("40")) ; // what it has missed comes first
  Object.assign(me, JSON.parse(m.slice(2)), { took: performance.now() - began });
  me.hear = async (event) => {
    for (;;) {
      const [name, ...args] = JSON.parse((await read()).replace(/^42\d*/, ""));
      me.offset = args.at(-1);
      if (name === event) return args;
    }
  };
  return me;
}

/** One that has heard something, and is gone. */
async function gone(node) {
  const c = await client(node.url);
  c.s.send('42["relay",{},"tick",1]');
  await c.hear("tick");
  c.cut();
  return c;
}

const unrecovered = async (node) => Object.values((await node.account()).unrecovered).reduce((sum, n) => sum + n, 0);

for (const backend of ["streams", "mesh"]) test(`${backend}: offsets and private ids that nobody was given`, { timeout: stretch(60_000) }, async (t) => {
  const broker = await backends[backend].start();
  t.after(() => broker.stop());
  const nodes = await startNodes(broker.url, ["go", "go"], { profile: "recovery", env: { RECOVERY_WINDOW: "60000" } });
  t.after(() => Promise.all(nodes.map((n) => n.stop())));
  const [here, there] = nodes;

  if (backend === "streams") { // the way back works at all
    const c = await gone(here);
    let back;
    await until("it is stored", async () => (back = await client(there.url, { pid: c.pid, offset: c.offset })).pid === c.pid);
    assert.equal(back.sid, c.sid);
    const again = await client(here.url, { pid: "x".repeat(20), offset: back.offset ?? c.offset });
    assert.notEqual(again.pid, c.pid);
  }

  const sample = (await gone(here)).offset;
  const place = sample.slice(-40); // node, log, place and number
  const bytes = Buffer.from(place, "base64url");
  const forged = (change) => { const b = Buffer.from(bytes); change(b); return sample.slice(0, -40) + b.toString("base64url"); };
  const offsets = {
    none: "", short: "?", number: 7, object: { x: 1 }, list: [sample], long: "A".repeat(sample.length), "another long": "_".repeat(sample.length),
    huge: "x".repeat(500_000), "not ASCII": "\u00e9".repeat(sample.length), "of Node's future": "9999999999999-0", "of Node's end": "99999999999999999999999-99999999999999999999999",
    ...(backend === "streams" && {
      "another cluster's": forged((b) => b.fill(0x5a, 0, 12)), "another log's": forged((b) => b.writeUInt32BE(7, 8)),
      "from the future": forged((b) => b.writeUInt16BE(0xffff, 12)), "a number from the future": forged((b) => b.writeBigUInt64BE(BigInt.asUintN(63, b.readBigUInt64BE(22)) + 2n ** 40n, 22)),
      "another node's, from the future": forged((b) => { b.fill(1, 0, 8); b.writeUInt16BE(0xffff, 12); }),
    }),
  };
  for (const node of backend === "streams" ? [there] : [there, here]) for (const [what, offset] of Object.entries(offsets)) {
    const c = await gone(here);
    const before = await unrecovered(node);
    const back = await client(node.url, { pid: c.pid, offset });
    assert.notEqual(back.sid, c.sid, `${what}: it was recovered`);
    assert.notEqual(back.pid, c.pid, what);
    assert.ok(back.took < stretch(3000), `${what}: ${back.took} ms`);
    await until(`${what}: a reason is counted`, async () => await unrecovered(node) === before + 1);
    const replayed = await client(node.url, { pid: c.pid, offset: c.offset }); // the true one comes too late
    assert.notEqual(replayed.sid, c.sid, `${what}: it was recovered in the end`);
    back.cut();
    replayed.cut();
  }

  for (const pid of ["", "x", c20(), "x".repeat(500_000), "../".repeat(20), "a\r\nb", "\u0000"]) {
    const before = await unrecovered(there);
    const began = broker.broker && await commands(broker.broker.address);
    const back = await client(there.url, { pid, offset: sample });
    assert.notEqual(back.pid, pid);
    assert.equal(await unrecovered(there), before + 1);
    if (began !== undefined && backend === "streams") {
      const n = await commands(broker.broker.address) - began;
      assert.ok(n < 30, `${n} commands for a private id of ${pid.length} characters`);
    }
    back.cut();
  }
});

const c20 = () => Math.random().toString(36).padEnd(20, "0").slice(0, 20);

/** How many commands a Redis has carried out, beside those that ask. */
async function commands(address) {
  const redis = await createClient({ url: `redis://${address}` }).connect();
  const stats = await redis.sendCommand(["INFO", "commandstats"]);
  await redis.disconnect();
  return [...stats.matchAll(/^cmdstat_(?!info|hello|client|xread|ping|publish|xadd)[^:]+:calls=(\d+)/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
}

for (const backend of ["streams", "mesh"]) test(`${backend}: requests that say they were passed on`, { timeout: stretch(60_000) }, async (t) => {
  const broker = await backends[backend].start();
  t.after(() => broker.stop());
  const nodes = await startNodes(broker.url, ["go", "go"], { forward: true });
  t.after(() => Promise.all(nodes.map((n) => n.stop())));
  const open = async (node) => JSON.parse((await (await fetch(`${node.url}/socket.io/?EIO=4&transport=polling`)).text()).slice(1)).sid;
  const ask = async (node, sid, mark, headers = {}) => {
    const res = await fetch(`${node.url}/socket.io/?EIO=4&transport=polling&sid=${sid}`, { method: "POST", body: "40", headers: { ...headers, ...(mark !== undefined && { "Sockeye-Forward": mark }) } });
    return { status: res.status, body: await res.text() };
  };
  const [a, b] = nodes;
  const sid = await open(a);
  await until("it is passed on", async () => (await ask(b, sid)).status === 200); // once they know where the other is
  const now = Date.now();
  const sign = (key) => createHmac("sha256", key).update("request").digest("base64url");
  for (const mark of ["1", "", "yes", `1 0123456789abcdef ${now} 0 127.0.0.1:1 ${sign("")}`, `1 0123456789abcdef ${now} 0 127.0.0.1:1 ${sign("guess")}`, "x".repeat(8000), `${"1 ".repeat(2000)}`]) {
    for (const node of nodes) {
      const { status, body } = await ask(node, sid, mark);
      assert.equal(status, 403, `${mark.slice(0, 40)}: ${body}`);
    }
  }
  // Made up tags: of nobody, of this node, of the other with another session, and too much of it.
  for (const [node, id] of [[b, sid.slice(0, 16) + "ZZZZ"], [b, "0123456789abcdef" + sid.slice(16)], [a, "0123456789abcdef" + sid.slice(16)], [b, sid.slice(16)], [b, "A".repeat(5000) + sid.slice(16)], [b, `../${sid}`]]) {
    const { status, body } = await ask(node, id);
    assert.equal(status, 400, body);
  }
  // A WebSocket that says so, and a request that was passed on and comes again.
  for (const node of nodes) {
    const socket = rawSocket(`${node.url}/socket.io/?EIO=4&transport=websocket&sid=${sid}`, { headers: { "Sockeye-Forward": "1 a b c d e" } });
    const refusal = await socket.refused;
    socket.close();
    assert.equal(refusal.status, 403);
  }
  const { forged: atA } = await a.forwards();
  const { forged: atB } = await b.forwards();
  assert.ok(atA >= 8 && atB >= 8, `${atA} and ${atB} counted`);
  for (const node of nodes) {
    const lines = node.log().split("\n").filter((line) => line.includes("passed it on"));
    assert.ok(lines.length >= 1 && lines.length <= 4, `${lines.length} lines: ${node.log()}`);
  }
  assert.equal((await ask(b, sid)).status, 200);
});
