// Rooms, broadcasts, broadcast acks, and what the server does to many sockets at once.
import { after } from "node:test";
import assert from "node:assert/strict";
import { startServer } from "../lib/server.mjs";
import { crossed } from "../lib/cell.mjs";
import { ask, ask1, clients, connect, disconnected, next, pattern, plain, transports, until } from "../lib/clients.mjs";
import { stretch } from "../lib/patience.mjs";

const server = await startServer("main");
after(() => server.stop());
let names = 0;

for (const client of clients) for (const transport of Object.keys(transports)) {
  // Each test's sockets share one namespace with nobody else.
  const it = (area, title, body) => crossed(client, transport, area, title, (use) => {
    const nsp = `/dyn-${++names}`;
    return body((n) => Promise.all(Array.from({ length: n }, async () => use(await connect(client, transport, server.url, nsp)))));
  });
  /** What each socket hears of event "x" until all of them have heard the "end" that everybody gets. */
  const heard = async (sockets, act) => {
    const got = sockets.map(() => []);
    const ends = sockets.map((socket, i) => {
      socket.on("x", (...args) => got[i].push(args));
      return next(socket, "end");
    });
    await act();
    sockets[0].emit("relay", {}, "end");
    await Promise.all(ends);
    for (const socket of sockets) socket.off("x");
    return got;
  };

  it("rooms", "join and leave", async (open) => {
    const [a] = await open(1);
    assert.deepEqual(await ask1(a, "join", "zz"), [a.welcome.id, "zz"].sort());
    assert.deepEqual(await ask1(a, "join", "aa"), [a.welcome.id, "aa", "zz"].sort());
    assert.deepEqual(await ask1(a, "join", "aa"), [a.welcome.id, "aa", "zz"].sort());
    assert.deepEqual(await ask1(a, "leave", "zz"), [a.welcome.id, "aa"].sort());
    assert.deepEqual(await ask1(a, "leave", "never joined"), [a.welcome.id, "aa"].sort());
  });
  it("rooms", "to everybody, to rooms, with exceptions", async (open) => {
    const sockets = await open(3);
    const [a, b, c] = sockets;
    await ask1(a, "join", "r1");
    await ask1(b, "join", "r1");
    await ask1(b, "join", "r2");
    await ask1(c, "join", "r2");
    const got = await heard(sockets, () => {
      a.emit("relay", { rooms: [] }, "x", "all");
      a.emit("relay", { rooms: ["r1"] }, "x", "r1", { deep: [1] });
      a.emit("relay", { rooms: ["r1", "r2"] }, "x", "once each");
      a.emit("relay", { rooms: ["r2"], except: ["r1"] }, "x", "only c");
      a.emit("relay", { rooms: [], except: ["r2"] }, "x", "only a");
      a.emit("relay", { rooms: [c.welcome.id] }, "x", "private");
      a.emit("relay", { rooms: ["nobody"] }, "x", "lost");
    });
    assert.deepEqual(got, [
      [["all"], ["r1", { deep: [1] }], ["once each"], ["only a"]],
      [["all"], ["r1", { deep: [1] }], ["once each"]],
      [["all"], ["once each"], ["only c"], ["private"]],
    ]);
  });
  it("rooms", "from a socket, everybody but the sender", async (open) => {
    const sockets = await open(3);
    const [a, b, c] = sockets;
    await ask1(a, "join", "r");
    await ask1(b, "join", "r");
    const got = await heard(sockets, () => {
      a.emit("relay", { via: "socket", rooms: [] }, "x", "others");
      a.emit("relay", { via: "socket", rooms: ["r"] }, "x", "others in r");
      a.emit("relay", { via: "socket", rooms: [], except: ["r"] }, "x", "outside r");
      a.emit("relay", { via: "socket", rooms: [], local: true }, "x", "local");
      a.emit("relay", { via: "socket", rooms: [a.welcome.id] }, "x", "not to myself");
    });
    assert.deepEqual(got, [[], [["others"], ["others in r"], ["local"]], [["others"], ["outside r"], ["local"]]]);
    assert.ok(c.welcome.id);
  });
  it("rooms", "binary broadcasts, volatile ones", async (open) => {
    const sockets = await open(2);
    const got = await heard(sockets, async () => {
      sockets[0].emit("relay", {}, "x", { file: pattern(2000) }, pattern(0));
      // A volatile event is for those who can take it at once; over polling that may be nobody.
      sockets[0].emit("relay", { volatile: true, rooms: ["nobody"] }, "x", "volatile");
    });
    const want = plain([[{ file: pattern(2000) }, pattern(0)]]);
    assert.deepEqual(plain(got), [want, want]);
  });
  it("rooms", "fetch", async (open) => {
    const [a, b, c] = await open(3);
    await ask1(b, "join", "r");
    await ask1(c, "join", "r");
    assert.deepEqual(await ask1(a, "fetch", null), [a.welcome.id, b.welcome.id, c.welcome.id].sort());
    assert.deepEqual(await ask1(a, "fetch", ""), [a.welcome.id, b.welcome.id, c.welcome.id].sort());
    assert.deepEqual(await ask1(a, "fetch", "r"), [b.welcome.id, c.welcome.id].sort());
    assert.deepEqual(await ask1(a, "fetch", "empty"), []);
    b.close();
    await until("b has left", async () => (await ask1(a, "fetch", "r")).length === 1);
  });
  it("rooms", "socketsJoin and socketsLeave", async (open) => {
    const [a, b, c] = await open(3);
    await ask1(a, "join", "from");
    await ask1(b, "join", "from");
    assert.deepEqual(await ask(a, "socketsJoin", "from", "to"), []);
    assert.deepEqual(await ask1(c, "fetch", "to"), [a.welcome.id, b.welcome.id].sort());
    assert.deepEqual(await ask(a, "socketsLeave", "from", "from"), []);
    assert.deepEqual(await ask1(c, "fetch", "from"), []);
  });
  it("rooms", "kick, with and without the connection", async (open) => {
    const [a, b, c] = await open(3);
    await ask1(b, "join", "out");
    const left = disconnected(b);
    a.emit("kick", "out", false);
    assert.equal(await left, "io server disconnect");
    assert.equal(await ask1(a, "reasonOf", b.welcome.id), "server namespace disconnect");
    await ask1(c, "join", "out");
    const gone = disconnected(c);
    a.emit("kick", "out", true);
    assert.match(await gone, /^(transport close|io server disconnect)$/);
  });

  it("broadcast acks", "everybody answers", async (open) => {
    const sockets = await open(3);
    sockets.forEach((socket, i) => socket.on("q", (payload, cb) => cb({ i, payload })));
    const [err, answers] = await ask(sockets[0], "relayAck", { rooms: [], timeout: stretch(5000) }, "q", "p");
    assert.equal(err, null);
    assert.deepEqual(answers.toSorted((x, y) => x.i - y.i), [0, 1, 2].map((i) => ({ i, payload: "p" })));
  });
  it("broadcast acks", "a room, one stays silent", async (open) => {
    const sockets = await open(3);
    await ask1(sockets[0], "join", "r");
    await ask1(sockets[1], "join", "r");
    sockets[0].on("q", (payload, cb) => cb(payload));
    sockets[1].on("q", () => {});
    sockets[2].on("q", (_, cb) => cb("not asked"));
    assert.deepEqual(await ask(sockets[0], "relayAck", { rooms: ["r"], timeout: stretch(150) }, "q", 7), ["timeout", [7]]);
    assert.deepEqual(await ask(sockets[0], "relayAck", { rooms: ["nobody"], timeout: stretch(150) }, "q", 7), [null, []]);
  });
  it("broadcast acks", "binary answers", async (open) => {
    const sockets = await open(2);
    for (const socket of sockets) socket.on("q", (payload, cb) => cb(payload));
    const answer = await ask(sockets[0], "relayAck", { rooms: [], timeout: stretch(5000) }, "q", pattern(50));
    assert.deepEqual(plain(answer), plain([null, [pattern(50), pattern(50)]]));
  });
}
