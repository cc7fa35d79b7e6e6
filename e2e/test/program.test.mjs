// The program as a person meets it: its pages in a real browser, somebody's own page, stopping and coming back.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import http from "node:http";
import { io } from "client-4.8";
import { clients } from "../lib/clients.mjs";
import { open, startBrowser, startProgram } from "../lib/program.mjs";
import { stretch } from "../lib/patience.mjs";

const greeting = "web Socket Works";

describe("the program's pages", () => {
  let program, browser;
  before(async () => { [program, browser] = await Promise.all([startProgram(), startBrowser()]); });
  after(async () => {
    await browser.close();
    assert.equal((await program.stop()).code, 0, program.log());
  });

  test("welcome shows what the handler said, and over what", async () => {
    const { page, complaints, response } = await open(browser, program.url + "welcome/");
    await page.locator("#message", { hasText: greeting }).waitFor({ timeout: stretch(10_000) });
    await page.locator("#state", { hasText: /websocket/i }).waitFor({ timeout: stretch(10_000) });
    assert.match(response.headers()["content-security-policy"], /^default-src 'self'/);
    assert.deepEqual(complaints, []);
    await page.close();
  });

  test("every page loads without a complaint", async () => {
    const folders = (await readdir(new URL("../../public/", import.meta.url), { withFileTypes: true }))
      .filter((entry) => entry.isDirectory() && entry.name !== "assets").map((entry) => entry.name + "/");
    assert.ok(folders.includes("welcome/"));
    for (const path of ["", ...folders]) {
      const { page, complaints, response } = await open(browser, program.url + path);
      assert.equal(response.status(), 200, path);
      await page.locator("h1").first().waitFor();
      const refused = path === "origin/" ? / 403$/ : /^$/; // that page shows a refusal, of which the browser tells, too
      assert.deepEqual(complaints.filter((text) => !refused.test(text)), [], "/" + path);
      await page.close();
    }
  });

  // Not with fetch, which unpacks answers and hides that they were packed.
  const get = async (path, headers = {}) => {
    const [response] = await once(http.get(program.url + path, { headers, agent: false }), "response");
    return { status: response.statusCode, headers: response.headers, body: Buffer.concat(await response.toArray()) };
  };

  test("the browser client: eight files, revalidated by version, compressed", async () => {
    for (const base of ["socket.io", "socket.io.min", "socket.io.esm.min", "socket.io.msgpack.min"]) for (const end of [".js", ".js.map"]) {
      const plain = await get("socket.io/" + base + end);
      assert.equal(plain.status, 200, base + end);
      assert.equal(plain.headers.etag, '"4.8.4"');
      assert.match(plain.headers["content-type"], end === ".js" ? /^text\/javascript/ : /^application\/json/);
      const packed = await get("socket.io/" + base + end, { "accept-encoding": "gzip" });
      assert.equal(packed.headers["content-encoding"], "gzip");
      assert.ok(packed.body.length < plain.body.length / 2);
      assert.ok(gunzipSync(packed.body).equals(plain.body));
      const again = await get("socket.io/" + base + end, { "if-none-match": packed.headers.etag });
      assert.equal(again.status, 304);
    }
    for (const name of ["PLACEHOLDER", "socket.io.slim.js", "package.json", "../package.json", "dist/socket.io.js"]) {
      assert.notEqual((await get("socket.io/" + name)).status, 200, name);
    }
  });

  test("health, readiness and metrics", async () => {
    assert.equal(String((await get("healthz")).body), "ok\n");
    assert.equal(String((await get("readyz")).body), "ready\n");
    const socket = io(program.url, { forceNew: true });
    await once(socket, "welcome");
    assert.match(String((await get("metrics")).body), /^sockeye_sockets [1-9]/m);
    socket.disconnect();
  });
});

describe("a page of one's own", () => {
  let folder, browser;
  before(async () => {
    [folder, browser] = await Promise.all([mkdtemp(join(tmpdir(), "page-")), startBrowser()]);
    await writeFile(join(folder, "index.html"), `<!doctype html><h1></h1>
      <script src="socket.io/socket.io.js"></script>
      <script>
        const socket = io();
        socket.on('welcome', (text) => { document.querySelector('h1').textContent = text; });
      </script>`);
  });
  after(() => Promise.all([browser.close(), rm(folder, { recursive: true })]));

  test("works as tutorials write it, script inline", async (t) => {
    const program = await startProgram("--public", folder);
    t.after(() => program.stop());
    const { page, complaints, response } = await open(browser, program.url);
    await page.locator("h1", { hasText: greeting }).waitFor({ timeout: stretch(10_000) });
    assert.equal(response.headers()["content-security-policy"], undefined);
    assert.deepEqual(complaints.filter((text) => !/404/.test(text)), []); // a browser asks for /favicon.ico by itself
    await page.close();
  });

  test("gets the policy it asks for", async (t) => {
    const program = await startProgram("--public", folder, "--csp", "script-src 'self'");
    t.after(() => program.stop());
    const { page, complaints } = await open(browser, program.url);
    assert.match(complaints.join("\n"), /Content Security Policy/);
    await page.close();
  });
});

describe("a client of the time before", () => {
  const old = clients.find((c) => c.name === "2.5");
  const attempt = async (program, transport) => {
    const socket = old.io(program.url, { transports: [transport], forceNew: true, reconnection: false });
    try {
      return await Promise.race([once(socket, "welcome").then(([text]) => text), new Promise((done) => socket.on("connect_error", done))]);
    } finally {
      socket.close();
    }
  };

  test("is refused in a way that says what to do, and let in with --allow-eio3", async (t) => {
    const closed = await startProgram(), open = await startProgram("--allow-eio3");
    t.after(() => Promise.all([closed.stop(), open.stop()]));
    for (const transport of ["polling", "websocket"]) {
      assert.equal((await attempt(closed, transport)).type, "TransportError");
      assert.equal(await attempt(open, transport), greeting);
    }
    const answer = await fetch(closed.url + "socket.io/?EIO=3&transport=polling");
    assert.equal(answer.status, 400);
    assert.deepEqual(await answer.json(), { code: 5, message: "Unsupported protocol version" });
    await closed.says("socket.io-client 1.x and 2.x", "--allow-eio3");
    assert.doesNotMatch(open.log(), /refused/);
  });
});

describe("stopping", () => {
  test("clients come back by themselves, in Node and in a browser", async (t) => {
    const browser = await startBrowser();
    t.after(() => browser.close());
    let program = await startProgram();
    t.after(() => program.stop());
    const { port, url } = program;
    const sockets = ["polling", "websocket"].map((transport) => io(url, { transports: [transport], reconnectionDelay: 100, reconnectionDelayMax: 500, forceNew: true }));
    t.after(() => sockets.forEach((socket) => socket.disconnect()));
    await Promise.all(sockets.map((socket) => once(socket, "welcome")));
    const { page } = await open(browser, url + "welcome/");
    await page.locator("#message", { hasText: greeting }).waitFor();

    const reasons = Promise.all(sockets.map(async (socket) => (await once(socket, "disconnect"))[0]));
    const { code, ms } = await program.stop();
    assert.equal(code, 0, program.log());
    assert.ok(ms < 10_000, `stopping took ${ms} ms`);
    assert.deepEqual(await reasons, ["transport close", "transport close"]);
    assert.ok(sockets.every((socket) => socket.active));
    await page.locator('#state[data-state="wait"]').waitFor();

    const back = Promise.all(sockets.map((socket) => once(socket, "welcome")));
    program = await startProgram("--port", port);
    assert.deepEqual((await back).map(([text]) => text), [greeting, greeting]); // behind it comes the position for recovery
    await page.locator("#message", { hasText: greeting }).waitFor();
  });

  test("a port that is taken is named in one line", async (t) => {
    const first = await startProgram();
    t.after(() => first.stop());
    const second = await startProgram("--port", first.port);
    assert.equal(second.code, 1);
    assert.match(second.log(), new RegExp(`^sockeye: port ${first.port} is taken by another program[^\n]*\n$`));
  });

  test("a wrong option is named in one line", async () => {
    const program = await startProgram("--prot", "1");
    assert.equal(program.code, 2);
    assert.match(program.log(), /^sockeye: [^\n]*-prot[^\n]*\n$/);
  });
});
