// Tutorial programs in Node and in the browser, as their authors wrote them, against the setting that each names.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { once } from "node:events";
import WebSocket from "ws";
import { startBrowser, startProgram } from "../lib/program.mjs";

let program;
const ws = (path) => program.url.replace("http", "ws") + path;

describe("tutorials", { concurrency: 4 }, () => {
  let browser;
  before(async () => { [program, browser] = await Promise.all([startProgram(), startBrowser()]); });
  after(async () => {
    await browser.close();
    assert.equal((await program.stop()).code, 0, program.log());
  });

  // What a client does that says hello and prints the first answer.
  async function firstAnswer(url, protocols, message) {
    const socket = new WebSocket(url, protocols);
    await once(socket, "open");
    socket.send(message);
    const [data, isBinary] = await once(socket, "message");
    socket.close(1000, "done");
    const [code] = await once(socket, "close");
    assert.equal(code, 1000);
    return isBinary ? data : String(data);
  }

  test("echo: text and binary", async () => {
    assert.equal(await firstAnswer(ws("ws/echo"), [], "你好"), "你好");
    assert.deepEqual(await firstAnswer(ws("ws/echo"), [], Buffer.from([0, 255])), Buffer.from([0, 255]));
    assert.equal(await firstAnswer(ws(""), [], "the root is echo by default"), "the root is echo by default");
  });

  test("append: JSON for the page", async () => {
    assert.deepEqual(JSON.parse(await firstAnswer(ws("ws/append"), [], 'say "<b>"')), { append: true, returnText: 'say "<b>"' });
  });

  test("kaazing: with its sub-protocol, at its path and at the root; without, told why", async () => {
    for (const path of ["ws/kaazing", ""]) {
      assert.match(await firstAnswer(ws(path), ["v2", "com.kaazing.echo"], "hi"), /^客户端发送的信息：hi,\d{13}$/);
    }
    const socket = new WebSocket(ws("ws/kaazing"));
    const [code, reason] = await once(socket, "close");
    assert.deepEqual([code, String(reason)], [4406, "offer the sub-protocol com.kaazing.echo"]);
    const foreign = new WebSocket(ws("ws/kaazing"), ["v2"]);
    const [err] = await once(foreign, "error");
    assert.match(err.message, /no subprotocol/i);
  });

  test("counter: counts until it hears close, or the goodbye", async () => {
    for (const stop of [(socket) => socket.send("close"), (socket) => socket.close(1000)]) {
      const socket = new WebSocket(ws("ws/counter"));
      const heard = [];
      socket.on("message", (data) => { if (heard.push(String(data)) === 2) stop(socket); });
      const [code] = await once(socket, "close");
      assert.equal(code, 1000);
      assert.deepEqual(heard, ["0", "1"]);
    }
  });

  test("the browser's own WebSocket", async () => {
    const page = await (await browser.newContext()).newPage();
    await page.goto(program.url + "welcome/");
    const heard = await page.evaluate(() => new Promise((done, failed) => {
      const socket = new WebSocket(`ws://${location.host}/`);
      const events = [];
      socket.onopen = () => { events.push("open"); socket.send("Hello Server!"); };
      socket.onmessage = (event) => { events.push(event.data); socket.close(); };
      socket.onclose = (event) => { events.push(event.code, event.wasClean); done(events); };
      socket.onerror = failed;
    }));
    assert.deepEqual(heard, ["open", "Hello Server!", 1005, true]);
  });

  test("other origins, and requests that are none, are refused", async () => {
    const evil = new WebSocket(ws("ws/echo"), { origin: "https://evil.example" });
    const [err] = await once(evil, "error");
    assert.match(err.message, /403/);
    const res = await fetch(program.url + "ws/echo");
    assert.equal(res.status, 426);
    assert.equal((await fetch(program.url)).headers.get("content-type"), "text/html; charset=utf-8");
  });

  test("a message over the limit closes with 1009", async () => {
    const socket = new WebSocket(ws("ws/echo"));
    await once(socket, "open");
    socket.on("error", () => {}); // the rest of what we send may meet a closed connection
    socket.send("x".repeat(1_000_001));
    const [code] = await once(socket, "close");
    assert.ok([1009, 1006].includes(code), String(code));
    assert.equal(await firstAnswer(ws("ws/echo"), [], "others go on"), "others go on");
  });

  for (const [name, want] of [["append", /"append":true/], ["counter", /^0$/]]) {
    test(`--root-ws ${name}`, async () => {
      const other = await startProgram("--root-ws", name);
      const socket = new WebSocket(other.url.replace("http", "ws"));
      socket.on("open", () => socket.send("x"));
      const [data] = await once(socket, "message");
      assert.match(String(data), want);
      const closed = once(socket, "close");
      assert.equal((await other.stop()).code, 0, other.log());
      assert.equal((await closed)[0], 1001); // the server says goodbye
    });
  }
});
