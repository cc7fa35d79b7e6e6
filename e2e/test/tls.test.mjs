// Chromium through a proxy with TLS and HTTP/2: polling over HTTP/2, and the upgrade over a connection of its own.
import { after, test } from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { startBrowser, startProgram } from "../lib/program.mjs";
import { stretch } from "../lib/patience.mjs";

const program = await startProgram("--log", "error");
const proxy = spawn(fileURLToPath(new URL("../../bin/tlsproxy", import.meta.url)), [program.url], { stdio: ["ignore", "pipe", "ignore"] });
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
