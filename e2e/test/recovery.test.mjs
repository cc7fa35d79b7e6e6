// Connection state recovery: id, rooms, data and missed events come back within the window, and not after it.
import { describe } from "node:test";
import assert from "node:assert/strict";
import { startServer, underTest } from "../lib/server.mjs";
import { startProxy } from "../lib/proxy.mjs";
import { cell } from "../lib/cell.mjs";
import { ask, ask1, client48, connect, disconnected, next, pattern, pause, plain, until } from "../lib/clients.mjs";

const fast = { reconnection: true, reconnectionDelay: 20, reconnectionDelayMax: 50, randomizationFactor: 0 };

// Each has a server of its own, whose sessions are counted to see that it has noticed a loss; so several wait at once.
for (const transport of ["polling", "websocket", "upgrade"]) describe(`recovery over ${transport}`, { concurrency: 3 }, () => {
  const it = (title, body) => cell(client48, transport, "recovery", title, async (use) => {
    const server = await startServer("recovery");
    const proxy = await startProxy(server.port);
    const connectTo = async (url, nsp) => use(await connect(client48, transport, url, nsp, { ...fast, auth: { delay: "1" } }));
    const sessions = async () => (await (await fetch(`${server.url}/stats`)).json()).clients;
    /** Cuts the socket's network, runs `meanwhile` once both sides know, and waits for it to be back. */
    const lose = async (socket, meanwhile = () => {}, ms = 0) => {
      const lost = disconnected(socket);
      const before = await sessions();
      proxy.refuse(true);
      proxy.cut();
      await lost;
      await until("the server has lost it", async () => (await sessions()) === before - 1);
      await meanwhile();
      if (ms) await pause(ms);
      const back = next(socket, "connect");
      proxy.refuse(false);
      await back;
    };
    try {
      await body((nsp = "/") => connectTo(proxy.url, nsp), lose, () => connectTo(server.url, "/"));
    } finally {
      proxy.stop();
      await server.stop();
    }
  });

  it("rooms, data and what was missed", async (open, lose, direct) => {
    const socket = await open();
    const other = await direct();
    const { id } = socket;
    await ask(socket, "setData", "name", { first: "ada" });
    await ask(socket, "join", "r");
    const heard = [];
    socket.on("x", (...args) => heard.push(args));
    other.emit("relay", { rooms: ["r"] }, "x", "before");
    await until("the first is heard", () => heard.length === 1);
    await lose(socket, async () => {
      assert.ok(await ask1(other, "reasonOf", id));
      other.emit("relay", { rooms: ["r"] }, "x", "missed 1");
      other.emit("relay", {}, "x", "missed 2", pattern(5));
      other.emit("relay", { rooms: [id] }, "x", "private");
      other.emit("relay", { rooms: ["r"], except: [id] }, "x", "not mine");
      other.emit("relay", { rooms: ["r"], volatile: true }, "x", "volatile");
      await ask1(other, "echo", "all sent");
    });
    assert.equal(socket.recovered, true);
    assert.equal(socket.id, id);
    const info = await ask1(socket, "info");
    assert.deepEqual([info.id, info.recovered, info.data, info.rooms], [id, true, { name: { first: "ada" } }, [id, "r"].sort()]);
    // The offset travels as one more argument.
    assert.deepEqual(plain(heard.map((args) => args.slice(0, -1))), plain([["before"], ["missed 1"], ["missed 2", pattern(5)], ["private"]]));
    for (const args of heard) assert.equal(typeof args.at(-1), "string");
    other.emit("relay", { rooms: ["r"] }, "x", "after");
    await until("the last is heard", () => heard.length === 5);
    assert.equal(heard[4][0], "after");
  });
  it("twice in a row, in a namespace", async (open, lose) => {
    const socket = await open("/chat");
    const { id } = socket;
    socket.emit("echo", "so that there is an offset");
    await next(socket, "echo");
    for (const round of [1, 2]) {
      await lose(socket);
      assert.deepEqual([round, socket.recovered, socket.id], [round, true, id]);
      assert.equal(await ask1(socket, "echo", round), round);
    }
  });
  // Node recovers only who has received an event with an offset.
  if (underTest === "sockeye") it("a connection that was quiet", async (open, lose) => {
    const socket = await open("/chat");
    const { id } = socket;
    delete socket._lastOffset;
    await lose(socket);
    assert.deepEqual([socket.recovered, socket.id], [true, id]);
  });
  // Node's client takes the last string of a volatile event for its offset, and loses its place.
  if (underTest === "sockeye") it("after a volatile event that ends with a string", async (open, lose, direct) => {
    const socket = await open();
    const other = await direct();
    const { id } = socket;
    for (const args of [["online"], [], [7, "online"]]) {
      for (const to of [{ rooms: [id] }, {}]) {
        const heard = [];
        socket.on("missed", (n) => heard.push(n));
        const status = next(socket, "status");
        const again = setInterval(() => other.emit("relay", { ...to, volatile: true }, "status", ...args), 20); // one is dropped while no poll is held
        await status.finally(() => clearInterval(again));
        await lose(socket, async () => {
          other.emit("relay", to, "missed", 1);
          await ask1(other, "echo", "sent");
        });
        assert.deepEqual([args, to, socket.recovered, socket.id, heard], [args, to, true, id, [1]]);
        socket.off("missed");
      }
    }
  });
  it("not after the window", async (open, lose) => {
    const socket = await open();
    const { id } = socket;
    await ask(socket, "join", "r");
    await lose(socket, () => {}, 2300);
    assert.equal(socket.recovered, false);
    assert.notEqual(socket.id, id);
    assert.deepEqual((await ask1(socket, "info")).rooms, [socket.id]);
  });
  it("not after a goodbye", async (open) => {
    const socket = await open();
    const { id } = socket;
    const lost = disconnected(socket);
    socket.emit("bye", false);
    await lost;
    const back = next(socket, "connect");
    socket.connect();
    await back;
    assert.equal(socket.recovered, false);
    assert.notEqual(socket.id, id);
  });
  it("an unknown session or offset starts anew", async (open) => {
    const socket = await open();
    const { id } = socket;
    const lost = disconnected(socket);
    socket.emit("dropTransport");
    await lost;
    socket._pid = "no such session";
    await next(socket, "connect");
    assert.equal(socket.recovered, false);
    assert.notEqual(socket.id, id);
  });
});
