// Exchanges over two connections whose order a single thread gives for nothing: each as the reference's protocol suites have it, many times.
import { after } from "node:test";
import assert from "node:assert/strict";
import { once } from "node:events";
import WebSocket from "ws";
import { startServer } from "../lib/server.mjs";
import { Polling } from "../lib/raw.mjs";
import { cell } from "../lib/cell.mjs";
import { pause } from "../lib/clients.mjs";

const server = await startServer("engine");
after(() => server.stop());
const base = `${server.url}/engine.io/`;
const it = (transport, title, body) => cell("raw", transport, "order", title, (use) => body(use));
const session = async () => { const s = new Polling(base); await s.connect(); return s; };
/** Whether a heartbeat may have come in between: on a machine that is short of time. */
const slow = (since) => Date.now() - since > 250;
/** Like body, whose session may have ended on a machine that is short of time; what waits for good fails all the same. */
const unlessSlow = (body) => async () => {
  const begun = Date.now();
  try { await body(); } catch (err) { if (!slow(begun) || Date.now() - begun > 15_000) throw err; }
};
const times = async (n, body) => { for (let i = 0; i < n; i++) await body(i); };

it("polling", "a poll and the close packet at once: the poll gets a noop, the next one nothing", () => times(100, async (i) => {
  const begun = Date.now();
  const s = await session();
  const both = [() => s.poll(), () => s.post("1")];
  if (i % 2) both.reverse();
  const [a, b] = await Promise.all(both.map((f) => f()));
  const [polled, posted] = i % 2 ? [b, a] : [a, b];
  if (slow(begun)) return;
  assert.deepEqual([polled.status, await polled.text()], [200, "6"]);
  assert.deepEqual([posted.status, await posted.text()], [200, "ok"]);
  const next = await s.poll();
  await next.text();
  assert.equal(next.status, 400);
}));

it("polling", "a silent session is gone at the moment its time is over", () => times(5, async () => {
  await Promise.all(Array.from({ length: 10 }, async () => {
    const s = await session();
    await pause(500);
    const polled = await s.poll();
    await polled.text();
    assert.equal(polled.status, 400);
  }));
}));

it("upgrade", "a poll behind the packet that completes an upgrade is refused", (use) => times(50, async () => {
  const s = await session();
  const socket = use(s.webSocket());
  await socket.opened;
  socket.send("2probe");
  assert.equal(await socket.next(), "3probe");
  socket.send("5");
  const polled = await s.poll();
  await polled.text();
  assert.equal(polled.status, 400);
  socket.send("4hello");
  assert.equal(await socket.next(), "4hello");
  socket.close();
}));

it("upgrade", "a second WebSocket behind that packet is closed, the first lives", (use) => times(50, unlessSlow(async () => {
  const s = await session();
  const first = use(s.webSocket());
  await first.opened;
  first.send("2probe");
  assert.equal(await first.next(), "3probe");
  first.send("5");
  await use(s.webSocket()).closed;
  first.send("4hello");
  assert.equal(await first.next(), "4hello");
  first.close();
})));

it("polling", "of two polls the first ends with a close packet, the second is refused", async () => {
  let fast = 0, inOrder = 0;
  await times(30, async () => {
    const begun = Date.now();
    const s = await session();
    const answers = await Promise.all([s.poll(), pause(5).then(() => s.poll())]);
    const texts = await Promise.all(answers.map(async (a) => `${a.status} ${await a.text()}`));
    if (slow(begun)) return;
    fast++;
    const [closed, refused] = texts.toSorted();
    assert.equal(closed, "200 1");
    assert.match(refused, /^400 /);
    if (texts[0] === closed) inOrder++; // else the second was quicker: they have a connection each
  });
  assert.ok(fast === 0 || inOrder > 0, "never the first");
});

it("websocket", "a program that listens once its WebSocket is open hears the first message", async () => {
  let heard = 0;
  // Two segments that arrive together are one to it, more of them the busier the
  // machine; with the reference it hears about a third. Of a server that sends
  // both in one it never hears any.
  for (let i = 0; i < 1000 && heard < 15; i++) {
    const socket = new WebSocket(`${base.replace("http", "ws")}?EIO=4&transport=websocket`);
    await once(socket, "open");
    socket.on("message", () => { heard++; });
    await pause(20);
    socket.terminate();
  }
  assert.equal(heard, 15, "of 1,000");
});
