// Chromium with the bundles that pages load, old and new, over every transport.
import { after } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { startBrowser } from "../lib/program.mjs";
import { startServer, underTest } from "../lib/server.mjs";
import { cell } from "../lib/cell.mjs";
import { clients, transports } from "../lib/clients.mjs";
import { stretch } from "../lib/patience.mjs";

const server = await startServer("main");
const jsonp = await startServer("jsonp");
const browser = await startBrowser("LocalNetworkAccessChecks", "BlockInsecurePrivateNetworkRequests");
after(async () => { await browser.close(); await server.stop(); await jsonp.stop(); });

const bundle = (name) => readFileSync(new URL(`../node_modules/client-${name}/dist/socket.io.js`, import.meta.url), "utf8");

/** Opens a page of that origin that holds nothing but a client's bundle, and runs body(argument) in it. */
async function inPage(client, origin, argument, body) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (err) => problems.push(err.message));
  try {
    await page.route(`${origin}/page.html`, (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html><script src=client.js></script>" }));
    await page.route(`${origin}/client.js`, (route) => route.fulfill({ contentType: "text/javascript", body: bundle(client.name) }));
    await page.goto(`${origin}/page.html`);
    const result = await page.evaluate(body, { ...argument, patience: stretch(20000) });
    assert.deepEqual(problems, []);
    return result;
  } finally {
    await context.close();
  }
}

/** Runs in the page: every kind of exchange once; resolves with what came back. */
async function exchange({ url, list, options, texts, strings, upgrade, view, patience }) {
  const limit = (what, start) => new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`waited for ${what}`)), patience);
    start((value) => { clearTimeout(timer); resolve(value); }, (err) => { clearTimeout(timer); reject(new Error(`${what}: ${err && err.message || err}`)); });
  });
  const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  const plain = (v) => {
    if (v instanceof ArrayBuffer) return { bytes: hex(new Uint8Array(v)) };
    if (ArrayBuffer.isView(v)) return { bytes: hex(new Uint8Array(v.buffer, v.byteOffset, v.byteLength)) };
    if (Array.isArray(v)) return v.map(plain);
    return v && typeof v === "object" ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)])) : v;
  };
  const socket = window.io(url, { transports: list, forceNew: true, reconnection: false, ...options });
  const ask = (event, ...args) => limit(event, (resolve) => socket.emit(event, ...args, (...answer) => resolve(plain(answer))));
  await limit("welcome", (resolve, reject) => {
    socket.on("welcome", resolve);
    for (const event of ["connect_error", "error"]) socket.on(event, reject);
  });
  if (upgrade) {
    await limit("upgrade", (resolve) => {
      if (socket.io.engine.transport.name === "websocket") resolve();
      else socket.io.engine.on("upgrade", resolve);
    });
  }
  socket.on("question", (payload, cb) => cb("answer", payload));
  const bytes = new Uint8Array([0, 1, 2, 127, 128, 254, 255]);
  const seq = [];
  const burst = limit("seq", (resolve) => socket.on("seq", (_, i) => seq.push(i) === 200 && resolve()));
  const result = {
    transport: (await ask("info"))[0].transport,
    text: await ask("echo", ...texts),
    strings: strings && (await ask("genStrings"))[0],
    types: await ask("echo", null, true, 1.5, { a: [{}] }),
    nested: await ask("genNested"),
    echoed: await ask("echo", { list: [bytes.buffer, { deep: view ? bytes : bytes.buffer }] }, bytes.buffer),
    seen: await ask("types", bytes.buffer),
    large: (await ask("genBinary", 100000))[0].bytes.length,
    asked: await ask("ask", 5000, "q"),
  };
  socket.emit("burst", 200, 3, "t");
  await burst;
  for (let i = 0; i < 200; i++) socket.emit("put", "t", i);
  result.inOrder = seq.every((value, i) => value === i);
  result.report = await ask("putReport", "t");
  result.reason = await limit("disconnect", (resolve) => { socket.on("disconnect", resolve); socket.emit("bye", false); });
  return result;
}

const pattern = (n) => ({ bytes: Buffer.from(Array.from({ length: n }, (_, i) => (i * 31 + 7) & 255)).toString("hex") });
const echoed = { bytes: "0001027f80feff" };
function check(result, { transport, texts, strings = null }) {
  const { seen, ...rest } = result;
  assert.equal(seen[0][0].t, "binary");
  assert.equal(seen[0][0].len, 7);
  assert.deepEqual(rest, {
    transport: transport === "polling" ? "polling" : "websocket",
    text: texts,
    strings: strings && genStrings,
    types: [null, true, 1.5, { a: [{}] }],
    nested: [{ a: [pattern(3), { b: pattern(5), s: "x" }], z: { bytes: "" }, n: null }, pattern(2)],
    echoed: [{ list: [echoed, { deep: echoed }] }, echoed],
    large: 200000,
    asked: [null, ["answer", "q"]],
    inOrder: true,
    report: [{ count: 200, bad: null }],
    reason: "io server disconnect",
  });
}

const unicode = ["", "é", "日本語", "😀👨‍👩‍👧‍👦", "\u2028\u2029", "\\\"/\b\f\n\r\t"];
const genStrings = ["", "plain", "é", "日本語", "😀👨‍👩‍👧‍👦", "\u2028\u2029", "\u0000\u0001\u001f", "\\\"/\b\f\n\r\t", "\ufeffbom", "\u001e", "0:", "b64"];
const ascii = ["", "plain", "\\\"/\b\f\n\r\t"];
// 1.x sends typed arrays as objects; ArrayBuffers are its binary.
for (const client of clients.filter(({ name }) => ["4.8", "3.1", "2.5", "1.7"].includes(name))) {
  const view = client.since(2);
  for (const transport of Object.keys(transports)) {
    cell(`${client.name} in Chromium`, transport, "browser", "text, binary, acks, order", async () => {
      // Polling, 1.x encodes text twice, which the server cannot tell from 2.x. It reads well, but not Node's answers.
      const old = client.name === "1.7" && transport === "polling";
      const texts = old ? ascii : unicode;
      const strings = !old || underTest === "sockeye" || null;
      const asked = { url: server.url, list: transports[transport], options: {}, texts, strings, view, upgrade: transport === "upgrade" };
      check(await inPage(client, server.url, asked, exchange), { transport, texts, strings });
    });
  }
  cell(`${client.name} in Chromium`, "polling", "cors", "an allowed origin, with credentials", async () => {
    const asked = { url: server.url, list: ["polling"], options: { withCredentials: true }, view, texts: ascii, strings: null };
    check(await inPage(client, "http://allowed.example", asked, exchange), { transport: "polling", texts: ascii });
  });
  cell(`${client.name} in Chromium`, "polling", "cors", "another origin cannot read", async () => {
    const asked = { url: server.url, list: ["polling"], options: {}, view, texts: ascii, strings: null };
    await assert.rejects(inPage(client, "http://evil.example", asked, exchange), /welcome: xhr poll error/);
  });
  if (client.eio === 3) cell(`${client.name} in Chromium`, "jsonp", "browser", "text, binary, acks, order", async () => {
    const texts = client.name === "1.7" ? ascii : unicode;
    const asked = { url: jsonp.url, list: ["polling"], options: { forceJSONP: true }, view, texts, strings: null };
    check(await inPage(client, jsonp.url, asked, exchange), { transport: "polling", texts });
  });
}
