// What operators are given: the unit, the image's recipe, the manifests; and an update of two nodes under load.
import { test } from "node:test";
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { io } from "client-4.8";
import { freePort } from "../lib/brokers.mjs";
import { until } from "../lib/clients.mjs";
import { stretch } from "../lib/patience.mjs";

const run = promisify(execFile);
const binary = fileURLToPath(new URL("../../bin/program", import.meta.url));
const read = (name) => readFile(new URL("../../" + name, import.meta.url), "utf8");

/** What the program itself says of options, without starting. */
const config = (...args) => run(binary, ["config", ...args], { env: { ...process.env, PORT: "" } });

test("the systemd unit is one, and its options are ours", async (t) => {
  const unit = await read("deploy/sockeye.service");
  const folder = await mkdtemp(join(tmpdir(), "unit-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "sockeye.service");
  await writeFile(file, unit.replaceAll("/usr/local/bin/sockeye", binary));
  const { stdout, stderr } = await run("systemd-analyze", ["verify", "--man=no", file], { env: { ...process.env, SYSTEMD_LOG_LEVEL: "warning" } });
  assert.doesNotMatch(stdout + stderr, /sockeye\.service/);
  const [, args] = /^ExecStart=\S+ (.*)$/m.exec(unit);
  const settings = join(folder, "sockeye.toml");
  await writeFile(settings, "port = 3000\n");
  const { stdout: shown } = await config(...args.replace("/etc/sockeye/sockeye.toml", settings).split(" "));
  const seconds = (name) => Number(new RegExp(`${name}[ =]"?(\\d+)s`).exec(unit)[1]);
  assert.ok(shown.includes('grace = "20s"') && seconds("TimeoutStopSec") > seconds("--grace"));
  for (const line of ["DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="]) assert.ok(unit.includes("\n" + line + "\n"), line);
});

test("the image has no root and no shell, and starts what there is", async () => {
  const text = await read("Dockerfile");
  const last = text.slice(text.lastIndexOf("\nFROM "));
  assert.match(last, /^\nFROM scratch\n/);
  assert.match(last, /\nUSER [1-9]\d*:[1-9]\d*\n/);
  assert.match(text, /CGO_ENABLED=0 go build/);
  for (const [, name] of text.matchAll(/-X main\.(\w+)=/g)) assert.match(await read("version.go"), new RegExp(`var .*\\b${name}\\b`));
  for (const [, list] of text.matchAll(/^COPY (?!--from)(.*) \S+$/gm)) for (const name of list.split(" ")) if (name !== ".") await run("test", ["-e", fileURLToPath(new URL("../../" + name, import.meta.url))]);
  const ignored = (await read(".dockerignore")).split("\n");
  for (const needed of ["docs", "public", "namespaces", "server", "socketio", "README.md"]) assert.ok(!ignored.includes(needed), needed);
});

test("the manifests ask for what the program has", async () => {
  const text = await read("deploy/kubernetes.yaml");
  await config(...JSON.parse(/args: (\[.*\])/.exec(text)[1]));
  const server = await read("server/server.go");
  for (const [, path] of text.matchAll(/path: (\/\w+)/g)) assert.ok(server.includes(`"${path}"`), path);
  const number = (pattern) => Number(pattern.exec(text)[1]);
  assert.ok(number(/terminationGracePeriodSeconds: (\d+)/) > number(/sleep: \{seconds: (\d+)\}/) + number(/"--grace", "(\d+)s"/));
  for (const line of ["runAsNonRoot: true", "readOnlyRootFilesystem: true", "allowPrivilegeEscalation: false", "drop: [ALL]", "maxUnavailable: 0"]) assert.ok(text.includes(line), line);
});

test("two nodes are updated one after the other, and every question is answered", { timeout: stretch(150_000) }, async (t) => {
  const [web1, web2, mesh1, mesh2] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const nodes = [];
  async function start(i) {
    const [web, mesh] = [[web1, mesh1], [web2, mesh2]][i];
    const child = spawn(binary, ["--host", "127.0.0.1", "--port", String(web), "--cluster", `mesh://127.0.0.1:${mesh1},127.0.0.1:${mesh2}`, "--cluster-listen", `127.0.0.1:${mesh}`],
      { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, GORACE: "halt_on_error=1" } });
    let log = "";
    child.stderr.setEncoding("utf8").on("data", (chunk) => { log += chunk; });
    nodes[i] = { child, exited: once(child, "exit"), log: () => log };
    await until(`node ${i} to be ready`, () => fetch(`http://127.0.0.1:${web}/readyz`).then((res) => res.ok, () => false));
  }
  async function stop(i) {
    const { child, exited, log } = nodes[i];
    child.kill("SIGTERM");
    assert.deepEqual(await exited, [0, null], log());
  }
  await Promise.all([start(0), start(1)]);

  // The balancer: in turns, and the other one where nobody listens.
  let turn = 0;
  const balancer = createServer((client) => {
    const try1 = (ports) => {
      const upstream = connect(ports[0], "127.0.0.1");
      upstream.on("connect", () => { client.pipe(upstream).pipe(client); });
      upstream.on("error", () => (upstream.bytesRead || upstream.bytesWritten || ports.length === 1 ? client.destroy() : try1(ports.slice(1))));
      client.on("error", () => upstream.destroy());
      client.on("close", () => upstream.destroy());
      upstream.on("close", () => upstream.bytesRead && client.destroy());
    };
    try1(turn++ % 2 ? [web1, web2] : [web2, web1]);
  }).listen(0, "127.0.0.1");
  await once(balancer, "listening");

  const sockets = Array.from({ length: 40 }, () => io(`http://127.0.0.1:${balancer.address().port}/echo`, { transports: ["websocket"], forceNew: true, retries: 1000, ackTimeout: 2000, reconnectionDelay: 50, reconnectionDelayMax: 500 }));
  t.after(() => { for (const socket of sockets) socket.disconnect(); balancer.close(); });
  const drops = sockets.map((socket) => { const all = []; socket.on("disconnect", (reason) => all.push(reason)); return all; });
  await until("all to be connected", () => sockets.every((socket) => socket.connected));

  let asked = 0, answered = 0, ended = false;
  const load = Promise.all(sockets.map(async (socket, i) => {
    for (let n = 0; !ended; n++) {
      asked++;
      assert.equal(await socket.emitWithAck("echo", `${i}/${n}`), `${i}/${n}`);
      answered++;
      await new Promise((done) => setTimeout(done, 100));
    }
  }));
  for (const i of [0, 1]) {
    await stop(i);
    await until("all to be on the other node", () => sockets.every((socket) => socket.connected));
    await start(i);
  }
  ended = true;
  await load;
  assert.equal(answered, asked);
  assert.ok(asked > sockets.length * 5, `only ${asked} questions`);
  assert.ok(drops.flat().length >= sockets.length, "each was on a node that stopped");
  assert.ok(drops.flat().every((reason) => reason === "transport close"), [...new Set(drops.flat())].join());
  t.diagnostic(`${asked} questions, ${drops.flat().length} connections moved`);
  for (const socket of sockets) socket.disconnect();
  await Promise.all([stop(0), stop(1)]);
});
