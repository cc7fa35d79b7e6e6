// Behind the proxies that people have, set up as their documents and ours say: a browser's page polls, opens a WebSocket and
// changes from one to the other. The recipes are read from docs/guide/proxies.md.
import { after, describe, test } from "node:test";
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { apache, caddy, haproxy, nginx, page, vite } from "../lib/behind.mjs";
import { startProgram } from "../lib/program.mjs";
import { stretch } from "../lib/patience.mjs";

const all = { polling: "works", upgrade: "works", websocket: "works" };
const notAlone = { polling: "works", upgrade: "works", websocket: 403 };
const without = (line) => (text) => {
  if (!text.includes(line)) throw new Error(`the recipe has no ${line}`);
  return text.replace(line, "");
};
const instead = (line, other) => (text) => without(line)(text.replace(line, line + other));
const vites = (target) => (table) => ({ "/socket.io": target(table["/socket.io"]) });
const hostLine = "proxy_set_header Host $http_host;";
// As socket.io's own page about reverse proxies has it.
const rewriteRules = `RewriteEngine on
RewriteCond %{HTTP:Upgrade} websocket [NC]
RewriteCond %{HTTP:Connection} upgrade [NC]
RewriteRule ^/?(.*) "ws://127.0.0.1:3000/$1" [P,L]
ProxyPass / http://127.0.0.1:3000/
ProxyTimeout 60
`;
const trusting = ["--trusted-proxies", "127.0.0.1"];

// title, the proxy, the program's options, what a page meets, and what the log must say of a refusal
const cases = [
  ["nginx, our recipe", nginx, [], all],
  ["nginx, our recipe, trusted", nginx, trusting, all],
  ["nginx without a Host line", (to) => nginx(to, without(hostLine)), [], notAlone, "proxy_set_header Host $http_host;"],
  ["nginx with Host $host on another port", (to) => nginx(to, instead(hostLine, "proxy_set_header Host $host;")), [], notAlone, "$host has none"],
  ["nginx with X-Forwarded-Host, not trusted", (to) => nginx(to, instead(hostLine, "proxy_set_header X-Forwarded-Host $http_host;")), [], notAlone, "--trusted-proxies"],
  ["nginx with X-Forwarded-Host, trusted", (to) => nginx(to, instead(hostLine, "proxy_set_header X-Forwarded-Host $http_host;")), trusting, all],
  ["nginx with X-Forwarded-Host and -Port, trusted", (to) => nginx(to, instead(hostLine, "proxy_set_header X-Forwarded-Host $host; proxy_set_header X-Forwarded-Port $server_port;")), trusting, all],
  ["nginx with Forwarded, trusted", (to) => nginx(to, instead(hostLine, `proxy_set_header Forwarded 'for=$remote_addr;host="$http_host"';`)), [...trusting, "--client-ip-header", "Forwarded"], all],
  ["nginx, Connection always upgrade", (to) => nginx(to, instead("proxy_set_header Connection $connection_upgrade;", 'proxy_set_header Connection "upgrade";')), [], all],
  ["Apache, our recipe", apache, [], all],
  ["Apache as documented elsewhere", (to) => apache(to, () => rewriteRules), [], notAlone, "--trusted-proxies"],
  ["Apache as documented elsewhere, trusted", (to) => apache(to, () => rewriteRules), trusting, all],
  ["Apache, our recipe without ProxyPreserveHost, trusted", (to) => apache(to, without("ProxyPreserveHost On\n")), trusting, all],
  ["HAProxy, our recipe", haproxy, [], all],
  ["Caddy, our recipe", caddy, trusting, all],
  ["Vite, our recipe", vite, [], all],
  ["Vite with changeOrigin", (to) => vite(to, vites((t) => ({ ...t, changeOrigin: true }))), [], notAlone, "changeOrigin"],
  ["Vite with rewriteWsOrigin and a target of ws:", (to) => vite(to, vites((t) => ({ ...t, target: t.target.replace("http", "ws"), rewriteWsOrigin: true }))), [], notAlone, "rewriteWsOrigin"],
  ["Vite with a target as text", (to) => vite(to, vites((t) => t.target)), [], null],
];

const started = [];
after(async () => { for (const it of started) await it.stop(); });
const start = async (it) => {
  const running = await it;
  started.push(running);
  return running;
};

describe("behind proxies", { concurrency: 4 }, () => {
  for (const [title, proxy, options, meets, told] of cases) {
    test(title, { timeout: stretch(60000) }, async () => {
      const program = await start(startProgram("--log", "warn", ...options));
      const front = await start(proxy(program.port));
      if (meets === null) { // it passes no WebSocket on, whatever we do
        assert.equal((await page(front, { only: ["polling"] })).polling, "works");
        return;
      }
      assert.deepEqual(await page(front), meets);
      if (told) await program.says("request refused", told, "proxy", "Host", "--origins");
      // Nothing of this lets a foreign page in, whatever the proxy makes of it.
      if (!/rewriteWsOrigin/.test(title)) {
        const foreign = await page(front, { origin: "http://evil.example" });
        assert.equal(foreign.websocket, 403);
      }
    });
  }

  test("a browser that says Sec-Fetch-Site is believed for WebSocket alone, too", { timeout: stretch(60000) }, async () => {
    const program = await start(startProgram("--log", "error"));
    const front = await start(nginx(program.port, without(hostLine)));
    assert.deepEqual(await page(front, { says: { "sec-fetch-site": "same-origin" } }), all);
    assert.equal((await page(front, { says: { "sec-fetch-site": "cross-site" } })).websocket, 403);
  });

  test("Python's synchronous client through proxies that rewrite Host", { timeout: stretch(60000) }, async () => {
    const script = fileURLToPath(new URL("../python/behind.py", import.meta.url));
    const program = await start(startProgram("--log", "error", ...trusting));
    const bare = await start(nginx(program.port, without(hostLine)));
    const telling = await start(nginx(program.port, instead(hostLine, "proxy_set_header X-Forwarded-Host $http_host;")));
    for (const [front, transports] of [[bare, "polling,websocket"], [telling, "polling,websocket"], [telling, "websocket"]]) {
      const { stdout } = await promisify(execFile)("/usr/bin/python3", [script, `http://127.0.0.1:${front.port}`, transports], { timeout: stretch(30000) });
      assert.equal(stdout.trim(), "websocket", transports);
    }
  });
});
