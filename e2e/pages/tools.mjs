// The two pages that are tools: playground and doctor.
import { test } from "node:test";
import assert from "node:assert/strict";
import http from "node:http";
import { once } from "node:events";
import * as recipes from "../../public/doctor/recipes.js";
import { nginx, recipe } from "../lib/behind.mjs";
import { lastPoll, leave, says, until, visit } from "./visit.mjs";

export default function (world) {
  test("playground: connect, emit, ack, binary, the wire, a share link", async () => {
    const page = await visit(world, "playground/", { permissions: ["clipboard-read", "clipboard-write"] });
    await page.click("#connect");
    await says(page, "#timeline li.down", "hello");
    const cut = () => page.locator("#args textarea").evaluate((area) => area.scrollHeight - area.clientHeight);
    assert.ok(await cut() <= 0, "the argument it begins with is cut off");
    await page.locator("#args textarea").fill('{\n"a": 1,\n"b": 2,\n"c": 3\n}');
    assert.ok(await cut() <= 0, "what was written is cut off");
    await page.locator("#args textarea").fill('{"你好": [1, null]}');
    await page.click("#more");
    await page.locator("#args select").nth(1).selectOption("file");
    await page.locator("#args input[type=file]").nth(1).setInputFiles({ name: "x", mimeType: "", buffer: Buffer.from([1, 2, 3]) });
    await page.click("#send");
    await says(page, "#timeline li.down", /echo ← ack · \d+ ms {"你好":\[1,null\]}\s+<3 bytes>/);

    await page.locator("#frames button:has(.count)").first().click();
    await says(page, "#anatomy dd", "Socket.IO BINARY_EVENT");
    await says(page, "#anatomy dd", "how many binary attachments follow");
    await says(page, "#anatomy dd", "an ack is wanted");
    await says(page, "#anatomy pre", /^0000 {2}34 35 31 2d 2f 70/);

    await page.click("#as-link");
    await says(page, "#copied", "Link copied");
    const link = await page.evaluate(() => navigator.clipboard.readText());
    await page.click("#as-go");
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /map\[string\]any{"你好": \[\]any{1, nil}}/);
    await page.fill("#search", "你好");
    await until(page, () => [...document.querySelectorAll("#timeline li:not([hidden])")].every((li) => li.textContent.includes("你好")));
    await page.fill("#search", "");
    await page.fill("#only", "nothing");
    await until(page, () => document.querySelectorAll("#timeline li.down:not([hidden])").length === 0);
    const download = page.waitForEvent("download");
    await page.click("#export");
    assert.equal((await download).suggestedFilename(), "timeline.json");

    const other = await visit(world, link.slice(link.indexOf("playground/")));
    assert.equal(await other.locator("#args textarea").first().inputValue(), '{"你好": [1, null]}');
    await leave(other);
    await leave(page);
  });

  test("playground: the server's namespaces, and what is none", async () => {
    const page = await visit(world, "playground/");
    await page.locator("#known option").first().waitFor({ state: "attached" });
    const names = await page.locator("#known option").evaluateAll((all) => all.map(({ value }) => value));
    assert.ok(names.includes("/") && names.includes("/acks-careful") && !names.includes("/welcome"), names.join(" "));
    const asked = new Set();
    page.on("request", (it) => asked.add(new URL(it.url()).host));
    page.on("websocket", (it) => asked.add(new URL(it.url()).host));
    const join = async (text, joined) => {
      await page.click("#clear");
      await page.fill("#namespace", text);
      await page.click("#connect");
      if (joined) {
        await says(page, "#timeline li.info", "connect");
        assert.equal(await page.inputValue("#namespace"), joined);
      }
    };
    for (const name of names) await join(name, name);
    for (const [text, joined] of [["chat", "/chat"], ["//chat", "/chat"], [" echo ", "/echo"], ["", "/"], [new URL("chat", world.program.url).href, "/chat"]]) {
      await join(text, joined);
      await says(page, "#namespace-problem", "taken as " + joined);
    }
    for (const [text, why] of [["http://other.example/chat", "another server"], ["other.example", "another server"], ["//other.example/chat", "another server"], ["localhost:1/chat", "another server"], ["[::1]:1", "another server"], ["/chat /echo", "One namespace"], ["/chat,/echo", "One namespace"], ["/chat?a=1", "query below"]]) {
      await join(text);
      await says(page, "#namespace-problem", why);
      assert.equal(await page.getAttribute("#namespace", "aria-invalid"), "true");
    }
    await join("chta");
    await says(page, "#namespace-problem", "Did you mean /chat?");
    await page.click("#as-go"); // not with a namespace that is none
    assert.deepEqual([...asked], [new URL(world.program.url).host]);
    await leave(page, { expected: [lastPoll] });
  });

  test("playground: garbage is marked where it breaks, a refusal and a silence are shown", async () => {
    const page = await visit(world, "playground/", { viewport: { width: 390, height: 800 }, colorScheme: "dark" });
    for (const [text, where] of [['{"a": tru}', "line 1, column 7"], ["[1,\n2,, 3]", "line 2, column 3"], ['{"a" 1}', "expected a colon"], ['"x', "expected a closing quote"], ["1 2", "expected the end"], ["", "expected a value"], ['{"a":1,}', "double quotes"], ["[01]", "column 2"]]) {
      await page.locator("#auth").evaluate((area) => area.closest("details").setAttribute("open", ""));
      await page.fill("#auth", text);
      await page.click("#connect");
      await says(page, "#auth-problem", where);
      assert.equal(await page.locator("#auth").getAttribute("aria-invalid"), "true");
    }
    await page.fill("#auth", '{"refuse": true}');
    await page.click("#connect");
    await says(page, "#timeline li.info", "you asked to be refused");
    await says(page, "#state", "Refused");
    await page.fill("#auth", "{}");
    await page.click("#connect");
    await says(page, "#timeline li.down", "hello");
    await page.fill("#event", "silence");
    await page.fill("#timeout", "300");
    await page.click("#send");
    await says(page, "#timeline li.info", "no ack within 300 ms");
    await page.fill("#namespace", "/nowhere");
    await page.click("#connect");
    await says(page, "#timeline li.info", "Invalid namespace");
    await leave(page, { expected: [lastPoll] });
  });

  test("doctor: all is well here; a wrong path, a wrong namespace, nobody there", async () => {
    const page = await visit(world, "doctor/");
    const examine = async (fields, verdict) => {
      for (const [id, value] of Object.entries({ path: "/socket.io/", namespace: "/", ...fields })) await page.fill("#" + id, value);
      await page.click("#examine");
      await says(page, "#verdict", verdict);
    };
    await examine({}, "All is well");
    assert.equal(await page.locator('#checks li[data-is="good"]').count(), 8);
    await examine({ path: "/wrong/" }, "The trouble is the path.");
    await says(page, '[data-check="pathIs"]', "must be the same");
    await examine({ namespace: "/nowhere" }, "The trouble is the namespace.");
    await says(page, '[data-check="namespaceIs"]', "Invalid namespace");
    for (const [wrote, meant] of Object.entries({ "chat": "/chat", "/chta": "/chat", "/Chat/": "/chat", "//acks": "/acks", "/whiteboards": "/whiteboard" })) {
      await examine({ namespace: wrote }, "The trouble is the namespace.");
      await says(page, '[data-check="namespaceIs"]', `Did you mean ${meant}?`);
      assert.equal(await page.locator('[data-check="session"][data-is="good"]').count(), 1);
    }
    await examine({ address: "nonsense" }, "The trouble is the server");
    await examine({ address: "http://127.0.0.1:9" }, "The trouble is the server");
    assert.equal(await page.locator('#checks li[data-is="bad"]').count(), 1);
    await leave(page, { expected: [/404/, /ERR_/, /127\.0\.0\.1:9/] });
  });

  test("doctor: behind nginx that rewrites Host it names that, and its recipe works", async () => {
    for (const line of ["", "proxy_set_header Host $host;"]) {
      const front = await nginx(world.program.port, (text) => text.replace("proxy_set_header Host $http_host;", line));
      const page = await visit({ ...world, program: { url: front.url + "/" } }, "doctor/");
      await page.click("#examine");
      await says(page, "#verdict", "The trouble is the origin of this page.");
      await says(page, '[data-check="origin"]', "changed the Host header");
      await says(page, '[data-check="origin"]', `--origins ${front.url}`);
      await says(page, '[data-check="origin"] pre', recipe("nginx").split("\n").find((text) => text.includes("Host")));
      await says(page, '[data-check="websocket"]', "in the session");
      await leave(page, { expected: [/WebSocket/] });
      await front.stop();
    }
    const front = await nginx(world.program.port, () => recipes.nginx); // what it shows
    const page = await visit({ ...world, program: { url: front.url + "/" } }, "doctor/");
    await page.click("#examine");
    await says(page, "#verdict", "All is well");
    await leave(page);
    await front.stop();
    assert.equal(recipes.nginx, recipe("nginx"));
  });

  test("doctor: no CORS, an old server, a proxy without upgrades", async () => {
    let respond;
    const server = http.createServer((req, res) => respond(req, res));
    server.on("upgrade", (_, socket) => socket.destroy());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const page = await visit(world, "doctor/", { lang: "en-US" });
    const examine = async (verdict, ...more) => {
      await page.fill("#address", `http://127.0.0.1:${server.address().port}`);
      await page.click("#examine");
      await says(page, "#verdict", verdict);
      for (const text of more) await says(page, "#checks", text);
    };
    respond = (_, res) => res.end('0{"sid":"x"}');
    await examine("The trouble is the origin", "CORS headers are missing", "OriginList");
    respond = (_, res) => { res.setHeader("Access-Control-Allow-Origin", "*"); res.end('96:0{"sid":"x"}'); };
    await examine("The trouble is the version", "socket.io-client@2");
    respond = (req, res) => {
      const { origin, ...headers } = req.headers; // as from a program
      const to = http.request(world.program.url.slice(0, -1) + req.url, { method: req.method, headers }, (answer) => {
        res.writeHead(answer.statusCode, { ...answer.headers, "access-control-allow-origin": "*", "access-control-allow-headers": "*" });
        answer.pipe(res);
      });
      to.on("error", () => res.destroy());
      req.pipe(to);
    };
    await examine("The trouble is WebSocket", "proxy_set_header Upgrade", "polling takes the origin");
    await leave(page, { expected: [/./] }); // the browser writes each refusal to its console
    server.closeAllConnections();
    server.close();
  });
}
