// Behind proxies that buffer, delay, join and split: all transports work, and nothing is lost, doubled or out of order.
import { after } from "node:test";
import assert from "node:assert/strict";
import { startServer } from "../lib/server.mjs";
import { startProxy } from "../lib/proxy.mjs";
import { cell } from "../lib/cell.mjs";
import { ask1, clients, connect, limited, pattern, plain, transports } from "../lib/clients.mjs";

const server = await startServer("main");
const proxies = {
  "until an answer is complete": await startProxy(server.port, { hold: 20 }),
  "in pieces of a few bytes": await startProxy(server.port, { chop: true }),
  "both": await startProxy(server.port, { hold: 10, chop: true }),
};
after(async () => { for (const proxy of Object.values(proxies)) proxy.stop(); await server.stop(); });

const slices = 10, size = 30, total = slices * size;

for (const client of clients.filter(({ name }) => ["4.8", "2.5"].includes(name))) {
  for (const transport of Object.keys(transports)) for (const [how, proxy] of Object.entries(proxies)) {
    cell(client, transport, "proxies", `${total} messages each way, ${how}`, async (use) => {
      const socket = use(await connect(client, transport, proxy.url));
      let expected = 0;
      const received = limited("all messages", (resolve, reject) => socket.on("seq", (tag, i, pad) => {
        if (tag !== "p" || i !== expected % size || pad !== "xxxxx") reject(new Error(`message ${expected}: got ${tag} ${i}`));
        if (++expected === total) resolve();
      }), () => `${expected} of ${total}`);
      for (let sent = 0; sent < total; sent += size) {
        socket.emit("burst", size, 5, "p");
        for (let i = sent; i < sent + size; i++) socket.emit("put", "p", i);
        if (sent % 3 === 0) await ask1(socket, "echo", sent);
      }
      await received;
      assert.deepEqual(await ask1(socket, "putReport", "p"), { count: total, bad: null });
      for (const n of [1, 125, 126, 70000]) {
        assert.deepEqual(plain(await ask1(socket, "echo", pattern(n))), plain(pattern(n)));
      }
      assert.equal(expected, total);
    });
  }
}
