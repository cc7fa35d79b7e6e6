// Profile main over plain HTTP: health, CORS, cookie, error bodies, compression, limits.
import { after } from "node:test";
import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { request } from "node:http";
import { startServer, underTest } from "../lib/server.mjs";
import { Polling, rawSocket } from "../lib/raw.mjs";
import { cell } from "../lib/cell.mjs";
import { ask1, clients, connect, until } from "../lib/clients.mjs";

const server = await startServer("main");
after(() => server.stop());
const base = `${server.url}/socket.io/`;
const it = (area, title, body) => cell("raw", "polling", area, title, (use) => body(use));
/** The answer untouched: fetch would decompress it. */
const plainRequest = (url, headers = {}, method = "GET") => new Promise((resolve, reject) => {
  request(url, { headers, method }, (res) => {
    const parts = [];
    res.on("data", (part) => parts.push(part)).on("end", () => resolve({ status: res.statusCode, headers: res.headers, body: Buffer.concat(parts) }));
  }).on("error", reject).end();
});
const handshake = `${base}?EIO=4&transport=polling`;

it("http", "healthz, stats, nothing else", async () => {
  const health = await fetch(`${server.url}/healthz`);
  assert.deepEqual([health.status, await health.text()], [200, "ok"]);
  const stats = await (await fetch(`${server.url}/stats`)).json();
  assert.deepEqual(Object.keys(stats).sort(), ["clients", "namespaces"]);
  for (const name of ["/", "/chat", "/auth", "/slow"]) assert.equal(typeof stats.namespaces[name], "number", name);
  for (const path of ["/", "/index.html", "/socket.iox/", "/favicon.ico"]) {
    const res = await fetch(server.url + path);
    await res.text();
    assert.equal(res.status, 404, path);
  }
});
it("http", "stats count sessions and sockets", async (use) => {
  const stats = async () => (await fetch(`${server.url}/stats`)).json();
  const before = await stats();
  use(await connect(clients[0], "websocket", server.url, "/chat"));
  const socket = use(await connect(clients[0], "websocket", server.url, "/chat"));
  const now = await stats();
  assert.equal(now.clients, before.clients + 2);
  assert.equal(now.namespaces["/chat"], before.namespaces["/chat"] + 2);
  assert.deepEqual(await ask1(socket, "stats"), now);
});
it("cookie", "set at the handshake, and only there", async () => {
  const s = new Polling(base);
  const res = await s.connect();
  const cookies = res.headers.getSetCookie();
  assert.equal(cookies.length, 1);
  const [pair, ...attributes] = cookies[0].split("; ");
  assert.equal(pair, `io=${s.sid}`);
  assert.deepEqual(attributes.sort(), ["HttpOnly", "Path=/", "SameSite=Lax"]);
  const posted = await s.post("40");
  assert.deepEqual(posted.headers.getSetCookie(), []);
  await posted.text();
});
it("cors", "allowed origins", async () => {
  for (const origin of ["http://allowed.example", "https://a.trusted.example"]) {
    const res = await plainRequest(handshake, { origin });
    assert.equal(res.status, 200);
    assert.equal(res.headers["access-control-allow-origin"], origin);
    assert.equal(res.headers["access-control-allow-credentials"], "true");
    assert.match(res.headers.vary ?? "", /Origin/i);
  }
});
it("cors", "disallowed origins get an answer without the header", async () => {
  for (const origin of ["http://evil.example", "http://trusted.example.evil", "null"]) {
    const res = await plainRequest(handshake, { origin });
    assert.equal(res.status, 200, origin);
    assert.equal(res.headers["access-control-allow-origin"], undefined, origin);
  }
});
it("cors", "preflight", async () => {
  const res = await plainRequest(handshake, {
    origin: "http://allowed.example", "access-control-request-method": "POST", "access-control-request-headers": "x-custom",
  }, "OPTIONS");
  assert.equal(res.status, 204);
  const { headers } = res;
  assert.equal(headers["access-control-allow-origin"], "http://allowed.example");
  assert.equal(headers["access-control-allow-credentials"], "true");
  assert.equal(headers["access-control-allow-methods"], "GET,POST");
  assert.equal(headers["access-control-allow-headers"], "x-custom,content-type");
  assert.equal(headers["access-control-max-age"], "600");
});
it("cors", "on error answers too", async () => {
  const res = await plainRequest(`${base}?EIO=4&transport=abc`, { origin: "http://allowed.example" });
  assert.equal(res.status, 400);
  assert.equal(res.headers["access-control-allow-origin"], "http://allowed.example");
  assert.deepEqual(JSON.parse(res.body), { code: 0, message: "Transport unknown" });
});
it("errors", "codes and texts", async () => {
  const s = new Polling(base);
  await s.connect();
  for (const [query, method, code, message] of [
    ["EIO=4", "GET", 0, "Transport unknown"],
    ["EIO=4&transport=abc", "GET", 0, "Transport unknown"],
    ["EIO=4&transport=polling&sid=unknown", "GET", 1, "Session ID unknown"],
    ["EIO=4&transport=polling&sid=unknown", "POST", 1, "Session ID unknown"],
    ["EIO=4&transport=polling", "POST", 2, "Bad handshake method"],
    ["EIO=4&transport=websocket", "GET", 3, "Bad request"],
    [`EIO=4&transport=websocket&sid=${s.sid}`, "GET", 3, "Bad request"],
  ]) {
    const res = await plainRequest(`${base}?${query}`, {}, method);
    assert.equal(res.status, 400, query);
    assert.deepEqual(JSON.parse(res.body), { code, message }, query);
    assert.match(res.headers["content-type"], /^application\/json/);
  }
});
it("errors", "EIO 3 where it is not allowed", async () => {
  const strict = await startServer("strict");
  try {
    const res = await plainRequest(`${strict.url}/socket.io/?EIO=3&transport=polling`);
    assert.equal(res.status, 400);
    assert.deepEqual(JSON.parse(res.body), { code: 5, message: "Unsupported protocol version" });
  } finally {
    await strict.stop();
  }
});
it("compression", "from 1024 bytes on, as the client accepts", async () => {
  const poll = async (n, headers) => {
    const s = new Polling(base);
    await s.connect();
    await (await s.post("40")).text();
    while (!(await s.pollText()).includes("welcome"));
    await (await s.post(`421["echo","${"x".repeat(n)}"]`)).text();
    return plainRequest(s.address, headers);
  };
  const small = await poll(500, { "accept-encoding": "gzip" });
  assert.equal(small.headers["content-encoding"], undefined);
  const plain = await poll(2000, {});
  assert.equal(plain.headers["content-encoding"], undefined);
  const large = await poll(2000, { "accept-encoding": "gzip, deflate" });
  assert.equal(large.headers["content-encoding"], "gzip");
  assert.equal(gunzipSync(large.body).toString(), plain.body.toString());
  assert.match(plain.body.toString(), /^431\["x{2000}"\]$/);
});
it("limits", "over maxPayload", async (use) => {
  const strict = await startServer("strict");
  try {
    const s = new Polling(`${strict.url}/socket.io/`);
    await s.connect();
    const res = await s.post(`42["echo","${"x".repeat(1000)}"]`);
    assert.deepEqual([res.status, await res.text()], [413, ""]);
    const ws = use(rawSocket(`${strict.url}/socket.io/?EIO=4&transport=websocket`));
    await ws.next();
    ws.send(`42["echo","${"x".repeat(1000)}"]`);
    assert.deepEqual(await ws.closed, { code: 1009, reason: "" });
  } finally {
    await strict.stop();
  }
});
if (underTest === "sockeye") it("http", "the trailing slash is required, as in Node", async () => {
  const res = await fetch(`${server.url}/socket.io?EIO=4&transport=polling`, { redirect: "manual" });
  await res.text();
  assert.notEqual(res.status, 200);
});
cell("raw", "polling", "bad input", "costs only its own connection", async () => {
  const good = new Polling(base);
  await good.connect();
  const bad = new Polling(base);
  await bad.connect();
  await (await good.post("40")).text();
  await (await bad.post("40\x1e42{}")).text().catch(() => "");
  await until("its session is dead", async () => (await bad.poll()).status === 400);
  assert.match(await good.pollText(), /^40/);
});
