// HTTP over a bare TCP connection: what is sent is exactly what the case says, and what comes back is taken apart here.
import { stretch } from "../lib/patience.mjs";
import { connect } from "node:net";

/** How long a server may be silent before a case counts as unanswered. */
const patience = stretch(10_000);

/** No server here gives up a connection that has been idle for less, in ms: Node's HTTP server does after 5 s, however slow the machine. */
const idleAtLeast = 4000;

/** One TCP connection to a port of this machine, and for requests the one after it where a server had given up an idle one. */
export class Connection {
  #in = Buffer.alloc(0);
  #waiting = null;
  #port;
  #idle;
  #asked = Infinity; // when the last request went
  ended = false;

  constructor(port, { idle = idleAtLeast } = {}) {
    this.#port = port;
    this.#idle = idle;
    this.#open();
  }
  #open() {
    this.ended = false;
    const socket = this.socket = connect(this.#port, "127.0.0.1");
    socket.on("data", (b) => { this.#in = Buffer.concat([this.#in, b]); this.#waiting?.(); });
    const end = () => {
      if (socket !== this.socket) return;
      this.ended = true;
      this.#waiting?.();
    };
    socket.on("end", end).on("close", end).on("error", end);
  }
  write(data) { this.socket.write(data, "latin1"); }

  /**
   * Sends a request and returns its answer, as answer does. Like every HTTP client it sends a request again, once and on a fresh
   * connection, if the one at hand had been idle for long and turns out to be closed with nothing of an answer: the server has not read
   * the request. Whoever closes because of what a request says closes the fresh connection as well.
   */
  async request(data, head = false) {
    const wasIdle = performance.now() - this.#asked >= this.#idle;
    this.#asked = performance.now();
    this.write(data);
    const a = await this.answer(head);
    if (a !== null || !wasIdle || this.#in.length > 0) return a;
    this.close();
    this.#open();
    this.write(data);
    return this.answer(head);
  }
  close() { this.socket.destroy(); }

  /** Waits until take, which looks at what has come, returns something; null once the connection has ended before. */
  async until(take) {
    for (;;) {
      const got = take(this.#in);
      if (got) { this.#in = this.#in.subarray(got.size); return got; }
      if (this.ended) return null;
      let timer;
      const late = new Promise((resolve) => { timer = setTimeout(resolve, patience, true); });
      const more = new Promise((resolve) => { this.#waiting = resolve; });
      const isLate = await Promise.race([late, more]);
      clearTimeout(timer);
      this.#waiting = null;
      if (isLate === true) return { size: 0, silent: true };
    }
  }
  /** The next answer, {status, headers, body}; null if the connection ends first, {silent: true} if nothing comes. */
  answer(head = false) { return this.until((b) => takeAnswer(b, head, this.ended)); }
}

function takeAnswer(b, head, ended) {
  const at = b.indexOf("\r\n\r\n");
  if (at < 0) return null;
  const lines = b.toString("latin1", 0, at).split("\r\n");
  const status = Number(lines[0].split(" ")[1]);
  const headers = {};
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    headers[name] = (name in headers ? `${headers[name]}, ` : "") + line.slice(colon + 1).trim();
  }
  const start = at + 4;
  const done = (size, body) => ({ size, status, headers, body });
  if (head || status < 200 || status === 204 || status === 304) return done(start, "");
  if (headers["transfer-encoding"]) return takeChunks(b, start, done);
  if (headers["content-length"] === undefined) return ended ? done(b.length, b.toString("utf8", start)) : null;
  const size = start + Number(headers["content-length"]);
  return b.length < size ? null : done(size, b.toString("utf8", start, size));
}

function takeChunks(b, start, done) {
  const parts = [];
  for (let at = start; ;) {
    const end = b.indexOf("\r\n", at);
    if (end < 0) return null;
    const n = parseInt(b.toString("latin1", at, end), 16);
    if (b.length < end + 2 + n + 2) return null;
    if (n === 0) return done(end + 4, Buffer.concat(parts).toString("utf8"));
    parts.push(b.subarray(end + 2, end + 2 + n));
    at = end + 2 + n + 2;
  }
}

/** packets as a payload of a revision, and back. */
export const payload = (eio, packets) => (eio === 4 ? packets.join("\x1e") : packets.map((p) => `${p.length}:${p}`).join(""));
export function packets(eio, text) {
  if (eio === 4) return text.split("\x1e");
  const list = [];
  for (let rest = text; rest;) {
    const [, digits] = /^(\d+):/.exec(rest) ?? [];
    if (digits === undefined) return [...list, rest];
    const start = digits.length + 1, end = start + Number(digits);
    list.push(rest.slice(start, end));
    rest = rest.slice(end);
  }
  return list;
}

/** A polling session that has joined /dyn-1: its sid. What it was told is read already. */
export async function session(port, { eio = 4 } = {}) {
  const c = new Connection(port);
  const base = `/socket.io/?EIO=${eio}&transport=polling${eio === 3 ? "&b64=1" : ""}`;
  const ask = (method, target, body = "") => c.request(
    `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${body && `Content-Type: text/plain\r\nContent-Length: ${body.length}\r\n`}\r\n${body}`);
  const opened = await ask("GET", base);
  const sid = /"sid":"([^"]+)"/.exec(opened.body)[1];
  const s = {
    sid, base, connection: c, ask,
    post: (...list) => ask("POST", `${base}&sid=${sid}`, payload(eio, list)),
    poll: () => ask("GET", `${base}&sid=${sid}`),
  };
  await s.post("40/dyn-1,");
  for (let text = ""; !text.includes('42/dyn-1,["welcome"');) text += (await s.poll()).body;
  return s;
}

/**
 * A packet without what differs from run to run (ids, times) and without what JSON does not tell apart: order of members, escapes, forms
 * of numbers.
 */
export function settled(text, ...ids) {
  let t = text;
  for (const id of ids) if (id) t = t.replaceAll(id, "<sid>");
  const at = t.search(/[[{]/);
  if (at >= 0) try { t = t.slice(0, at) + JSON.stringify(sorted(JSON.parse(t.slice(at)))); } catch { /* it is no JSON: as it is */ }
  return t.replace(/"[\w-]{20}"/g, '"<id>"').replace(/\b1[67]\d{11}\b/g, "<ms>");
}

const sorted = (v) => Array.isArray(v) ? v.map(sorted) : v && typeof v === "object" ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, x]) => [k, sorted(x)])) : v;

/** What Node's fixture says of a packet that cannot be parsed, just before it closes the connection: its sockets are told of it as an error. */
export const isParserError = (packet) => /\["refused","(invalid payload|got (binary|plaintext) data|illegal|unknown packet type|too many attachments|Illegal|Cannot read properties)/.test(packet);
