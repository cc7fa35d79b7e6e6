// Profile engine3: Engine.IO 3 by hand, said and unsaid.
import { after } from "node:test";
import assert from "node:assert/strict";
import { startServer } from "../lib/server.mjs";
import { Polling, rawSocket } from "../lib/raw.mjs";
import { cell } from "../lib/cell.mjs";
import { pause } from "../lib/clients.mjs";
import { slow, stretch } from "../lib/patience.mjs";

const server = await startServer("engine3");
// Its sessions outlast a machine that was idle when SLOW was measured, and is not any more.
const lasting = await startServer("engine3", { env: { SLOW: String(10 * slow) } });
after(() => Promise.all([server.stop(), lasting.stop()]));
const base = `${server.url}/engine.io/`;
const at = (url) => ({
  ws: (query) => rawSocket(`${url}/engine.io/${query}`),
  session: async (eio, query) => { const s = new Polling(`${url}/engine.io/`, { eio, query }); await s.connect(); return s; },
});
const { ws, session } = at(server.url);
const it = (transport, area, title, body) => cell("raw", transport, area, title, (use) => body(use));

// Swift's client up to 15 says no EIO, others an empty one or 2; Node takes everything but 4 for 3.
for (const eio of ["", "EIO=&", "EIO=2&", "EIO=3&", "EIO=3&EIO=3&", "EIO=5&"]) {
  const { ws, session } = at(lasting.url);
  it("polling", "EIO 3", `a session of its own kind for "${eio}"`, async () => {
    const s = await session(eio, "&b64=1");
    assert.match(s.sid, /^[\w-]{20}$/);
    assert.equal(await (await s.post("1:2")).text(), "ok");
    assert.equal(await s.pollText(), "1:3");
    assert.equal(await (await s.post("6:4hello")).text(), "ok");
    assert.equal(await s.pollText(), "6:4hello");
    const other = await fetch(s.address.replace(`?${eio}`, "?EIO=4&"));
    assert.deepEqual([other.status, await other.json()], [400, { code: 3, message: "Bad request" }]);
  });
  it("websocket", "EIO 3", `a session of its own kind for "${eio}"`, async (use) => {
    const s = use(ws(`?${eio}transport=websocket`));
    assert.equal((await s.next())[0], "0");
    s.send("2");
    assert.equal(await s.next(), "3");
    s.send("4hello");
    assert.equal(await s.next(), "4hello");
  });
  it("upgrade", "EIO 3", `a session of its own kind for "${eio}"`, async (use) => {
    const s = await session(eio, "&b64=1");
    const socket = use(s.webSocket());
    await socket.opened;
    socket.send("2probe");
    assert.equal(await socket.next(), "3probe");
    socket.send("5");
    socket.send("2");
    assert.equal(await socket.next(), "3");
  });
}
it("polling", "EIO 3", "text payload", async () => {
  const s = await session("EIO=3&", "&b64=1");
  assert.deepEqual({ ...s.open, sid: "" }, { sid: "", upgrades: ["websocket"], pingInterval: stretch(300), pingTimeout: stretch(200), maxPayload: 1e6 });
  await s.post("6:4hello10:b4AQIDBA==");
  let got = "";
  while (!got.includes("AQID")) got += await s.pollText();
  assert.equal(got, "6:4hello10:b4AQIDBA==");
  await s.post("6:4héllo3:4€!");
  got = "";
  while (!got.includes("€")) got += await s.pollText();
  assert.equal(got, "6:4héllo3:4€!");
});
it("polling", "EIO 3", "binary payload", async () => {
  const s = new Polling(base, { eio: "EIO=3&" });
  const res = await fetch(s.address);
  const text = await res.text(); // an ASCII payload may be text here too, as with Node
  s.sid = JSON.parse(text.slice(text.indexOf("{"))).sid;
  const body = Buffer.concat([Buffer.from([0, 6, 255]), Buffer.from("4hello"), Buffer.from([1, 5, 255, 4, 1, 2, 3, 4])]);
  await s.post(body, { headers: { "content-type": "application/octet-stream" } });
  let got = Buffer.alloc(0);
  while (got.length < body.length) {
    const res = await s.poll();
    assert.equal(res.headers.get("content-type"), "application/octet-stream");
    got = Buffer.concat([got, Buffer.from(await res.arrayBuffer())]);
  }
  assert.deepEqual(got, body);
});
it("websocket", "EIO 3", "the client pings; binary has a type byte", async (use) => {
  const s = use(ws("?EIO=3&transport=websocket"));
  assert.equal((await s.next())[0], "0");
  let started;
  for (let i = 0; i < 3; i++) {
    await pause(150);
    started = Date.now();
    s.send("2");
    assert.equal(await s.next(), "3");
  }
  s.send("4hello");
  assert.equal(await s.next(), "4hello");
  s.send(Buffer.from([4, 1, 2, 3]));
  assert.deepEqual(await s.next(), Buffer.from([4, 1, 2, 3]));
  await s.closed;
  assert.ok(Date.now() - started >= stretch(450), "closed too early without pings");
});
it("upgrade", "EIO 3", "probe and upgrade", async (use) => {
  const s = await session("EIO=3&", "&b64=1");
  const socket = use(s.webSocket());
  await socket.opened;
  const polled = s.pollText();
  socket.send("2probe");
  assert.equal(await socket.next(), "3probe");
  assert.equal(await polled, "1:6");
  socket.send("5");
  socket.send("4over");
  assert.equal(await socket.next(), "4over");
});
