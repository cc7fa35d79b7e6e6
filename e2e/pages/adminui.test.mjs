// Socket.IO's own Admin UI, its published pages, against us: on one node, and on two.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { io } from "client-4.8";
import { startBrowser, startProgram } from "../lib/program.mjs";
import { stretch } from "../lib/patience.mjs";

const hash = "$2a$04$l.oY3swAAAWHjmL3q/mgjOb9VX6K3i6l7goaC3eolQrDTnuH2Nita"; // of "secret", quick to compute
const dist = new URL("../node_modules/@socket.io/admin-ui/ui/dist/", import.meta.url);
const types = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png" };

const connect = async (program, namespace) => {
  const socket = io(program.url + namespace, { transports: ["websocket"], forceNew: true, reconnection: false });
  await once(socket, "connect");
  return socket;
};

describe("Admin UI", () => {
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
    site.close();
    site.closeAllConnections();
  });

  const start = (...more) => startProgram("--log", "error", "--admin", `ann:${hash}`, "--origins", address, ...more);

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

  const go = (page, name) => page.getByRole("link", { name, exact: true }).click();

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
});
