// The page that is a tool: the doctor. The playground is another: playground.test.mjs.
import { test } from "node:test";
import assert from "node:assert/strict";
import http from "node:http";
import { once } from "node:events";
import * as recipes from "../../public/doctor/recipes.js";
import { nginx, recipe } from "../lib/behind.mjs";
import { stretch } from "../lib/patience.mjs";
import { lastPoll, leave, says, until, visit } from "./visit.mjs";

export default function (world) {
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
      // Its deadlines are those of people: on a busy machine it may take the server for silent, and is asked again.
      for (let left = 3; ; left--) {
        await page.click("#examine");
        const found = await page.locator("#verdict", { hasText: verdict }).waitFor({ timeout: stretch(10_000) }).then(() => true, (err) => { if (!left) throw err; });
        if (found) break;
      }
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
