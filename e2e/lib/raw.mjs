// The protocols by hand: fetch for polling, ws for WebSocket.
import WebSocket from "ws";
import { limited } from "./clients.mjs";

/** A raw WebSocket that keeps what arrives: next() gives one message (strings for text, Buffers for binary), closed is a promise. */
export function rawSocket(url, options) {
  const socket = new WebSocket(url.replace(/^http/, "ws"), options);
  const inbox = [];
  const waiting = [];
  const give = (message) => (waiting.length ? waiting.shift()(message) : inbox.push(message));
  socket.on("message", (data, binary) => give(binary ? Buffer.from(data) : data.toString()));
  socket.on("error", (err) => { socket.failure = err; });
  // The server's answer to a refused upgrade request.
  const refused = new Promise((resolve) => socket.on("unexpected-response", (_, res) => {
    let body = "";
    res.setEncoding("utf8").on("data", (text) => { body += text; }).on("end", () => resolve({ status: res.statusCode, headers: res.headers, body }));
  }));
  const closed = new Promise((resolve) => socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() })));
  const promises = {
    socket,
    refused: limited("the refusal", (resolve, reject) => { refused.then(resolve); socket.on("open", () => reject(new Error("it was let in"))); }),
    closed: limited("the close", (resolve) => closed.then(resolve)),
    opened: limited("the opening", (resolve, reject) => { socket.on("open", resolve); socket.on("close", () => reject(new Error("closed"))); refused.then(({ status, body }) => reject(new Error(`refused: ${status} ${body}`))); }),
    next: () => (inbox.length ? Promise.resolve(inbox.shift()) : limited("a message", (resolve) => waiting.push(resolve))),
    inbox,
    send: (data) => socket.send(data),
    close: () => socket.terminate(),
  };
  // A test awaits the promise it is about; the others may fail unheard.
  for (const name of ["refused", "closed", "opened"]) promises[name].catch(() => {});
  return promises;
}

/** One polling session by hand against base ("http://…/engine.io/"). */
export class Polling {
  constructor(base, { eio = "EIO=4&", query = "" } = {}) {
    this.base = base;
    this.query = `?${eio}transport=polling${query}`;
  }
  get address() { return `${this.base}${this.query}${this.sid ? `&sid=${this.sid}` : ""}`; }
  /** Shakes hands; this.open is the open packet, this.sid the session's id. */
  async connect(init) {
    const res = await fetch(this.address, init);
    const text = await res.text();
    this.open = JSON.parse(text.slice(text.indexOf("{"), text.lastIndexOf("}") + 1));
    this.sid = this.open.sid;
    return res;
  }
  poll(init) { return fetch(this.address, init); }
  async pollText() { return (await this.poll()).text(); }
  post(body, init) { return fetch(this.address, { method: "POST", body, headers: { "content-type": "text/plain;charset=UTF-8" }, ...init }); }
  webSocket(options) {
    return rawSocket(`${this.base}${this.query.replace("polling", "websocket")}&sid=${this.sid}`, options);
  }
}
