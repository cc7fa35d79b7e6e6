// Messages between nodes: Node's adapters read ours as we mean them, and we read theirs as they do.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { decoders, expect, kinds, plain, settled, spy, start } from "../../socketio/adapter/nodewire/testdata/node.mjs";
import { stretch } from "../lib/patience.mjs";

const wire = fileURLToPath(new URL("../../bin/wire", import.meta.url));
const namespaces = ["/", "/chat", "/a#b"];
const adapters = ["classic", "sharded", "streams"];
const EACH = Number(process.env.WIRE_EACH) || 8; // messages of each kind and form
const seed = Number(process.env.WIRE_SEED) || randomInt(1 << 30);

// run has the program write lines, and ends well.
async function* run(args, input = []) {
  const child = spawn(wire, args, { stdio: ["pipe", "pipe", "inherit"] });
  const exited = once(child, "exit");
  child.stdin.end(input.map((x) => `${JSON.stringify(x)}\n`).join(""));
  for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line);
  const [code] = await exited;
  assert.equal(code, 0, "the program ends without an error");
}

const random = (n) => Math.floor(Math.random() * n);

// value makes any value that an application may emit.
function value(depth) {
  switch (random(depth ? 12 : 8)) {
    case 0: return [null, undefined, true, false, NaN, Infinity, -0, ""][random(8)];
    case 1: return [1, -1, 127, 128, 65536, -32769, 2 ** 32, 2 ** 32 + 1, -(2 ** 31) - 1, 2 ** 53 - 1, -(2 ** 53) + 1, random(2 ** 40)][random(12)];
    case 2: return [0.1, 1e21, 1e300, 2 ** 64, 2 ** 63, 5e-324, Math.random(), -Math.random() * 2 ** 40][random(8)];
    case 3: return ["a", "é日本😀", 'quo"te\\', "\u0000\u001f\u2028", "x".repeat([31, 32, 255, 256, 70000][random(5)])][random(5)];
    case 4: return Buffer.alloc([0, 1, 255, 256, 65536][random(5)], random(256));
    case 5: return new Date([0, -1, 1, 86400000, 1700000000123, 2 ** 34 * 1000, -8640000000000000, 253402300800000][random(8)]);
    case 6: return [{ type: "Buffer", data: [1, 2, 3] }, { $bin: "00" }, { num: 0 }][random(3)];
    case 7: return [new Uint8Array([1, 2, 3]), new Uint8Array(0)][random(2)];
    case 8: case 9: return Array.from({ length: [0, 1, 3, 15, 16, 20][random(6)] }, () => value(depth - 1));
    default: return Object.fromEntries(Array.from({ length: [0, 1, 3, 15, 16, 40][random(6)] }, (_, i) => [["", "é", "1", `k${i}`, "日本", "toString"][random(6)], value(depth - 1)]));
  }
}

test("we read what Node's adapters write", { timeout: stretch(60_000) }, async () => {
  const lines = [];
  for (const adapter of adapters) {
    const { io, redis } = start(adapter, namespaces);
    for (let i = 0; i < 5 * EACH; i++) {
      const nsp = io.of(namespaces[i % 3]);
      const args = Array.from({ length: random(4) }, () => value(3));
      nsp.to(["a", "b", "c"].slice(random(4))).except(["d", "é"].slice(random(3))).emit("event", ...args);
      nsp.serverSideEmit("event", ...args);
      await settled();
    }
    for (const args of Object.values(kinds).filter((k) => k !== kinds.strings)) { // half surrogate pairs: see node_test.go
      io.emit("gen", ...args);
      await settled();
    }
    for (const m of redis.sent) lines.push({ adapter, ...m });
  }
  assert.ok(lines.length >= 30 * EACH, `${lines.length} messages`);
  let i = 0;
  for await (const got of run(["decode"], lines)) {
    const { adapter, channel, hex, entry } = lines[i++];
    const bytes = Buffer.from(hex ?? "", "hex");
    const data = entry && (entry.data[0] === "{" ? JSON.parse(entry.data) : decoders.streams(Buffer.from(entry.data, "base64")));
    let m = entry ? { ...entry, data } : bytes[0] === 0x7b ? JSON.parse(bytes) : decoders[adapter](bytes);
    if (Array.isArray(m)) m = { uid: m[0], type: 3, data: { packet: m[1], opts: m[2] } };
    const packet = adapter === "classic" && m.type === 6 ? m.data : m.data.packet;
    const isEvent = !Array.isArray(packet);
    assert.deepEqual(got, {
      kind: isEvent ? "broadcast" : "server-side emit",
      ns: m.nsp ?? packet.nsp ?? /#(.*)#$/.exec(channel)[1],
      from: m.uid,
      rooms: m.data.opts?.rooms ?? [],
      except: m.data.opts?.except ?? [],
      data: plain(isEvent ? packet.data : packet),
    }, `${adapter} ${channel ?? JSON.stringify(entry)} ${hex}`);
  }
  assert.equal(i, lines.length);
});

test(`Node's adapters read what we write (WIRE_SEED=${seed})`, { timeout: stretch(120_000) }, async (t) => {
  const notes = [];
  spy(notes);
  const nodes = Object.fromEntries(adapters.map((a) => [a, start(a, namespaces)]));
  await settled();
  const broken = [];
  const fail = (e) => broken.push(e);
  process.on("unhandledRejection", fail);
  t.after(() => process.off("unhandledRejection", fail));
  let n = 0;
  for await (const m of run(["encode", String(seed), String(EACH)])) {
    n++;
    const { io, redis } = nodes[m.adapter];
    const { adapter } = io.of(m.ns ?? "/");
    if (m.request && /^(fetch|server-side) answer|^client/.test(m.kind)) expect(notes, m.kind, adapter, m.request);
    notes.length = 0;
    await redis.give({ ...m, channel: m.channel?.replace("<uid>", adapter.uid) });
    assert.deepEqual(broken, [], `${m.adapter} ${m.kind}`);
    assert.deepEqual(notes.map(plain), m.want ? [m.want] : [], `${m.adapter} ${m.kind}`);
    redis.sent.length = 0;
  }
  assert.ok(n >= 45 * EACH, `${n} messages`);
});

test.after(() => setImmediate(() => process.exit()));
