// Profile engine: Engine.IO 4 by hand.
import { after } from "node:test";
import assert from "node:assert/strict";
import { request } from "node:http";
import { startServer, underTest } from "../lib/server.mjs";
import { Polling, rawSocket } from "../lib/raw.mjs";
import { cell } from "../lib/cell.mjs";
import { pause, until } from "../lib/clients.mjs";
import { stretch } from "../lib/patience.mjs";

const server = await startServer("engine");
after(() => server.stop());
const base = `${server.url}/engine.io/`;
const ws = (query) => rawSocket(base + query);
const codes = { 0: "Transport unknown", 1: "Session ID unknown", 2: "Bad handshake method", 3: "Bad request", 4: "Forbidden", 5: "Unsupported protocol version" };
const it = (transport, area, title, body) => cell("raw", transport, area, title, (use) => body(use));
const session = async (options) => { const s = new Polling(base, options); await s.connect(); return s; };
const refusal = async (res, code) => {
  assert.equal(res.status, code === 4 ? 403 : 400);
  const body = typeof res.body === "string" ? res.body : await res.text();
  assert.deepEqual(JSON.parse(body), { code, message: codes[code] });
};
/** The next message, pings answered on the way. */
const message = async (socket) => {
  for (;;) {
    const packet = await socket.next();
    if (packet !== "2") return packet;
    socket.send("3");
  }
};
/** The next poll with something else than a ping. */
const pollMessage = async (session) => {
  for (;;) {
    const payload = await session.pollText();
    if (payload !== "2") return payload;
    await (await session.post("3")).text();
  }
};
/** A session whose next ping is 300 ms away, so that a poll can be held meanwhile. */
const calm = async () => {
  const s = await session();
  assert.equal(await s.pollText(), "2");
  await (await s.post("3")).text();
  return s;
};
const keys = ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"];

it("polling", "handshake", "exactly the five keys", async () => {
  const s = new Polling(base);
  const res = await s.connect();
  assert.equal(res.status, 200);
  assert.match(res.headers.get("content-type"), /^text\/plain; charset=utf-8$/i);
  assert.deepEqual(Object.keys(s.open), keys);
  assert.match(s.sid, /^[\w-]{20}$/);
  assert.deepEqual({ ...s.open, sid: "" }, { sid: "", upgrades: ["websocket"], pingInterval: stretch(300), pingTimeout: stretch(200), maxPayload: 1e6 });
});
it("websocket", "handshake", "exactly the five keys, nothing to upgrade to", async (use) => {
  const s = use(ws("?EIO=4&transport=websocket"));
  const open = await s.next();
  assert.equal(open[0], "0");
  const data = JSON.parse(open.slice(1));
  assert.deepEqual(Object.keys(data), keys);
  assert.deepEqual({ ...data, sid: "" }, { sid: "", upgrades: [], pingInterval: stretch(300), pingTimeout: stretch(200), maxPayload: 1e6 });
});
it("polling", "handshake", "CORS for everybody, on errors too", async () => {
  for (const query of ["?EIO=4&transport=polling", "?EIO=4&transport=carrier-pigeon"]) {
    const res = await fetch(base + query, { headers: { origin: "http://anywhere.example" } });
    assert.equal(res.headers.get("access-control-allow-origin"), "*");
    await res.text();
  }
});
it("polling", "handshake", "bad requests", async () => {
  await refusal(await fetch(base), 0);
  for (const version of ["", "EIO=&", "EIO=abc&", "EIO=2&", "EIO=3&", "EIO=5&", "EIO=4.0&"]) {
    await refusal(await fetch(`${base}?${version}transport=polling`), 5);
  }
  await refusal(await fetch(`${base}?EIO=4`), 0);
  await refusal(await fetch(`${base}?EIO=4&transport=abc`), 0);
  await refusal(await fetch(`${base}?EIO=4&transport=constructor`), 0);
  await refusal(await fetch(`${base}?EIO=4&transport=polling&sid=unknown`), 1);
  await refusal(await fetch(`${base}?EIO=4&transport=polling`, { method: "POST", body: "4x" }), 2);
  await refusal(await fetch(`${base}?EIO=4&transport=polling`, { method: "PUT" }), 2);
});
if (underTest === "sockeye") it("websocket", "handshake", "bad requests get the same status and body", async (use) => {
  for (const [query, code] of [["?transport=websocket", 5], ["?EIO=abc&transport=websocket", 5], ["?EIO=4", 0], ["?EIO=4&transport=abc", 0],
    ["?EIO=4&transport=websocket&sid=unknown", 1]]) {
    await refusal(await use(ws(query)).refused, code);
  }
});
it("websocket", "handshake", "bad requests are refused with 400", async (use) => {
  for (const query of ["?EIO=4", "?EIO=4&transport=abc", "?EIO=4&transport=websocket&sid=unknown"]) {
    assert.equal((await use(ws(query)).refused).status, 400, query);
  }
});

it("polling", "messages", "echo, several in one payload, binary", async () => {
  const s = await session();
  assert.equal(await (await s.post("4hello")).text(), "ok");
  assert.equal(await pollMessage(s), "4hello");
  await s.post("4first\x1e4ünïcode €\x1ebAQIDBA==");
  let got = "";
  while (!got.includes("AQID")) got += (got && "\x1e") + await pollMessage(s);
  assert.equal(got, "4first\x1e4ünïcode €\x1ebAQIDBA==");
});
it("websocket", "messages", "echo, text and binary", async (use) => {
  const s = use(ws("?EIO=4&transport=websocket"));
  await s.next();
  s.send("4hello");
  assert.equal(await s.next(), "4hello");
  s.send(Buffer.from([1, 2, 3, 4]));
  assert.deepEqual(await s.next(), Buffer.from([1, 2, 3, 4]));
  s.send("4");
  assert.equal(await s.next(), "4");
  s.send(Buffer.alloc(0));
  assert.deepEqual(await s.next(), Buffer.alloc(0));
});
it("polling", "messages", "a malformed packet ends the session", async () => {
  for (const body of ["abc", "4ok\x1ex"]) {
    const s = await session();
    const polled = s.poll();
    await s.post(body).then((res) => res.text()).catch(() => "");
    await (await polled).text().catch(() => "");
    await refusal(await s.poll(), 1);
  }
});
it("websocket", "messages", "a malformed packet ends the session", async (use) => {
  for (const packet of ["abc", "x"]) {
    const s = use(ws("?EIO=4&transport=websocket"));
    await s.next();
    s.send(packet);
    await s.closed;
  }
});

it("polling", "heartbeat", "ping, answered", async () => {
  const s = await session();
  for (let i = 0; i < 3; i++) {
    assert.equal(await s.pollText(), "2");
    assert.equal(await (await s.post("3")).text(), "ok");
  }
});
it("websocket", "heartbeat", "ping, answered", async (use) => {
  const s = use(ws("?EIO=4&transport=websocket"));
  await s.next();
  for (let i = 0; i < 3; i++) {
    assert.equal(await s.next(), "2");
    s.send("3");
  }
});
it("polling", "heartbeat", "no pong is a timeout", async () => {
  const s = await session();
  assert.equal(await s.pollText(), "2");
  await pause(250);
  await refusal(await s.poll(), 1);
});
it("websocket", "heartbeat", "no pong is a timeout", async (use) => {
  const s = use(ws("?EIO=4&transport=websocket"));
  const started = Date.now();
  await s.closed;
  const took = Date.now() - started;
  assert.ok(took >= stretch(480) && took < stretch(5000), `closed after ${took} ms`);
});

it("polling", "close", "by the client", async () => {
  let s, got;
  do { // on a machine so slow that a heartbeat has ended the poll before, once more
    s = await calm();
    const polled = s.poll();
    await pause(30);
    assert.equal(await (await s.post("1")).text(), "ok");
    got = await (await polled).text();
  } while (got === "2");
  assert.equal(got, "6");
  await refusal(await s.poll(), 1);
});
it("websocket", "close", "by the client", async (use) => {
  const s = use(ws("?EIO=4&transport=websocket"));
  await s.next();
  s.send("1");
  await s.closed;
});
it("polling", "close", "overlapping polls", async () => {
  const s = await calm();
  const answers = await Promise.all([s.poll(), s.poll()]); // in whatever order they arrive
  const [held, late] = answers.sort((a, b) => a.status - b.status);
  assert.equal(late.status, 400);
  await late.text();
  assert.equal(held.status, 200);
  assert.equal(await held.text(), "1");
  await refusal(await s.poll(), 1);
});
it("polling", "close", "an aborted poll", async () => {
  const s = await calm();
  const abort = new AbortController();
  const polled = s.poll({ signal: abort.signal }).catch((err) => err.name);
  await pause(30);
  abort.abort();
  assert.equal(await polled, "AbortError");
  await until("the session is dead", async () => {
    const res = await s.poll();
    await res.text();
    return res.status === 400;
  });
});
it("polling", "close", "overlapping posts", async () => {
  const s = await session();
  const first = request(s.address, { method: "POST", headers: { "content-length": 6 } });
  const ended = new Promise((resolve) => first.on("response", (res) => { res.resume(); resolve(res.statusCode); }).on("error", () => resolve("cut")));
  first.write("4ab");
  // The second is refused once the server has begun with the first.
  let second;
  await until("two posts overlap", async () => (second = await s.post("4x")).status !== 200 || !await second.text());
  await refusal(second, 3);
  first.end("cde");
  await ended;
  await refusal(await s.poll(), 1);
});

it("upgrade", "upgrade", "probe, noop, upgrade; messages follow", async (use) => {
  const s = await calm();
  const socket = use(s.webSocket());
  await socket.opened;
  const polled = s.pollText();
  socket.send("2probe");
  assert.equal(await socket.next(), "3probe");
  assert.equal(await polled, "6");
  socket.send("5");
  socket.send("4over");
  assert.equal(await socket.next(), "4over");
  await refusal(await s.poll(), 3);
});
it("upgrade", "upgrade", "what waits is sent over the new transport", async (use) => {
  const s = await session();
  const socket = use(s.webSocket());
  await socket.opened;
  socket.send("2probe");
  await socket.next();
  await s.post("4while probing");
  socket.send("5");
  assert.equal(await socket.next(), "4while probing");
});
it("upgrade", "upgrade", "a second WebSocket is closed, the first lives", async (use) => {
  const s = await session();
  const first = use(s.webSocket());
  await first.opened;
  first.send("2probe");
  await first.next();
  first.send("5");
  const second = use(s.webSocket());
  await second.closed;
  first.send("4still here");
  assert.equal(await first.next(), "4still here");
});
// Node lets it wait for the upgrade timeout.
if (underTest === "sockeye") it("upgrade", "upgrade", "a WebSocket with the sid of a WebSocket session is closed", async (use) => {
  const first = use(ws("?EIO=4&transport=websocket"));
  const { sid } = JSON.parse((await first.next()).slice(1));
  const second = use(ws(`?EIO=4&transport=websocket&sid=${sid}`));
  await second.closed;
  first.send("4still here");
  assert.equal(await message(first), "4still here");
});
it("upgrade", "upgrade", "a probe that never comes leaves polling alone", async (use) => {
  const s = await session();
  const socket = use(s.webSocket());
  await socket.opened;
  socket.send("nonsense");
  await socket.closed;
  await s.post("4fine");
  assert.equal(await pollMessage(s), "4fine");
});
