// The tutorial, step by step: each program as the text has it, clicked through as the text says.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { startBrowser } from "../lib/program.mjs";
import { freePort } from "../lib/brokers.mjs";
import { limited } from "../lib/clients.mjs";
import { stretch } from "../lib/patience.mjs";

const binary = (step) => fileURLToPath(new URL(`../../bin/tutorial/${step === "types" ? step : `step${step}`}`, import.meta.url));

// Ports that nobody uses.
const free = (n) => Promise.all(Array.from({ length: n }, freePort));

describe("the tutorial", { concurrency: 3 }, () => {
  let browser;
  before(async () => { browser = await startBrowser(); });
  after(() => browser.close());

  // Runs a step until the test is over; answers its address.
  async function start(t, step, port, ...args) {
    const child = spawn(binary(step), ["-addr", `127.0.0.1:${port}`, ...args], { stdio: ["ignore", "ignore", "pipe"] });
    const exited = once(child, "exit");
    let log = "";
    child.stderr.setEncoding("utf8").on("data", (text) => { log += text; });
    t.after(async () => {
      child.kill("SIGTERM");
      assert.deepEqual(await exited, [0, null], log);
    });
    const url = `http://127.0.0.1:${port}/`;
    await limited(`step ${step} to listen`, (resolve, reject) => {
      exited.then(() => reject(new Error(log)));
      const ask = () => fetch(url).then(resolve, () => setTimeout(ask, 50));
      ask();
    }, () => log);
    return url;
  }

  // Opens the page as somebody, in a window of their own.
  async function visit(t, url, name) {
    const page = await (await browser.newContext()).newPage();
    t.after(() => page.context().close());
    page.setDefaultTimeout(stretch(20_000));
    page.on("pageerror", (err) => assert.fail(err));
    page.on("dialog", (dialog) => dialog.accept(name));
    await page.goto(url);
    return page;
  }
  const reads = (page, text) => page.locator("#lines li", { hasText: text }).first().waitFor();
  const here = (page, text) => page.locator("#people", { hasText: text }).waitFor();
  const say = async (page, text) => {
    await page.fill("#text", text);
    await page.keyboard.press("Enter");
  };
  const join = async (page, room) => {
    await page.fill("#room", room);
    await page.click("#rooms button");
  };

  test("1: welcome", async (t) => {
    const page = await visit(t, await start(t, 1, ...await free(1)));
    await reads(page, "Welcome!");
  });

  test("2: what one says, everybody reads, as text", async (t) => {
    const url = await start(t, 2, ...await free(1));
    const [ann, ben] = [await visit(t, url), await visit(t, url)];
    await ann.waitForFunction(() => socket.connected);
    await ben.waitForFunction(() => socket.connected);
    await say(ann, "hello <b>all</b>");
    for (const page of [ann, ben]) await reads(page, "hello <b>all</b>");
  });

  test("3: with a name, or not at all", async (t) => {
    const url = await start(t, 3, ...await free(1));
    await reads(await visit(t, url, " "), "please say who you are");
    const ann = await visit(t, url, "Ann");
    await ann.waitForFunction(() => socket.connected);
    await say(ann, "hi");
    await reads(ann, "Ann: hi");
  });

  test("4: rooms, and who may not join one", async (t) => {
    const url = await start(t, 4, ...await free(1));
    const [ann, ben] = [await visit(t, url, "Ann"), await visit(t, url, "Ben")];
    for (const page of [ann, ben]) await reads(page, "You are in lobby.");
    await join(ben, "x".repeat(21));
    await reads(ben, "1 to 20 letters");
    await join(ben, "den");
    await reads(ben, "You are in den.");
    await say(ann, "only here");
    await reads(ann, "Ann: only here");
    await join(ben, "lobby");
    await say(ann, "together");
    await reads(ben, "Ann: together");
    assert.equal(await ben.locator("li", { hasText: "only here" }).count(), 0);
  });

  test("5: who is here, and who has gone", async (t) => {
    const url = await start(t, 5, ...await free(1));
    const ann = await visit(t, url, "Ann"), ben = await visit(t, url, "Ben");
    for (const page of [ann, ben]) await here(page, /^Ann, Ben$/);
    await ben.close();
    await here(ann, /^Ann$/);
  });

  test("6: what is said while the network is away arrives, both ways", async (t) => {
    const url = await start(t, 6, ...await free(1));
    const ann = await visit(t, url, "Ann"), ben = await visit(t, url, "Ben");
    await here(ann, /^Ann, Ben$/);
    await ben.evaluate(() => { socket.io.reconnection(false); socket.io.engine.close(); });
    await here(ben, "you are offline");
    await here(ann, /^Ann$/);
    await say(ann, "while you were away");
    await reads(ann, "Ann: while you were away");
    await say(ben, "from the tunnel");
    await ben.evaluate(() => { socket.io.reconnection(true); socket.io.connect(); });
    await reads(ben, "Ann: while you were away");
    await reads(ann, "Ben: from the tunnel");
    for (const page of [ann, ben]) await here(page, /^Ann, Ben$/);
    assert.ok(await ben.evaluate(() => socket.recovered));
  });

  test("types: what both ends agree on", async (t) => {
    const page = await visit(t, await start(t, "types", ...await free(1)));
    await say(page, "hello <b>all</b>");
    await reads(page, "Ann (glad): hello <b>all</b>");
    await page.fill("#text", "all");
    await page.click("#count");
    await reads(page, "1 lines");
    await page.fill("#text", "");
    await page.click("#count");
    await reads(page, "what should be in them?");
  });

  test("7: two servers are one chat", async (t) => {
    const [web1, web2, node1, node2] = await free(4);
    const nodes = ["-nodes", `127.0.0.1:${node1},127.0.0.1:${node2}`];
    const [left, right] = await Promise.all([
      start(t, 7, web1, "-node", `127.0.0.1:${node1}`, ...nodes),
      start(t, 7, web2, "-node", `127.0.0.1:${node2}`, ...nodes),
    ]);
    const ann = await visit(t, left, "Ann"), ben = await visit(t, right, "Ben");
    for (const page of [ann, ben]) await reads(page, "You are in lobby.");
    // Who joins while the nodes find each other is told of the others by the next who comes or goes.
    for (let both = false; !both;) {
      await join(ben, "lobby");
      await here(ben, "Ben");
      both = await ben.locator("#people", { hasText: /^Ann, Ben$/ }).count() > 0 || await ben.locator("#people", { hasText: /^Ann, Ben$/ }).waitFor({ timeout: 500 }).then(() => true, () => false);
    }
    await here(ann, /^Ann, Ben$/);
    await say(ann, "across");
    await reads(ben, "Ann: across");
    await ben.close();
    await here(ann, /^Ann$/);
  });
});
