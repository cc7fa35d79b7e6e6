// The inspection as somebody on call uses it: one node, and two.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { once } from "node:events";
import { io } from "client-4.8";
import { freePort } from "../lib/brokers.mjs";
import { startBrowser, startProgram } from "../lib/program.mjs";
import { leave, says, until, visit } from "./visit.mjs";

const hash = "$2a$04$l.oY3swAAAWHjmL3q/mgjOb9VX6K3i6l7goaC3eolQrDTnuH2Nita"; // of "secret", quick to compute
const httpCredentials = { username: "ann", password: "secret" };
const hostile = '<img src=x onerror="alert(1)">\u202e"\n{{x}}';

const connect = async (program, namespace) => {
  const socket = io(program.url + namespace, { transports: ["websocket"], forceNew: true, reconnection: false });
  await once(socket, "connect");
  return socket;
};

describe("inspection", { concurrency: 2 }, () => {
  const world = {};
  before(async () => { [world.program, world.browser] = await Promise.all([startProgram("--log", "warn", "--admin", `ann:${hash}`), startBrowser()]); });
  after(async () => {
    await world.browser.close();
    assert.equal((await world.program.stop()).code, 0, world.program.log());
  });

  test("who is where, what they say, and what can be done, with hostile names", async () => {
    const { program } = world;
    const socket = await connect(program, "chat");
    await socket.emitWithAck("join", { room: "den", name: "Ann" });
    const other = await connect(program, "echo");
    const page = await visit(world, "inspect/", { httpCredentials });
    await page.getByRole("button", { name: /^\/chat/ }).click();
    await page.getByRole("button", { name: /^den/ }).click();
    await says(page, "#sockets-total", "1");
    await page.locator("#sockets button").click();
    await says(page, "#detail", socket.id);
    await says(page, "#of", "Events of");
    const heard = new Promise((resolve) => socket.onAny((event, ...args) => event === "notice" && resolve(args)));
    for (let i = 0; i < 2; i++) await page.waitForResponse((res) => res.url().includes(`id=${socket.id}`) && res.url().includes("api/feed")); // it is watched
    socket.emit("say", hostile);
    socket.emit(hostile, hostile);
    await says(page, "#log li", "say");
    await says(page, "#log li", "no handler");
    await says(page, "#log li", 'onerror');
    assert.equal(await page.locator("main img").count(), 0);

    await page.fill("#event", "notice");
    await page.fill("#args", '[{"a":1},"b"]');
    await page.click("#go");
    assert.deepEqual((await heard).slice(0, 2), [{ a: 1 }, "b"]); // recovery adds an offset
    await says(page, "#done", "Reached: sockets 1");
    await page.getByRole("radio", { name: "Join" }).check();
    await page.fill("#which", `${hostile.replace("\n", "")}, lair`);
    await page.click("#go");
    await says(page, "#rooms button", "lair");
    await says(page, "#rooms button", "onerror");
    await page.getByRole("radio", { name: "Send an event" }).check();
    await page.fill("#args", "{");
    await page.click("#go");
    await says(page, "#problem", "JSON array");
    await page.getByRole("radio", { name: "Disconnect" }).check();
    const gone = once(socket, "disconnect");
    await page.click("#go");
    assert.equal((await gone)[0], "io server disconnect");
    await says(page, "#detail, #none", "gone");
    await says(page, "#reasons li", "server namespace disconnect");

    await page.click("#close");
    await page.getByRole("button", { name: /^\/echo/ }).click();
    await page.fill("#filter", "nothing like this");
    other.emit("ping me");
    await page.click("#pause");
    await says(page, "#pause", "Go on");
    assert.equal(await page.locator("#log li").count(), 0);
    await page.fill("#filter", "");
    await page.click("#pause");
    await until(page, () => document.querySelector("#pause").getAttribute("aria-pressed") === "false");
    const beat = setInterval(() => other.emit("ping me", 1), 100); // the feed begins again
    await says(page, "#log li", "ping me");
    clearInterval(beat);
    other.disconnect();
    await leave(page);
  });

  test("by keyboard, in Chinese, dark, in 320 px; what has the focus keeps it", async () => {
    const socket = await connect(world.program, "chat");
    const page = await visit(world, "inspect/", { httpCredentials, lang: "zh-CN", colorScheme: "dark", viewport: { width: 320, height: 700 } });
    await says(page, "h1", "检视");
    await says(page, "#state", "有回答的节点：1");
    const chat = page.getByRole("button", { name: /^\/chat/ });
    await chat.focus();
    await page.keyboard.press("Enter");
    await until(page, (id) => document.querySelector("#sockets").textContent.includes(id), socket.id.slice(0, 8));
    await page.waitForResponse((res) => res.url().includes("api/overview")); // a round later
    await page.waitForResponse((res) => res.url().includes("api/overview"));
    assert.match(await page.evaluate(() => document.activeElement.textContent), /^\/chat/);
    await page.locator(`#sockets button[title="${socket.id}"]`).press("Enter");
    await says(page, "#detail", socket.id);
    socket.disconnect();
    await leave(page);
  });

  test("without the password there is nothing; without --admin there is no such page", async () => {
    for (const headers of [{}, { authorization: "Basic " + btoa("ann:wrong") }, { authorization: "Basic " + btoa("ben:secret") }, { authorization: "Bearer x" }]) {
      for (const path of ["inspect/", "inspect/inspect.js", "inspect/api/overview"]) assert.equal((await fetch(world.program.url + path, { headers })).status, 401, path);
    }
    await world.program.says("wrong user or password");
    assert.doesNotMatch(world.program.log(), /secret/);
    const plain = await startProgram("--log", "error");
    assert.equal((await fetch(plain.url + "inspect/", { headers: { authorization: "Basic " + btoa("ann:secret") } })).status, 404);
    await plain.stop();
  });

  test("many sockets come in pages, each once", async () => {
    const all = [];
    for (let i = 0; i < 10; i++) all.push(...await Promise.all(Array.from({ length: 20 }, () => connect(world.program, "cursors"))));
    const page = await visit(world, "inspect/", { httpCredentials });
    await page.getByRole("button", { name: /^\/cursors/ }).click();
    await says(page, "#sockets-total", "200");
    const seen = new Set();
    for (let i = 0; i < 4; i++) {
      const ids = await page.locator("#sockets button").evaluateAll((list) => list.map((b) => b.title));
      for (const id of ids) seen.add(id);
      if (i === 3) break;
      await page.click("#sockets-next");
      await until(page, (first) => document.querySelector("#sockets button")?.title !== first, ids[0]);
    }
    assert.equal(seen.size, 200);
    for (const socket of all) socket.disconnect();
    await leave(page);
  });
});

describe("inspection of two nodes", () => {
  const names = ["left", "right"];
  let nodes, browser;
  before(async () => {
    const at = (await Promise.all(names.map(freePort))).map((port) => `127.0.0.1:${port}`);
    browser = await startBrowser();
    nodes = await Promise.all(names.map((name, i) => startProgram("--log", "info", "--admin", `ann:${hash}`, "--cluster", `mesh://${at}`, "--cluster-listen", at[i], "--cluster-name", name)));
    for (const node of nodes) await node.says("node joined the cluster");
  });
  after(async () => {
    await browser.close();
    assert.equal((await nodes[0].stop()).code, 0, nodes[0].log());
  });

  test("all and each; what is done from one reaches the other; one that vanishes is told of", async () => {
    const [left, right] = nodes, near = await connect(left, "chat"), far = await connect(right, "chat");
    await far.emitWithAck("join", { room: hostile.slice(0, 20), name: "Ben" });
    const page = await visit({ program: left, browser }, "inspect/", { httpCredentials });
    await says(page, "#state", "Nodes that answer: 2");
    await page.getByRole("button", { name: /^\/chat/ }).click();
    await says(page, "#sockets-total", "2");
    for (const [name, socket] of [["left", near], ["right", far]]) {
      await page.selectOption("#node", { label: await page.locator("#node option", { hasText: name }).textContent() });
      await until(page, (id) => [...document.querySelectorAll("#sockets button")].map((b) => b.title).join() === id, socket.id);
    }
    await page.locator("#sockets button").click(); // of right, asked of left
    await says(page, "#detail", far.id);
    await says(page, "#detail", "<img src=x");
    assert.equal(await page.locator("main img").count(), 0);

    for (let i = 0; i < 2; i++) await page.waitForResponse((res) => res.url().includes(`id=${far.id}`) && res.url().includes("api/feed")); // it is watched there
    far.emit("say", hostile);
    await says(page, "#log li", "onerror");
    const heard = new Promise((resolve) => far.onAny((event, ...args) => event === "notice" && resolve(args)));
    await page.fill("#event", "notice");
    await page.fill("#args", JSON.stringify([hostile]));
    await page.click("#go");
    assert.equal((await heard)[0], hostile);
    await says(page, "#done", "Reached: sockets 1, nodes 2");
    await page.getByRole("radio", { name: "Join" }).check();
    await page.fill("#which", "lair");
    await page.click("#go");
    await says(page, "#rooms button", "lair");
    await page.getByRole("radio", { name: "Leave" }).check();
    await page.click("#go");
    await until(page, () => !document.querySelector("#rooms").textContent.includes("lair"));
    await page.getByRole("radio", { name: "Disconnect" }).check();
    const gone = once(far, "disconnect");
    await page.click("#go");
    assert.equal((await gone)[0], "io server disconnect");
    await says(page, "#detail, #none", "gone");
    assert.ok(near.connected);

    await right.kill();
    await says(page, "#missing", "not in the cluster any more"); // once the others know
    await says(page, "#nodes tr", "answered last at");
    await page.selectOption("#node", "");
    await says(page, "#sockets-total", "1");
    assert.ok(await page.locator("#missing").isHidden());
    near.disconnect();
    await leave(page);
  });
});
