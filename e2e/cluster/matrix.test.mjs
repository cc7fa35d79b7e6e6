// What servers of one cluster do for one another's clients: ours among themselves, and ours with Node's, on each backend.
// The matrix reads: who acts → who else is there, backend, area. Where Node's servers can be, each title is tried with one of the three pairs of
// servers, by turns: each title meets each backend and, over some of them, each pair. WHOLE=1 (make test-cluster) tries all with all.
import assert from "node:assert/strict";
import { ask, ask1, collect, disconnected, next, pattern, plain, until } from "../lib/clients.mjs";
import { cell, turn } from "../lib/cell.mjs";
import { backends, openOn, startNodes } from "../lib/nodes.mjs";
import { kindNames } from "../reference/cluster.mjs";
import { after } from "node:test";

const id = (socket) => socket.welcome.id;
const sortedIDs = (...sockets) => sockets.map(id).sort();
const chosen = (process.env.CLUSTER_BACKENDS ?? Object.keys(backends).filter((name) => !name.startsWith("sharded") && !["postgres", "jetstream", "mesh-log"].includes(name)).join()).split(",");
const newer = Boolean(process.env.CLUSTER_NEWER); // ours among themselves, of two versions

// All are there before the first test is: the runner takes a file for done that has none left.
const clusters = [];
for (const backend of chosen) {
  const { mixed, start } = backends[backend];
  const broker = await start();
  const nodes = await startNodes(broker.url, newer ? ["go", "newer"] : mixed ? ["go", "go", "node"] : ["go", "go"]);
  clusters.push({ backend, mixed, broker, nodes });
}
after(async () => {
  for (const { nodes, broker } of clusters) {
    for (const node of nodes) await node.stop();
    await broker.stop();
  }
});
for (const { backend, mixed, nodes } of clusters) {
  const pairs = newer ? [[0, 1], [1, 0]] : mixed ? [[0, 1], [0, 2], [2, 0]] : [[0, 1]];
  for (const [i, [here, there]] of pairs.entries()) {
    const pair = [nodes[here], nodes[there]];
    matrix(backend, `${pair[0].kind}→${pair[1].kind}`, pair, (title) => newer || !mixed || turn(title, Object.keys(backends).indexOf(backend) + i));
  }
}

/** The tests of two servers that take turns in it; the sockets' places are 0, where things are asked for, and 1, where they happen too. */
function matrix(backend, name, pair, takes) {
  const it = (area, title, body, options) => takes(title) && cell(name, backend, area, title, async (use) => {
    await body((...places) => openOn(pair, places, options).then((sockets) => sockets.map(use)));
  });
  // In a Redis Cluster what is for one room has no order with what is not.
  const unordered = backend === "sharded-cluster";
  /** What each socket hears of event "x" until all have heard the "end" that everybody gets from the first one's server, count events if these may come later. */
  const heard = async (sockets, act, count) => {
    const got = sockets.map(() => []);
    const ends = sockets.map((socket, i) => {
      socket.on("x", (...args) => got[i].push(plain(args)));
      return next(socket, "end");
    });
    await act();
    // Node's adapter for PostgreSQL keeps no order between what goes through its table and what does not.
    sockets[0].emit("relay", {}, "end", ...(backend === "postgres" ? [pattern(1)] : []));
    await Promise.all(ends);
    if (unordered) {
      await until(`${count} events are there`, () => got.flat().length >= count);
      for (const list of got) list.sort();
    }
    for (const socket of sockets) socket.off("x");
    return got;
  };
  /** Joins, and waits until the other server's questions find it. */
  const join = async (asker, socket, room) => {
    await ask(socket, "join", room);
    await until(`${room} is known`, async () => (await ask1(asker, "fetch", room)).includes(id(socket)));
  };

  for (const transport of ["websocket", "polling"]) {
    it("broadcast", `everybody, over ${transport}`, async (open) => {
      const [a, a2, b, b2] = await open(0, 0, 1, 1);
      const got = await heard([a, a2, b, b2], () => {
        a.emit("relay", {}, "x", "all", { deep: [1, null, "é"] });
        a.emit("relay", { via: "socket" }, "x", "others");
      }, 7);
      const all = ["all", { deep: [1, null, "é"] }];
      assert.deepEqual(got, [[all], [all, ["others"]], [all, ["others"]], [all, ["others"]]]);
    }, { transport });
  }
  it("broadcast", "this server's sockets only", async (open) => {
    const [a, a2, b] = await open(0, 0, 1);
    const got = await heard([a, a2, b], () => a.emit("relay", { local: true }, "x", "local"), 2);
    assert.deepEqual(got, [[["local"]], [["local"]], []]);
  });
  it("broadcast", "volatile", async (open) => {
    const sockets = await open(0, 0, 1, 1);
    const ready = sockets.map((socket) => next(socket, "v"));
    // It may be dropped where something else is being written.
    let over = false;
    const all = Promise.all(ready).then(() => { over = true; });
    await until("all have heard a volatile event", () => { if (!over) sockets[0].emit("relay", { volatile: true }, "v", 1); return over; });
    await all;
  });
  it("rooms", "one, several once, exceptions, ids", async (open) => {
    const [a, a2, b, b2, b3] = await open(0, 0, 1, 1, 1);
    await ask(a2, "join", "r1");
    for (const [socket, room] of [[b, "r1"], [b2, "r1"], [b2, "r2"], [b3, "r2"], [b3, "é☃ \"#*?[a]"]]) await join(a, socket, room);
    const got = await heard([a, a2, b, b2, b3], () => {
      a.emit("relay", { rooms: ["r1"] }, "x", 1);
      a.emit("relay", { rooms: ["r1", "r2"] }, "x", 2);
      a.emit("relay", { rooms: ["r2"], except: ["r1"] }, "x", 3);
      a.emit("relay", { except: ["r1", "r2"] }, "x", 4);
      a.emit("relay", { rooms: [id(b)] }, "x", 5);
      a.emit("relay", { except: [id(b)] }, "x", 6);
      a.emit("relay", { rooms: ["é☃ \"#*?[a]"] }, "x", 7);
      a.emit("relay", { rooms: ["nobody"] }, "x", 8);
      a.emit("relay", { rooms: ["r1"], except: ["r1"] }, "x", 10);
    }, 15);
    assert.deepEqual(got.map((list) => list.flat()), [[4, 6], [1, 2, 6], [1, 2, 5], [1, 2, 6], [2, 3, 6, 7]]);
  });
  it("binary", "in arguments, deep, empty and large", async (open) => {
    const [a, b] = await open(0, 1);
    const values = [pattern(3), { x: [pattern(0), { y: pattern(70000) }] }, "text", [pattern(1)]];
    const got = await heard([a, b], () => a.emit("relay", {}, "x", ...values), 2);
    assert.deepEqual(got, [[plain(values)], [plain(values)]]);
  });
  for (const kind of kindNames) {
    it("values", kind, async (open) => {
      const [a, b] = await open(0, 1);
      const hears = async (emitter) => {
        const both = Promise.all([a, b].map((socket) => next(socket, "gen")));
        await ask(emitter, "relayGen", {}, kind);
        return (await both).map(plain).map(kind === "undefined" ? JSON.stringify : (v) => v).map((v) => (kind === "undefined" ? v.replace('"a":null,', "") : v));
      };
      // Node's classic adapter writes whole numbers beyond 64 bits as wrapped ones.
      const wrong = (emitter) => kind === "huge" && backend === "redis" && pair[emitter].kind === "node";
      if (wrong(0)) return void await hears(b);
      const [aFromA, bFromA] = await hears(a);
      const [aFromB, bFromB] = wrong(1) ? [aFromA, bFromA] : await hears(b);
      assert.deepEqual(bFromA, aFromA);
      assert.deepEqual(bFromB, aFromB);
      assert.deepEqual(bFromB, bFromA);
    });
  }
  it("acks", "all answer, with values and binary", async (open) => {
    const sockets = await open(0, 0, 1, 1);
    for (const [i, socket] of sockets.entries()) socket.on("q", (payload, cb) => cb({ i, payload }));
    const payload = { n: 1, b: pattern(300) };
    const [err, answers] = await ask(sockets[0], "relayAck", { timeout: 10000 }, "q", payload);
    assert.equal(err, null);
    assert.deepEqual(plain(answers).sort((x, y) => x.i - y.i), [0, 1, 2, 3].map((i) => ({ i, payload: plain(payload) })));
  });
  it("acks", "rooms, exceptions, without the sender", async (open) => {
    const [a, a2, b, b2] = await open(0, 0, 1, 1);
    for (const socket of [a, a2, b, b2]) socket.on("q", (_, cb) => cb(id(socket)));
    await join(a, b, "r");
    await join(b, a, "r");
    const asked = async (o, ...of) => {
      const [err, answers] = await ask(a, "relayAck", { timeout: 10000, ...o }, "q", 1);
      assert.deepEqual([err, answers.sort()], [null, sortedIDs(...of)], JSON.stringify(o));
    };
    await asked({ rooms: ["r"] }, a, b);
    await asked({ rooms: ["r"], via: "socket" }, b);
    await asked({ except: ["r"] }, a2, b2);
    await asked({ rooms: ["nobody"] });
    if (pair[0].kind === "go") await asked({ local: true }, a, a2); // Node's never completes
  });
  it("acks", "one that is silent ends in the timeout, with the others' answers", async (open) => {
    const [a, a2, b, b2] = await open(0, 0, 1, 1);
    for (const socket of [a, a2, b]) socket.on("q", (_, cb) => cb(id(socket)));
    void b2;
    const [err, answers] = await ask(a, "relayAck", { timeout: 1500 }, "q", 1);
    assert.deepEqual([err, answers.sort()], ["timeout", sortedIDs(a, a2, b)]);
  });
  it("fetch", "ids of all and of rooms, from both sides", async (open) => {
    const [a, a2, b, b2] = await open(0, 0, 1, 1);
    await ask(a2, "join", "r");
    await ask(b, "join", "r");
    for (const asker of [a, b2]) {
      await until("rooms are known", async () => (await ask1(asker, "fetch", "r")).length === 2);
      assert.deepEqual(await ask1(asker, "fetch", ""), sortedIDs(a, a2, b, b2));
      assert.deepEqual(await ask1(asker, "fetch", "r"), sortedIDs(a2, b));
      assert.deepEqual(await ask1(asker, "fetch", "nobody"), []);
    }
  });
  it("fetch", "sockets with rooms, data and handshake are the same from both sides", async (open) => {
    const [a, b] = await open(0, 1);
    await ask(b, "setData", "name", { deep: ["é", 1, null] });
    await ask(a, "setData", "k", 1);
    await join(a, b, "r");
    const both = [];
    for (const asker of [a, b]) {
      const [err, sockets] = await ask(asker, "fetchFull", {});
      assert.equal(err, null);
      both.push(sockets);
    }
    assert.deepEqual(both[0], both[1]);
    const of = Object.fromEntries(both[0].map((socket) => [socket.id, socket]));
    assert.deepEqual(of[id(b)].rooms, [id(b), "r"].sort());
    assert.deepEqual(of[id(b)].data, { name: { deep: ["é", 1, null] } });
    assert.deepEqual(of[id(a)].data, { k: 1 });
    for (const socket of [a, b]) {
      const { handshake: h } = of[id(socket)];
      assert.deepEqual(h.auth, { token: "t", n: 1 });
      assert.equal(h.header, "seen");
      assert.equal(h.query.q, "1");
      assert.equal(h.query.transport, "websocket");
      assert.equal(h.secure, false);
      assert.ok(Math.abs(Date.now() - h.issued) < 600_000 && new Date(h.time) - h.issued < 2000, `${h.issued} ${h.time}`);
      assert.equal(h.url, socket.welcome.url);
    }
    const only = await ask(a, "fetchFull", { room: "r" });
    assert.deepEqual(only[1].map((socket) => socket.id), [id(b)]);
    assert.deepEqual((await ask(a, "fetchFull", { except: ["r"] }))[1].map((socket) => socket.id), [id(a)]);
    assert.deepEqual((await ask(a, "fetchFull", { local: true }))[1].map((socket) => socket.id), [id(a)]);
  }, { auth: { token: "t", n: 1 }, query: { q: "1" }, extraHeaders: { "x-test": "seen" } });
  it("join and leave", "of all in a room, on all servers", async (open) => {
    const [a, a2, b, b2] = await open(0, 0, 1, 1);
    await join(a, a2, "from");
    await join(a, b, "from");
    await ask(a, "socketsJoin", "from", "to");
    await until("they have joined", async () => (await ask1(a, "fetch", "to")).length === 2);
    assert.deepEqual(await ask1(b2, "fetch", "to"), sortedIDs(a2, b));
    const got = await heard([a, a2, b, b2], () => a.emit("relay", { rooms: ["to"] }, "x", 1), 2);
    assert.deepEqual(got, [[], [[1]], [[1]], []]);
    await ask(a, "socketsLeave", "from", "to");
    await until("they have left", async () => (await ask1(a, "fetch", "to")).length === 0);
    assert.deepEqual(await ask1(b, "fetch", "from"), sortedIDs(a2, b));
  });
  it("disconnect", "the sockets of a room on all servers", async (open) => {
    const [a, a2, b, b2] = await open(0, 0, 1, 1);
    await join(a, a2, "out");
    await join(a, b, "out");
    const reasons = Promise.all([a2, b].map(disconnected));
    a.emit("kick", "out", false);
    assert.deepEqual(await reasons, ["io server disconnect", "io server disconnect"]);
    await until("they are gone", async () => (await ask1(a, "fetch", "")).length === 2);
    const end = disconnected(b2);
    a.emit("kick", id(b2), true);
    assert.match(await end, /^(io server disconnect|transport close)$/);
    assert.ok(a.connected);
  });
  it("server-side", "events, to the others and not to the sender", async (open) => {
    const [a, b] = await open(0, 1);
    const args = [1, "é", null, { x: [true] }];
    await ask(a, "serverSideEmit", "note", args);
    await ask(a, "serverSideEmit", "nobody listens", []);
    await ask(a, "serverSideEmit", "note", ["last"]);
    await until("the notes are there", async () => (await ask1(b, "notes")).length === 2);
    assert.deepEqual(await ask1(b, "notes"), [args, ["last"]]);
    assert.deepEqual(await ask1(a, "notes"), []);
    if (backend === "redis") return; // Node's classic format has server-side events as JSON, without binary
    const binary = [pattern(3), { x: [pattern(0), { y: pattern(70000) }] }, "text"];
    await ask(a, "serverSideEmit", "note", binary);
    await until("the note is there", async () => (await ask1(b, "notes")).length === 3);
    assert.deepEqual(plain((await ask1(b, "notes"))[2]), plain(binary));
  });
  it("server-side", "questions and their answers", async (open) => {
    const [a] = await open(0, 1);
    assert.deepEqual(await ask(a, "serverSideAsk", "question", [{}, 1, { b: ["é"] }]), [null, [[pair[1].name, 1, { b: ["é"] }]]]);
    assert.deepEqual(await ask(a, "serverSideAsk", "question", [{ delay: 300 }, "later"]), [null, [[pair[1].name, "later"]]]);
    if (backend !== "redis") assert.deepEqual(plain(await ask(a, "serverSideAsk", "question", [{}, { b: pattern(9) }])), [null, [[pair[1].name, { b: plain(pattern(9)) }]]]);
    assert.deepEqual(await ask(a, "serverSideAsk", "question", [{ silent: [pair[1].name] }]), ["timeout", []]);
  });
  it("servers", "how many have a namespace, and its rooms", async (open) => {
    const [a, b] = await open(0, 1);
    await join(a, b, "r");
    assert.equal(await ask1(a, "nodes"), 2);
    assert.deepEqual(await ask1(a, "allRooms"), backend === "redis" ? [id(a), id(b), "r"].sort() : null);
    const { cluster } = await pair[0].stats();
    assert.equal(cluster.backend, backends[backend].as ?? backend);
    assert.equal(cluster.connected, true);
  });
  for (const binary of [false, true]) {
    it("order", `a burst${binary ? ", every other one binary" : ""}, while the other server sends too`, async (open) => {
      const [a, b] = await open(0, 1);
      const n = 300;
      const both = Promise.all([a, b].map((socket) => collect(socket, "seq", 2 * n)));
      await Promise.all([ask(a, "relayBurst", { binary }, n, 20, "a"), ask(b, "relayBurst", { binary }, n, 20, "b")]);
      for (const got of await both) {
        for (const tag of ["a", "b"]) {
          const of = got.filter(([t]) => t === tag);
          if (backend === "postgres" && binary && pair.some(({ kind }) => kind === "node")) of.sort(([, i], [, j]) => i - j);
          assert.deepEqual(of.map(([, i]) => i), Array.from({ length: n }, (_, i) => i), `${tag}, in order and once`);
          assert.ok(of.every(([, i, text]) => (binary && i % 2 ? text.byteLength === 20 : text === "x".repeat(20))));
        }
      }
    });
  }
}
