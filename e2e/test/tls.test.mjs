// Chromium through a proxy with TLS and HTTP/2: polling over HTTP/2, and the upgrade over a connection of its own.
import { after, test } from "node:test";
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { io } from "client-4.8";
import { until } from "../lib/clients.mjs";
import { startBrowser, startProgram } from "../lib/program.mjs";
import { stretch } from "../lib/patience.mjs";

const program = await startProgram("--log", "error");
const tlsproxy = fileURLToPath(new URL("../../bin/tlsproxy", import.meta.url));
const proxy = spawn(tlsproxy, [program.url], { stdio: ["ignore", "pipe", "ignore"] });
const exited = once(proxy, "exit");
const [port] = await once(proxy.stdout.setEncoding("utf8"), "data");
const url = `https://127.0.0.1:${port.trim()}/`;
const browser = await startBrowser();
after(async () => {
  await browser.close();
  proxy.kill();
  await exited;
  assert.equal((await program.stop()).code, 0, program.log());
});

for (const [transports, at] of [[["polling"], "polling"], [["websocket"], "websocket"], [["polling", "websocket"], "websocket"]]) {
  test(`Chromium over TLS and HTTP/2: ${transports.join(", ")}`, { timeout: stretch(60000) }, async () => {
    const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
    const protocols = new Set();
    page.on("response", (res) => res.url().includes("transport=polling") && protocols.add(res.headers()["x-test-proto"]));
    await page.goto(`${url}playground/`);
    const got = await page.evaluate(async ({ transports, at }) => {
      const { io } = await import("/socket.io/socket.io.esm.min.js");
      const socket = io("/echo", { transports, forceNew: true });
      await new Promise((resolve, reject) => socket.on("connect", resolve).on("connect_error", reject));
      const engine = socket.io.engine;
      if (engine.transport.name !== at) await new Promise((resolve) => engine.on("upgrade", resolve));
      const echoed = await socket.emitWithAck("echo", { text: "é", bytes: new Uint8Array([1, 2, 255]) });
      const result = { text: echoed.text, bytes: [...new Uint8Array(echoed.bytes)], name: engine.transport.name };
      socket.disconnect();
      return result;
    }, { transports, at });
    assert.deepEqual(got, { text: "é", bytes: [1, 2, 255], name: at });
    if (transports.includes("polling")) assert.deepEqual([...protocols], ["HTTP/2.0"]);
    await page.context().close();
  });
}

// The program itself with TLS: who connects after the files have changed meets the new certificate, who is there stays.
test("a certificate is replaced without a restart", { timeout: stretch(60000) }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "tls-"));
  t.after(() => rm(folder, { recursive: true }));
  const [cert, key] = ["cert.pem", "key.pem"].map((name) => join(folder, name));
  const write = async () => { await promisify(execFile)(tlsproxy, ["-certificate", cert, key]); return readFile(cert); };
  const first = await write();
  const own = await startProgram("--tls-cert", cert, "--tls-key", key);
  t.after(() => own.stop());
  assert.match(own.url, /^https:/, own.log());
  const opened = [];
  t.after(() => opened.forEach((socket) => socket.disconnect()));
  /** Connects to /echo as somebody who trusts this certificate alone; resolves with the socket, or undefined. */
  const connect = async (ca, transport = "websocket") => {
    const socket = io(own.url + "echo", { ca, transports: [transport], forceNew: true, reconnection: false });
    opened.push(socket);
    const said = await Promise.race([once(socket, "connect").then(() => true), new Promise((done) => socket.once("connect_error", () => done(false)))]);
    return said ? socket : undefined;
  };
  const early = await connect(first);
  assert.equal(await early.emitWithAck("echo", "wss"), "wss");
  assert.ok(await connect(first, "polling"));
  const second = await write();
  await until("who connects meets the new certificate", async () => Boolean(await connect(second))); // it is looked for once a second
  assert.equal(await connect(first), undefined, "the old certificate is still served");
  assert.ok(await connect(second, "polling"));
  assert.equal(await early.emitWithAck("echo", "still here"), "still here");
  assert.match(own.log(), /the certificate has changed/);
  assert.equal((await own.stop()).code, 0, own.log());
});
