// Thousands of messages each way while the upgrade to WebSocket is under way, slowly.
import { after } from "node:test";
import assert from "node:assert/strict";
import { startServer } from "../lib/server.mjs";
import { startProxy } from "../lib/proxy.mjs";
import { cell } from "../lib/cell.mjs";
import { ask1, client48, clients, limited, open, next, until, upgraded } from "../lib/clients.mjs";
import { whole } from "../lib/patience.mjs";

const server = await startServer("main");
const slow = await startProxy(server.port, { webSocketDelay: 40 });
after(async () => { slow.stop(); await server.stop(); });

for (const client of clients) {
  const slice = whole || client === client48 ? 100 : 20, least = 100 * slice;
  cell(client, "upgrade", "upgrade under load", `${least} messages each way, none lost, doubled or out of order`, async (use) => {
    const socket = use(open(client, "upgrade", slow.url));
    await next(socket, "welcome");
    const during = { out: 0, in: 0 }; // how many went while polling, to show that the upgrade came in between
    let upgradeDone = false, expected = 0, wrong;
    upgraded(socket).then(() => { upgradeDone = true; }, (err) => { wrong ??= err.message; });
    socket.on("seq", (tag, i, pad) => {
      if (tag !== "t" || i !== expected % slice || pad !== "xxxxx") wrong ??= `message ${expected}: got ${tag} ${i}`;
      if (!upgradeDone) during.in++;
      expected++;
    });

    // Both directions move in slices, a little every millisecond, so that many are in flight at every step of the upgrade; some when it is over, however
    // long it takes.
    let total = 0;
    for (let over = false; !wrong && (total < least || !over);) {
      over = upgradeDone;
      socket.emit("burst", slice, 5, "t");
      for (let i = total; i < total + slice; i++) socket.emit("put", "t", i);
      if (!upgradeDone) during.out += slice;
      total += slice;
      await new Promise((resolve) => setTimeout(resolve, total < least ? 2 : 50));
    }
    await until("all messages", () => { assert.equal(wrong, undefined); return expected >= total; });
    assert.deepEqual(await ask1(socket, "putReport", "t"), { count: total, bad: null });
    assert.equal(expected, total);
    assert.equal((await ask1(socket, "info")).transport, "websocket");
    assert.ok(during.out > 0 && during.out < total, `${during.out} of ${total} sent before the upgrade was done`);
    assert.ok(during.in < total, `${during.in} received before the upgrade was done`);
  });

  cell(client, "upgrade", "upgrade under load", "binary bursts across it", async (use) => {
    const socket = use(open(client, "upgrade", slow.url));
    await next(socket, "welcome");
    let expected = 0;
    const received = limited("all buffers", (resolve, reject) => socket.on("seqb", (tag, bytes) => {
      const i = Buffer.from(bytes).readUInt32BE();
      if (i !== expected % 20 || bytes.length !== 300 && bytes.byteLength !== 300) reject(new Error(`buffer ${expected}: got ${i}`));
      if (++expected === 1000) resolve();
    }), () => `${expected} of 1000`);
    for (let sent = 0; sent < 1000; sent += 20) {
      socket.emit("burstBinary", 20, 300, "t");
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    await received;
    await upgraded(socket);
  });
}

cell("4.8", "upgrade", "upgrade under load", "twenty clients at once", async (use) => {
  const sockets = Array.from({ length: 20 }, () => use(open(clients[0], "upgrade", slow.url)));
  await Promise.all(sockets.map(async (socket) => {
    let got = 0;
    const seq = limited("seq", (resolve, reject) => socket.on("seq", (_, i) => {
      if (i !== got % 50) reject(new Error(`want ${got % 50}, got ${i}`));
      if (++got === 500) resolve();
    }), () => got);
    await next(socket, "welcome");
    for (let i = 0; i < 10; i++) {
      socket.emit("burst", 50, 10, "t");
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    await seq;
    await upgraded(socket);
    assert.equal(got, 500);
  }));
});
