// Requests in all their forms, on a fresh connection and on one that has polled before.
import { Connection, session, settled } from "./wire.mjs";

export const name = "http";
export const profile = "main";

const junk = ["", "x", "0", "websocket", "polling", "%00", "a%20b", "é"];

/** One request: a good one, and up to three things about it that are unusual. */
export function generate(r) {
  const kind = r.weighted({ handshake: 5, poll: 3, post: 4, upgrade: 2 });
  const c = {
    kind, reused: r.chance(0.5), method: kind === "post" ? "POST" : "GET", path: "/socket.io/", version: "HTTP/1.1", before: "", eol: "\r\n",
    query: [["EIO", "4"], ["transport", kind === "upgrade" ? "websocket" : "polling"]],
    headers: [["Host", "127.0.0.1"]], body: kind === "post" ? r.pick(['42/dyn-1,["echo",1]', "3", "6", ""]) : null, length: true,
  };
  if (kind === "poll" || kind === "post") c.query.push(["sid", "<sid>"]);
  if (kind === "upgrade") c.headers.push(["Connection", "Upgrade"], ["Upgrade", "websocket"], ["Sec-WebSocket-Version", "13"], ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="]);
  if (kind === "post") c.headers.push(["Content-Type", "text/plain;charset=UTF-8"]);
  for (let n = r.int(4); n > 0; n--) r.pick(changes)(c, r);
  return c;
}

const at = (r, list) => r.int(list.length);
const changes = [
  (c, r) => { c.method = r.pick(["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "get"]); },
  (c, r) => { c.path = r.pick(["/socket.io/", "/socket.io", "/socket.io/x", "/socket.io/x/", "/Socket.io/", "//socket.io/", "/socket.io//", "/socket%2Eio/", "/socket.io/socket.io.js"]); },
  (c, r) => { c.query[0][1] = r.pick(["4", "3", "2", "5", "", "04", "4.0", "x"]); },
  (c, r) => { c.query[1][1] = r.pick(["polling", "websocket", "", "Polling", "webtransport", "toString", "x"]); },
  (c, r) => { c.query.splice(at(r, c.query), 1); },
  (c, r) => { c.query.push([...r.pick(c.query)]); },
  (c, r) => { const q = r.pick(c.query); c.query.push([q[0], r.pick([...junk, "4", "3"])]); },
  (c, r) => { c.query.push(["sid", r.pick(["", "unknown", "<sid>", "x".repeat(100)])]); },
  (c, r) => { c.query.push(r.pick([["b64", "1"], ["t", "abc"], ["j", "0"], ["j", "x"], ["", ""], ["a[]", "1"], ["deny", "1"], ["%E0%A4", "1"], ["x", "%zz"]])); },
  (c) => { c.query.reverse(); },
  (c, r) => { c.version = r.pick(["HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "http/1.1"]); },
  (c, r) => { c.before = r.pick(["\r\n", "\r\n\r\n", "\n", " "]); },
  (c) => { c.eol = "\n"; },
  (c, r) => { c.headers.push(["Origin", r.pick(["http://allowed.example", "http://a.trusted.example", "http://evil.example", "null", "", "x"])]); },
  (c, r) => { c.headers.push(["Content-Type", r.pick(["application/octet-stream", "text/html", "application/json", ""])]); },
  (c, r) => { c.headers.push(["Connection", r.pick(["close", "keep-alive", "x", "Upgrade"])]); },
  (c, r) => { c.headers.push(["Upgrade", r.pick(["websocket", "WebSocket", "h2c"])]); },
  (c, r) => { c.headers.push(["Accept-Encoding", r.pick(["gzip", "deflate, gzip;q=0", "br", "*", "identity"])]); },
  (c, r) => { c.headers.push(r.pick([["Expect", "100-continue"], ["X-Big", "x".repeat(20_000)], ["Cookie", "io=1"], ["X y", "1"], ["X\tz", "1"], ["X", "a\x01b"], ["Te", "trailers"], ["Access-Control-Request-Method", "POST"]])); },
  (c, r) => { c.headers = c.headers.filter(([n]) => n !== r.pick(["Host", "Connection", "Sec-WebSocket-Version", "Sec-WebSocket-Key"])); },
  (c, r) => { c.headers.push([...r.pick(c.headers)]); },
  (c, r) => { c.headers.push(["Sec-WebSocket-Version", r.pick(["8", "12", "x"])]); },
  (c, r) => { c.body = r.pick(["", "4", "x", "40/dyn-2,", "2probe", "3\x1e3", "\x1e", "b4AQID", "1", "6:40/abc"]); },
  (c, r) => { c.length = r.pick(["none", "chunked", "twice", "differ", "plus", "negative", "list", "both", "hex"]); },
];

/** The bytes of a case's request. */
function bytes(c, port, sid) {
  const target = c.path + (c.query.length ? `?${c.query.map(([k, v]) => `${k}=${v.replace("<sid>", sid)}`).join("&")}` : "");
  const headers = [...c.headers];
  let body = c.body ?? "";
  if (c.body !== null || c.length !== true) {
    const n = body.length;
    const chunked = ["Transfer-Encoding", "chunked"];
    const length = ["Content-Length", String(n)];
    headers.push(...{
      true: [length], none: [], chunked: [chunked], twice: [length, length], differ: [length, ["Content-Length", String(n + 1)]],
      plus: [["Content-Length", `+${n}`]], negative: [["Content-Length", `-${n + 1}`]], list: [["Content-Length", `${n}, ${n}`]], both: [length, chunked], hex: [["Content-Length", `0x${n.toString(16)}`]],
    }[c.length]);
    if (c.length === "chunked" || c.length === "both") body = `${n ? `${n.toString(16)}${c.eol}${body}${c.eol}` : ""}0${c.eol}${c.eol}`;
  }
  return c.before + [`${c.method} ${target} ${c.version}`, ...headers.map(([k, v]) => `${k}: ${v}`)].join(c.eol) + c.eol + c.eol + body;
}

/** What the client sees: the answer, whether the connection stays, and whether the session that it had still answers. */
export async function run(c, port) {
  const s = await session(port);
  const connection = c.reused ? s.connection : new Connection(port);
  try {
    // A poll has something to bring.
    await beside(port, s, '42/dyn-1,["echo","here"]');
    let a = await connection.request(bytes(c, port, s.sid), c.method === "HEAD");
    if (a?.status === 100) a = await connection.answer(c.method === "HEAD");
    return { answer: outcome(a, s.sid), session: await alive(port, s) };
  } finally {
    connection.close();
    s.connection.close();
  }
}

const alive = async (port, s) => (await beside(port, s, '42/dyn-1,["echo","end"]'))?.body === "ok";

/** Says something to a session over a connection of its own: one that is kept may be given up by the server just then. */
async function beside(port, s, packet) {
  const connection = new Connection(port);
  try {
    return await connection.request(`POST ${s.base}&sid=${s.sid} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: text/plain\r\nContent-Length: ${packet.length}\r\n\r\n${packet}`);
  } finally {
    connection.close();
  }
}

function outcome(a, sid) {
  if (a === null) return "closed";
  if (a.silent) return "silent";
  // How a server words what no application sees is its own affair: malformed HTTP is refused, and that is all.
  const json = /^\{"code":/.test(a.body);
  if (!json && a.status >= 400) return a.status === 404 || a.status === 413 ? String(a.status) : "refused";
  const h = a.headers;
  return {
    status: a.status, body: a.headers["content-encoding"] ? h["content-encoding"] : settled(a.body, sid),
    type: h["content-type"]?.toLowerCase().replace(/\s/g, ""), origin: h["access-control-allow-origin"], credentials: h["access-control-allow-credentials"],
    cookie: h["set-cookie"] && settled(h["set-cookie"].replace(/io=[^;]+/, "io=<sid>")), upgrade: h.upgrade?.toLowerCase(),
  };
}
