// Socket.IO's own Admin UI, its published pages, against us: on one node, and on two.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { io } from "client-4.8";
import { freePort } from "../lib/brokers.mjs";
import { startBrowser, startProgram } from "../lib/program.mjs";
import { stretch } from "../lib/patience.mjs";

const hash = "$2a$04$l.oY3swAAAWHjmL3q/mgjOb9VX6K3i6l7goaC3eolQrDTnuH2Nita"; // of "secret", quick to compute
const hostile = '<img src=x onerror="alert(1)">';
const dist = new URL("../node_modules/@socket.io/admin-ui/ui/dist/", import.meta.url);
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png" };

const connect = async (program, namespace) => {
  const socket = io(program.url + namespace, { transports: ["websocket"], forceNew: true, reconnection: false });
  await once(socket, "connect");
  return socket;
};

describe("Admin UI", () => {
  const running = [];
  let site, browser, address;
  before(async () => {
    site = createServer(async (req, res) => {
      const name = new URL(req.url, "http://x").pathname.slice(1) || "index.html";
      const text = await readFile(new URL(name, dist)).catch(() => undefined);
      res.writeHead(text ? 200 : 404, { "Content-Type": types[extname(name)] ?? "text/plain" }).end(text);
    }).listen(0, "127.0.0.1");
    await once(site, "listening");
    address = `http://127.0.0.1:${site.address().port}`;
    browser = await startBrowser();
  });
  after(async () => {
    await browser.close();
    for (const program of running) await program.kill(); // what a test that has failed has left
    site.close();
    site.closeAllConnections();
  });

  async function start(...more) {
    const program = await startProgram("--log", "error", "--admin", `ann:${hash}`, "--origins", address, ...more);
    running.push(program);
    return program;
  }

  async function enter(program, password = "secret", page) {
    if (!page) {
      const context = await browser.newContext({ viewport: { width: 1300, height: 900 }, locale: "en-US" });
      await context.route((url) => url.hostname !== "127.0.0.1", (route) => route.abort()); // its fonts
      page = await context.newPage();
      page.setDefaultTimeout(stretch(30_000));
      await page.goto(address, { waitUntil: "domcontentloaded" });
    }
    await page.getByLabel("Server URL").fill(program.url.replace(/\/$/, ""));
    await page.getByLabel("Username").fill("ann");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Connect" }).click();
    return page;
  }

  const go = (page, name) => page.getByRole("navigation").getByRole("link", { name, exact: true }).click();

  async function choose(page, namespace) {
    await page.locator("main .v-select__slot").first().click();
    await page.locator(".menuable__content__active").getByText(namespace, { exact: true }).click();
  }

  test("in development: who guesses stays out; sockets and events; what is done there is done", async () => {
    const program = await start("--admin-ui", "development");
    const socket = await connect(program, "chat");
    const page = await enter(program, "guess");
    await page.getByText("invalid credentials").first().waitFor();
    await enter(program, "secret", page);
    await page.getByText(/^\s*connected\s*$/i).first().waitFor();
    await go(page, "Sockets");
    await choose(page, "/chat");
    await page.getByText(socket.id).first().waitFor();
    const late = await connect(program, "chat");
    await page.getByText(late.id).first().waitFor();
    await go(page, "Events");
    socket.emit("say", "hello there");
    await page.getByText("Event received").first().waitFor();
    await go(page, "Sockets");
    const gone = once(socket, "disconnect"), { id } = socket;
    await page.getByRole("row").filter({ hasText: id }).getByRole("button").first().click();
    assert.equal((await gone)[0], "io server disconnect");
    assert.ok(late.connected);
    late.disconnect();
    await page.context().close();
    assert.equal((await program.stop()).code, 0, program.log());
  });

  /** Two nodes of one cluster; again starts one of them once more. */
  async function pair(...more) {
    const at = (await Promise.all([1, 2].map(freePort))).map((port) => `127.0.0.1:${port}`);
    const again = (i) => start("--log", "info", "--cluster", `mesh://${at}`, "--cluster-listen", at[i], "--cluster-name", ["left", "right"][i], ...more);
    const nodes = await Promise.all([again(0), again(1)]);
    for (const node of nodes) await node.says("node joined the cluster");
    return { nodes, again };
  }

  test("in production, read-only, on two nodes: the numbers of both, and no more", async () => {
    const { nodes } = await pair("--admin-ui", "production", "--admin-readonly");
    const sockets = await Promise.all(nodes.map((node) => connect(node, "chat")));
    const page = await enter(nodes[0]);
    await page.getByText(/^\s*connected\s*$/i).first().waitFor();
    await page.getByRole("row", { name: "/chat 2" }).waitFor();
    assert.equal(await page.getByRole("link", { name: "Sockets", exact: true }).count(), 0);
    await go(page, "Servers");
    for (const name of ["left", "right"]) await page.getByRole("row", { name: new RegExp(`^${name} .*healthy`, "i") }).waitFor();
    const admin = io(nodes[1].url + "admin", { auth: { username: "ann", password: "secret" }, transports: ["websocket"], forceNew: true });
    await once(admin, "config");
    admin.emit("_disconnect", "/chat", false);
    await once(admin, "server_stats");
    for (const socket of sockets) assert.ok(socket.connected, "who may only look has disconnected somebody");
    for (const socket of [admin, ...sockets]) socket.disconnect();
    await page.context().close();
    for (const node of nodes) assert.equal((await node.stop()).code, 0, node.log());
  });

  test("on two nodes: sockets of both, their data as they change, and a login that survives the node it was made on", async () => {
    const { nodes, again } = await pair("--admin-ui", "development");
    const [near, far] = await Promise.all(nodes.map((node) => connect(node, "chat")));
    const page = await enter(nodes[0]);
    await page.getByText(/^\s*connected\s*$/i).first().waitFor();
    await go(page, "Sockets");
    await choose(page, "/chat");
    for (const socket of [near, far]) await page.getByText(socket.id).first().waitFor();
    const first = io(nodes[0].url + "admin", { auth: { username: "ann", password: "secret" }, transports: ["websocket"], forceNew: true, reconnection: false });
    const session = once(first, "session");
    const updated = new Promise((resolve) => first.on("socket_updated", ({ id, data }) => id === far.id && JSON.stringify(data).includes("onerror") && resolve()));
    await once(first, "config");
    await far.emitWithAck("join", { room: "den", name: hostile.slice(0, 20) }); // on the node that the page is not connected to
    await updated; // the page merges it, but does not draw it anew
    await page.getByRole("cell", { name: far.id }).click();
    await page.getByText("den", { exact: true }).first().waitFor();
    await page.getByText("onerror").first().waitFor();
    assert.equal(await page.locator('img[src="x"]').count(), 0);
    await go(page, "Sockets");
    await choose(page, "/chat");
    const gone = once(far, "disconnect");
    await page.getByRole("row").filter({ hasText: far.id }).getByRole("button").first().click();
    assert.equal((await gone)[0], "io server disconnect");

    await nodes[0].kill();
    await nodes[1].says("node left the cluster");
    const anew = await again(0);
    await anew.says("node joined the cluster"); // and knows the others' logins
    for (const node of [nodes[1], anew]) {
      const admin = io(node.url + "admin", { auth: { sessionId: (await session)[0] }, transports: ["websocket"], forceNew: true });
      await once(admin, "config");
      admin.disconnect();
    }
    near.disconnect();
    await page.context().close();
    for (const node of [nodes[1], anew]) assert.equal((await node.stop()).code, 0, node.log());
  });
});
