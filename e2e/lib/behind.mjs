// Real proxies in front of a server: nginx, Apache, HAProxy, Caddy and Vite, each on a port and in a folder of its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync, chmodSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createServer } from "vite";
import { freePort } from "./brokers.mjs";
import { limited } from "./clients.mjs";
import { rawSocket } from "./raw.mjs";

const guide = ["guide/proxies", "clustering"].map((name) => readFileSync(fileURLToPath(new URL(`../../docs/${name}.md`, import.meta.url)), "utf8")).join("");

/** The recipe of that name, as docs/guide/proxies.md or docs/clustering.md has it. */
export function recipe(name) {
  const found = new RegExp(`<!-- recipe: ${name} -->\n\`\`\`\\w+\n([^]*?)\`\`\``).exec(guide);
  if (!found) throw new Error(`neither docs/guide/proxies.md nor docs/clustering.md has a recipe for ${name}`);
  return found[1];
}

const reachable = (port) => new Promise((resolve) => {
  const socket = net.connect(port, "127.0.0.1", () => { socket.destroy(); resolve(true); });
  socket.on("error", () => resolve(false));
});

const find = (name) => ["/usr/sbin/", "/usr/bin/", "/usr/local/bin/", "/usr/local/sbin/"].map((dir) => dir + name).find(existsSync) ?? name;

/** Runs a proxy until its port answers; configure(dir, port) writes its files and returns its arguments. */
async function run(command, configure) {
  const dir = mkdtempSync(join(tmpdir(), "sockeye-proxy-"));
  chmodSync(dir, 0o755);
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const child = spawn(find(command), configure(dir, port), { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, HOME: dir, XDG_CONFIG_HOME: dir, XDG_DATA_HOME: dir } });
    let log = "", ended = false;
    const exited = once(child, "exit").then(() => { ended = true; }, (err) => { ended = true; log += err; });
    for (const out of [child.stdout, child.stderr]) out.setEncoding("utf8").on("data", (text) => { log += text; });
    while (!ended && !(await reachable(port))) await new Promise((resolve) => setTimeout(resolve, 20));
    if (!ended) {
      return {
        port, url: `http://localhost:${port}`, log: () => log,
        async stop() { child.kill("SIGTERM"); await exited; rmSync(dir, { recursive: true, force: true }); },
      };
    }
    // Somebody else may have taken the port meanwhile.
    if (attempt === 3) throw new Error(`${command} does not start (scripts/setup installs it): ${log}${readdirSync(dir).filter((f) => f === "error.log").map((f) => readFileSync(join(dir, f), "utf8"))}`);
  }
}

const toUpstream = (text, upstream) => text.replaceAll("127.0.0.1:3000", `127.0.0.1:${upstream}`);

/** nginx with what the guide puts into its http block, and changes to that. */
export const nginx = (upstream, change = (text) => text) => nginxWith(() => toUpstream(change(recipe("nginx")), upstream));

const nginxWith = (own) => run("nginx", (dir, port) => {
  const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((kind) => `${kind}_temp_path ${dir}/${kind};`).join(" ");
  writeFileSync(join(dir, "nginx.conf"), `daemon off; master_process off; worker_processes 1; pid ${dir}/pid; error_log ${dir}/error.log;
events { worker_connections 256; }
http { access_log off; ${temp}
${own().replace("listen 80;", `listen 127.0.0.1:${port};`)} }`);
  return ["-p", dir, "-c", join(dir, "nginx.conf")];
});

export const apache = (upstream, change = (text) => text) => run("apache2", (dir, port) => {
  const modules = ["mpm_event", "authz_core", "proxy", "proxy_http", "proxy_wstunnel", "rewrite"];
  writeFileSync(join(dir, "apache.conf"), `ServerName localhost
ServerRoot ${dir}
PidFile ${dir}/pid
ErrorLog ${dir}/error.log
Listen 127.0.0.1:${port}
${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join("\n")}
${toUpstream(change(recipe("apache")), upstream)}`);
  return ["-X", "-f", join(dir, "apache.conf")];
});

export const haproxy = (upstream) => haproxyWith(() => toUpstream(recipe("haproxy"), upstream));

const haproxyWith = (own) => run("haproxy", (dir, port) => {
  writeFileSync(join(dir, "haproxy.cfg"), own().replace("bind :80", `bind 127.0.0.1:${port}`));
  return ["-db", "-f", join(dir, "haproxy.cfg")];
});

const toNodes = (text, [one, two]) => text.replaceAll(/127\.0\.0\.1:(300[01])/g, (_, port) => `127.0.0.1:${port === "3000" ? one : two}`);

/** The balancers of the guide, before two servers at these ports; sticky: with clients that keep cookies, or always. */
export const balancers = {
  "nginx in turns": { start: (ports) => nginxWith(() => toNodes(recipe("nginx-turns"), ports)) },
  "nginx by address": { sticky: "always", start: (ports) => nginxWith(() => toNodes(recipe("nginx-address"), ports)) },
  "nginx by cookie": { sticky: "cookies", start: (ports) => nginxWith(() => toNodes(recipe("nginx-cookie"), ports)) },
  "HAProxy in turns": { start: (ports) => haproxyWith(() => toNodes(recipe("haproxy-cookie").replaceAll(/^ *cookie .*\n| cookie \w+/gm, ""), ports)) },
  "HAProxy by cookie": { sticky: "cookies", start: (ports) => haproxyWith(() => toNodes(recipe("haproxy-cookie"), ports)) },
};

export const caddy = (upstream) => run("caddy", (dir, port) => {
  const site = toUpstream(recipe("caddy"), upstream).replace(":80 {", `http://:${port} {\n\tbind 127.0.0.1`);
  writeFileSync(join(dir, "Caddyfile"), `{\n\tadmin off\n\tauto_https off\n}\n${site}`);
  return ["run", "--config", join(dir, "Caddyfile"), "--adapter", "caddyfile"];
});

/** Vite's development server; change gets the proxy's table of the guide. */
export async function vite(upstream, change = (table) => table) {
  const dir = mkdtempSync(join(tmpdir(), "sockeye-vite-"));
  writeFileSync(join(dir, "vite.config.mjs"), toUpstream(recipe("vite"), upstream));
  const { default: config } = await import(join(dir, "vite.config.mjs"));
  const server = await createServer({
    ...config, configFile: false, root: dir, cacheDir: join(dir, "cache"), logLevel: "silent", appType: "custom", optimizeDeps: { noDiscovery: true },
    server: { ...config.server, proxy: change(config.server.proxy), host: "127.0.0.1", port: await freePort(), hmr: false, watch: null },
  });
  await server.listen();
  const { port } = server.httpServer.address();
  return { port, url: `http://localhost:${port}`, async stop() { await server.close(); rmSync(dir, { recursive: true, force: true }); } };
}

/** Sends what a browser sends, over a connection of its own, with Host as the page has it. */
function ask(proxy, method, path, headers, body) {
  return limited(`${method} ${path}`, (resolve, reject) => {
    const req = http.request({ host: "127.0.0.1", port: proxy.port, method, path, agent: false, headers: { host: `localhost:${proxy.port}`, ...headers } }, (res) => {
      let text = "";
      res.setEncoding("utf8").on("data", (part) => { text += part; }).on("end", () => resolve({ status: res.statusCode, headers: res.headers, text })).on("error", reject);
    });
    req.on("error", reject);
    req.end(body);
  });
}

/**
 * What a page at the proxy meets, by transport: "works", or the status of what is refused. A browser names the page's origin
 * with POST and WebSocket, not with GET. says are headers that it adds to each, only the transports to try.
 */
export async function page(proxy, { says = {}, only = ["polling", "upgrade", "websocket"], origin = `http://localhost:${proxy.port}` } = {}) {
  const base = "/socket.io/?EIO=4&transport=polling", ws = `ws://127.0.0.1:${proxy.port}/socket.io/?EIO=4&transport=websocket`;
  const from = { origin, ...says }, headers = { host: `localhost:${proxy.port}`, ...from };
  const handshake = async () => {
    const res = await ask(proxy, "GET", base, says);
    if (res.status !== 200) throw res.status;
    return `&sid=${JSON.parse(res.text.slice(1)).sid}`;
  };
  const post = async (sid, text) => {
    const res = await ask(proxy, "POST", base + sid, { ...from, "content-type": "text/plain;charset=UTF-8" }, text);
    if (res.status !== 200) throw res.status;
  };
  const join = async (sid) => {
    await post(sid, "40");
    let got = "";
    while (!got.includes("40{")) {
      const res = await ask(proxy, "GET", base + sid, says);
      if (res.status !== 200) throw res.status;
      got += res.text;
    }
  };
  const outcome = async (steps) => {
    try {
      await steps();
      return "works";
    } catch (status) {
      if (typeof status !== "number") throw status;
      return status;
    }
  };
  const opened = async (url) => {
    const socket = rawSocket(url, { headers });
    const first = await Promise.any([socket.opened.then(() => 101), socket.refused.then(({ status }) => status)]);
    if (first !== 101) throw first;
    return socket;
  };
  const ways = {
    polling: () => outcome(async () => {
      const sid = await handshake();
      await join(sid);
      await post(sid, "1");
    }),
    upgrade: () => outcome(async () => {
      const sid = await handshake();
      await join(sid);
      const socket = await opened(ws + sid);
      socket.send("2probe");
      while ((await socket.next()) !== "3probe");
      socket.send("5");
      socket.send("41");
      socket.close();
    }),
    websocket: () => outcome(async () => {
      const socket = await opened(ws);
      await socket.next();
      socket.send("40");
      while (!String(await socket.next()).startsWith("40{"));
      socket.close();
    }),
  };
  const met = {};
  for (const way of only) met[way] = await ways[way]();
  return met;
}
