// Somebody on the broker says what nodes have said once more, late, cut short or garbled: each event comes once, and the rest is counted.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, test } from "node:test";
import pg from "pg";
import { createClient } from "redis";
import { pause } from "../lib/clients.mjs";
import { record } from "../lib/history.mjs";
import { backends, openOn, startNodes } from "../lib/nodes.mjs";
import { lasts, stretch } from "../lib/patience.mjs";

/** Hears a broker, and says things on it. Each resolves with a way to end it; take is given what was said and a way to say something in its place. */
const listeners = {
  async redis({ broker }, prefix, nsp, take) {
    const [ears, mouth] = await Promise.all([1, 2].map(() => createClient({ url: `redis://${broker.address}` }).connect()));
    await ears.pSubscribe(`${prefix}*`, (message, channel) => take(message, (bytes) => mouth.publish(channel, bytes)), true);
    return () => Promise.all([ears.disconnect(), mouth.disconnect()]);
  },
  async sharded({ broker }, prefix, nsp, take) {
    const [ears, mouth] = await Promise.all([1, 2].map(() => createClient({ url: `redis://${broker.address}` }).connect()));
    for (const channel of [`${prefix}#${nsp}#`, `${prefix}#${nsp}#room#`]) {
      await ears.sSubscribe(channel, (message) => take(message, (bytes) => mouth.sPublish(channel, bytes)), true);
    }
    return () => Promise.all([ears.disconnect(), mouth.disconnect()]);
  },
  async streams({ broker }, prefix, nsp, take) {
    const [ears, mouth] = await Promise.all([1, 2].map(() => createClient({ url: `redis://${broker.address}` }).connect()));
    let id = "$", over = false;
    (async () => {
      while (!over) {
        for (const { messages } of (await ears.xRead({ key: prefix, id }, { BLOCK: 50 }).catch(() => null)) ?? []) {
          for (const m of messages) {
            id = m.id;
            if (m.message.data) take(Buffer.from(m.message.data), (bytes) => mouth.xAdd(prefix, "*", { ...m.message, data: bytes.toString("latin1") }));
          }
        }
      }
    })();
    return () => { over = true; return Promise.all([ears.disconnect(), mouth.disconnect()]); };
  },
  async postgres({ broker }, prefix, nsp, take) {
    const client = new pg.Client(`postgres://${broker.address}`);
    await client.connect();
    const channel = `${prefix}#${nsp}`;
    client.on("notification", ({ payload }) => take(Buffer.from(payload), (bytes) => client.query("SELECT pg_notify($1, $2)", [channel, bytes.toString("latin1").replace(/\0/g, "0")])));
    await client.query(`LISTEN "${channel}"`);
    return () => client.end();
  },
  async nats({ broker }, prefix, nsp, take) {
    const socket = connect(broker.port, "127.0.0.1");
    await once(socket, "connect");
    let kept = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      kept = Buffer.concat([kept, bytes]);
      for (let end; (end = kept.indexOf("\r\n")) >= 0;) {
        const [word, subject, , ...sizes] = kept.toString("latin1", 0, end).split(" ");
        if (word === "PING") socket.write("PONG\r\n");
        if (word !== "MSG") { kept = kept.subarray(end + 2); continue; }
        const size = Number(sizes.at(-1));
        if (kept.length < end + 4 + size) return;
        const message = Buffer.from(kept.subarray(end + 2, end + 2 + size));
        kept = kept.subarray(end + 4 + size);
        take(message, (said) => socket.write(Buffer.concat([Buffer.from(`PUB ${subject} ${said.length}\r\n`), said, Buffer.from("\r\n")])));
      }
    });
    socket.write('CONNECT {"verbose":false}\r\nSUB > 1\r\n');
    return () => socket.destroy();
  },
};

const garbage = ["", "x", "\xc1\xff\x00", "[]", "{", '{"uid":"x","nsp":"/","type":3}', "\x93\xa6zzzzzz\x83\xa4type\x03\xa4data\x91\xa1x"].map((text) => Buffer.from(text, "latin1"));

describe("what somebody else says", { concurrency: true }, () => {
  for (const backend of lasts(["redis", "nats"], Object.keys(listeners))) {
    test(`${backend}: messages come twice, late, cut short and garbled`, { timeout: stretch(60_000) }, async (t) => {
      const broker = await backends[backend].start();
      t.after(() => broker.stop());
      const nodes = await startNodes(broker.url, ["go", "go"], { env: { CLUSTER_HEARTBEAT: `${stretch(300)},${stretch(10_000)}` } });
      t.after(() => Promise.all(nodes.map((n) => n.stop())));
      const sockets = await openOn(nodes, [0, 1]);
      t.after(() => sockets.forEach((socket) => socket.close()));
      const run = await record(t, backend, nodes, sockets, { safe: true });
      const seen = new Set(), old = [];
      let n = 0;
      const end = await listeners[backend](broker, nodes[0].prefix, sockets[0].nsp, (message, say) => {
        const text = message.toString("latin1");
        if (seen.has(text)) return;
        const tell = (bytes) => { seen.add(bytes.toString("latin1")); return say(bytes); };
        seen.add(text);
        if (!/"?h"?.{0,6}c[01]-\d/s.test(text)) return; // no event of the history
        old.push([message, say]);
        n++;
        if (n % 3 === 0) say(message); // twice
        if (n % 5 === 0) { const [m, again] = old[Math.floor(old.length / 2)]; again(m); } // and long after
        if (n % 7 === 0) tell(message.subarray(0, message.length >> 1));
        if (n % 11 === 0) tell(garbage[n % garbage.length]);
      });
      await pause(lasts(700, 5000));
      run.pause();
      await pause(200); // it has said all
      await end();
      run.resume();
      const { gaps } = await run.check();
      const accounts = await Promise.all(nodes.map((node) => node.account()));
      const twice = accounts.reduce((sum, a) => sum + a.duplicates, 0);
      const malformed = accounts.reduce((sum, a) => sum + Object.values(a.malformed).reduce((x, y) => x + y, 0), 0);
      t.diagnostic(`${backend}: of ${n} messages: ${twice} doubles and ${malformed} malformed ones are counted`);
      assert.ok(n > 20 && twice >= Math.floor(n / 3) && malformed >= Math.floor(n / 7), `of ${n}: ${twice} doubles, ${malformed} malformed`);
      assert.deepEqual([run.missing(0, 1), run.missing(1, 0), gaps], [[], [], 0]);
    });
  }
});
