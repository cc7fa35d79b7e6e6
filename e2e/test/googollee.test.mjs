// Handlers written for go-socket.io, run by it and by us: the same clients see the same, but for what the table below says.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import WebSocket from "ws";
import { build, start } from "../googollee/app.mjs";
import { observe } from "../googollee/observe.mjs";
import { clients, transports } from "../lib/clients.mjs";
import { stretch } from "../lib/patience.mjs";

const client = (name) => clients.find((c) => c.name === name);

/** What differs, as docs/migrating-from-go-socket.io.md says; a list of values means that either may be seen. */
const differences = {
  // The original runs ConnInitor beside the handlers: what it sets may come too late.
  "context from ConnInitor": { original: either(["from 7"], [""]), ours: ["from 7"] },
  "acks that nobody asked for": { original: 1, ours: 0 },
  "broadcast to all": { original: { answer: [true], times: [2, 3] }, ours: { answer: [true], times: [1, 1] } },
  "an error among the results": {
    original: { result: ["", 0, {}], noted: [] },
    ours: { result: ["", 0, {}], noted: ["error in /"] },
  },
  "the server says bye": {
    original: either(...["nothing", ["hello"]].map((bye) => ({
      result: { end: true, bye }, noted: ["left /: client namespace disconnect", "left /chat: client namespace disconnect"],
    }))),
    ours: { result: { end: true, bye: ["hello"] }, noted: ["left /: server namespace disconnect", "left /chat: server namespace disconnect"] },
  },
  "reason of a client that closes": { original: ["left /chat: client namespace disconnect"], ours: ["left /chat: transport close"] },
  "one argument of the wrong type": {
    original: { result: ["disconnected", "disconnected"], noted: ["error in /", "left /: client namespace disconnect"] },
    ours: { result: ["nothing", [2]], noted: ["error in /"] },
  },
  "a handler panics": {
    original: { result: ["disconnected", "disconnected"], noted: ["error in /", "left /: client namespace disconnect"] },
    ours: { result: ["nothing", [2]], noted: ["error in /"] },
  },
  "emit of nil": {
    original: { result: ["disconnected", "disconnected"], noted: ["error in /", "left /: client namespace disconnect"] },
    ours: { result: [[null], [2]], noted: [] },
  },
  "emit inside OnConnect": { original: ["nothing", "nothing"], ours: [["come in"], [2]] },
  "OnConnect of a namespace fails": {
    original: either(...["refused", "disconnected"].map((how) => ({
      result: [how, "disconnected"], noted: ["error in /locked: no key", "left /: client namespace disconnect"],
    }))),
    ours: { result: ["refused", [2]], noted: ["error in /locked: no key"] },
  },
};

/** Clients of today are not in the root namespace unasked. */
const today = {
  "the server says bye": { result: { end: true, bye: ["hello"] }, noted: ["left /chat: server namespace disconnect"] },
};

function either(...values) { return { either: values }; }

function same(seen, want, what) {
  const choices = want?.either ?? [want];
  const found = choices.find((choice) => { try { assert.deepEqual(seen, choice); return true; } catch { return false; } });
  assert.deepEqual(seen, found === undefined ? choices[0] : found, what);
}

// Before the first test, as nothing else happens meanwhile.
for (const name of ["original", "sockeye", "replaced"]) build(name);

/** What a client sees, of a program of its own: what it notes down is that client's, and the original does not outlive what is done to it. */
async function look(name, c, transport) {
  const app = await start(name);
  try {
    return await observe(client(c).io, app.url, transports[transport]);
  } finally {
    await app.stop();
  }
}

// They wait more than they work, above all for what the original never does.
describe("go-socket.io's applications", { concurrency: 4 }, () => {
  /** What 2.5 over WebSocket sees of ours, which all others are compared with. */
  let ours;
  const measure = () => (ours ??= look("sockeye", "2.5", "websocket"));

  for (const c of ["1.4", "2.5"]) {
    for (const transport of ["websocket", "polling"]) { // the original loses connections while they upgrade
      test(`client ${c} over ${transport}: the original, and ours, differ as documented`, { timeout: stretch(120000) }, async () => {
        const original = await look("original", c, transport);
        const ours = c === "2.5" && transport === "websocket" ? await measure() : await look("sockeye", c, transport);
        assert.deepEqual(Object.keys(ours), Object.keys(original));
        for (const [name, seen] of Object.entries(original)) {
          const difference = differences[name];
          if (difference) {
            same(seen, difference.original, `original, ${name}`);
            same(ours[name], difference.ours, `ours, ${name}`);
          } else {
            assert.deepEqual(ours[name], seen, name);
          }
        }
      });
    }
  }

  for (const [c, transport, program] of [
    ["4.8", "websocket", "sockeye"], ["4.8", "polling", "sockeye"], ["4.8", "upgrade", "sockeye"], ["3.1", "upgrade", "sockeye"],
    ["2.5", "upgrade", "sockeye"], ["1.4", "upgrade", "sockeye"],
    ["2.5", "websocket", "replaced"], ["4.8", "upgrade", "replaced"],
  ]) {
    test(`client ${c} over ${transport} sees of ${program} what 2.5 sees of ours`, { timeout: stretch(120000) }, async () => {
      const want = { ...await measure() };
      const seen = await look(program, c, transport);
      if (client(c).eio === 4) Object.assign(want, today);
      assert.deepEqual(seen, want);
    });
  }

  test("RequestChecker: its headers are in the answer, and its error is 502 there and 403 here", { timeout: stretch(60000) }, async () => {
    for (const [name, status] of [["original", 502], ["sockeye", 403], ["replaced", 403]]) {
      const app = await start(name);
      try {
        const path = `${app.url}/socket.io/?EIO=3&transport=polling`;
        const welcome = await fetch(path);
        assert.deepEqual([welcome.status, welcome.headers.get("x-board")], [200, "open"], name);
        await welcome.arrayBuffer();
        const refused = await fetch(path, { headers: { "X-Token": "wrong" } });
        assert.equal(refused.status, status, name);
        await refused.arrayBuffer();
      } finally {
        await app.stop();
      }
    }
  });

  test("joining inside ForEach stops the original for everybody, and works here", { timeout: stretch(60000) }, async () => {
    for (const [name, stops] of [["original", true], ["sockeye", false]]) {
      const app = await start(name);
      const sockets = [0, 1].map(() => client("2.5").io(app.url, { transports: ["websocket"], forceNew: true, reconnection: false }));
      const ask = (socket, ...what) => new Promise((resolve) => {
        socket.emit(...what, (...answer) => resolve(answer));
        setTimeout(resolve, stretch(stops ? 1500 : 10000), "nothing");
      });
      try {
        await ask(sockets[0], "join", "a");
        await ask(sockets[1], "join", "a");
        assert.deepEqual(await ask(sockets[0], "each-joins", "a"), stops ? "nothing" : [2], name);
        assert.deepEqual(await ask(sockets[1], "join", "b"), stops ? "nothing" : [1], name);
      } finally {
        for (const socket of sockets) socket.close();
        await app.stop();
      }
    }
  });

  /** Opens a bare WebSocket of Engine.IO 3, sends text (a Socket.IO packet), and resolves when the connection has ended. */
  async function send(url, ...texts) {
    const ws = new WebSocket(`${url.replace("http", "ws")}/socket.io/?EIO=3&transport=websocket`);
    const ended = new Promise((resolve) => { ws.once("close", resolve); ws.once("error", resolve); });
    await new Promise((resolve) => ws.on("message", (data) => String(data).startsWith("40") && resolve()));
    for (const text of texts) ws.send(text);
    return Promise.race([ended.then(() => "ended"), new Promise((resolve) => setTimeout(resolve, stretch(10000), "open"))]);
  }

  for (const [what, ...frames] of [
    ["a count of attachments that nobody can send", '459999999999999999-["x"]'],
    ["a placeholder for an attachment that is not there", '451-["bytes",{"_placeholder":true,"num":1}]', Buffer.from([4, 1])],
  ]) {
    test(`${what}: crashes or ends the original, and ends that connection alone here`, { timeout: stretch(60000) }, async () => {
      const original = await start("original");
      await send(original.url, ...frames);
      await Promise.race([original.exited, new Promise((resolve) => setTimeout(resolve, stretch(3000)))]);
      assert.equal(original.alive(), false, "the original survived");
      assert.match(original.log(), /panic|fatal error/);
      await original.stop();

      const ours = await start("sockeye");
      const bystander = client("4.8").io(ours.url, { transports: ["websocket"], forceNew: true, reconnection: false });
      await new Promise((resolve) => bystander.once("connect", resolve));
      assert.equal(await send(ours.url, ...frames), "ended");
      assert.equal(ours.alive(), true);
      assert.deepEqual(await new Promise((resolve) => bystander.emit("add", 1, 2, resolve)), 3);
      bystander.close();
      await ours.stop();
    });
  }

  test("a guessed session id lets strangers into the original's connections, and into none of ours", { timeout: stretch(60000) }, async () => {
    for (const [name, guessed] of [["original", true], ["sockeye", false]]) {
      const app = await start(name);
      const victim = client("2.5").io(app.url, { transports: ["polling"], forceNew: true, reconnection: false });
      await new Promise((resolve) => victim.once("connect", resolve));
      // A stranger emits in the victim's name.
      const res = await fetch(`${app.url}/socket.io/?EIO=3&transport=polling&sid=1`, {
        method: "POST", headers: { "Content-Type": "text/plain;charset=UTF-8" }, body: '19:42["join","forged"]',
      });
      await res.arrayBuffer();
      assert.equal(res.status === 200, guessed, `${name}: ${res.status}`);
      const rooms = await new Promise((resolve) => victim.emit("rooms", resolve));
      assert.equal(rooms.includes("forged"), guessed, name);
      victim.close();
      await app.stop();
    }
  });
});
