// Profile engine-client: the official Engine.IO client, and what its own tests ask of a server.
import { after } from "node:test";
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { startServer, underTest } from "../lib/server.mjs";
import { Polling, rawSocket } from "../lib/raw.mjs";
import { cell } from "../lib/cell.mjs";
import { limited, plain } from "../lib/clients.mjs";

const require = createRequire(import.meta.url);
const server = await startServer("engine-client");
const echo = await startServer("engine3"); // EIO 3 is at home there
after(async () => { await server.stop(); await echo.stop(); });
const base = `${server.url}/engine.io/`;

const versions = [["engine 6.6", require("engine-client-6").Socket, 4], ["engine 4.1", require("engine-client-4").Socket ?? require("engine-client-4"), 4], ["engine 3.5", require("engine-client-3"), 3]];
const transports = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };
const open = (Socket, url, options) => (Socket.prototype?.send ? new Socket(url, options) : Socket(url, options));

for (const [name, Socket, eio] of versions) for (const [transport, list] of Object.entries(transports)) {
  const url = eio === 4 ? server.url : echo.url;
  /** Connects; heard(n) waits for the n-th message. */
  const connect = (use, options) => {
    const socket = use(open(Socket, url, { transports: list, ...options }));
    const messages = [];
    let wake = () => {};
    socket.on("message", (data) => { messages.push(data); wake(); });
    socket.heard = (n) => limited(`message ${n}`, (resolve) => { wake = () => messages.length > n && resolve(messages[n]); wake(); });
    return socket;
  };
  const ready = (socket) => limited("the engine", (resolve, reject) => {
    socket.on("error", reject);
    socket.on(transport === "upgrade" ? "upgrade" : "open", resolve);
  });
  const at = eio === 4 ? 1 : 0; // the server greets with "hi" there

  cell(name, transport, "messages", "text, unicode and binary", async (use) => {
    const socket = connect(use);
    await ready(socket);
    if (eio === 4) assert.equal(await socket.heard(0), "hi");
    socket.send("plain");
    assert.equal(await socket.heard(at), "plain");
    socket.send("日本語 😀");
    assert.equal(await socket.heard(at + 1), "日本語 😀");
    socket.send(Buffer.from([0, 1, 2, 255]));
    assert.deepEqual(plain(await socket.heard(at + 2)), { bytes: "000102ff" });
  });
  if (eio === 4) cell(name, transport, "messages", "give binary, give utf8", async (use) => {
    const socket = connect(use);
    await ready(socket);
    socket.send("give binary");
    assert.deepEqual(plain(await socket.heard(1)), { bytes: "0001020304" });
    socket.send("give utf8");
    assert.equal(await socket.heard(2), "пойду спать всем спокойной ночи");
  });
  if (eio === 4) cell(name, transport, "heartbeat", "stays alive over several pings", async (use) => {
    const socket = connect(use);
    await ready(socket);
    let pings = 0;
    await limited("three pings", (resolve, reject) => {
      socket.on("packet", ({ type }) => type === "ping" && ++pings === 3 && resolve());
      socket.on("close", reject);
    });
  });
}

cell("engine 6.6", "polling", "headers", "sendHeaders tells the POST's", async (use) => {
  const socket = use(open(versions[0][1], server.url, { transports: ["polling"], extraHeaders: { "x-custom-header": "my-value", cookie: "a=b" } }));
  const headers = await limited("the headers", (resolve) => {
    socket.on("open", () => socket.send("sendHeaders"));
    socket.on("message", (data) => data !== "hi" && resolve(JSON.parse(data)));
  });
  assert.equal(headers["x-custom-header"], "my-value");
  assert.equal(headers.cookie, "a=b");
  assert.match(headers["content-type"], /^text\/plain/);
});
cell("engine 6.6", "polling", "headers", "cookies are kept with withCredentials", async (use) => {
  const socket = use(open(versions[0][1], server.url, { transports: ["polling"], withCredentials: true }));
  const headers = await limited("the headers", (resolve) => {
    socket.on("open", () => setTimeout(() => socket.send("sendHeaders"), 20));
    socket.on("message", (data) => data !== "hi" && resolve(JSON.parse(data)));
  });
  assert.match(headers.cookie, /^1=1; 2=2/);
});
cell("raw", "polling", "headers", "the handshake's cookies", async () => {
  const s = new Polling(base);
  const res = await s.connect();
  const cookies = res.headers.getSetCookie();
  assert.deepEqual(cookies.slice(0, 3), ["1=1; Max-Age=86400", "2=2; Path=/; HttpOnly; Secure; SameSite=Strict", "3=3; Max-Age=0"]);
  assert.match(cookies[3], /^4=4; Expires=\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
  assert.equal(cookies.length, 4);
  const next = await s.poll();
  assert.equal(await next.text(), "4hi");
  assert.deepEqual(next.headers.getSetCookie(), []);
});
cell("raw", "polling", "refusals", "deny", async () => {
  const res = await fetch(`${base}?EIO=4&transport=polling&deny=1`);
  assert.equal(res.status, 403);
  assert.equal(JSON.parse(await res.text()).code, 4);
});
if (underTest === "sockeye") cell("raw", "websocket", "refusals", "deny", async (use) => {
  assert.equal((await use(rawSocket(`${base}?EIO=4&transport=websocket&deny=1`)).refused).status, 403);
});
cell("raw", "polling", "refusals", "an unknown sid, byte for byte", async () => {
  const res = await fetch(`${base}?EIO=4&transport=polling&sid=abc`);
  assert.equal(res.status, 400);
  assert.equal(await res.text(), '{"code":1,"message":"Session ID unknown"}');
});
cell("raw", "polling", "limits", "over maxPayload: 413, empty", async () => {
  for (const headers of [{ "content-type": "text/plain" }, {}]) {
    const s = new Polling(base);
    await s.connect();
    const res = await s.post(`4${"x".repeat(100)}`, { headers });
    assert.equal(res.status, 413);
    assert.equal(await res.text(), "");
  }
  const fits = new Polling(base);
  await fits.connect();
  assert.equal((await fits.post(`4${"x".repeat(99)}`)).status, 200);
});
cell("raw", "websocket", "limits", "over maxPayload: 1009 without a reason", async (use) => {
  const s = use(rawSocket(`${base}?EIO=4&transport=websocket`));
  await s.next();
  s.send(`4${"x".repeat(100)}`);
  assert.deepEqual(await s.closed, { code: 1009, reason: "" });
});
