// Brokers of the test's own: on a free loopback port, in a folder that goes with them.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { limited, until } from "./clients.mjs";

/** A loopback port that nobody has at the moment. */
export async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  return port;
}

const natsd = fileURLToPath(new URL("../../bin/natsd", import.meta.url));

/**
 * Starts redis-server, on a port that it may be given back after it was killed.
 * @returns {Promise<{port: number, address: string, pause: () => Promise<void>, resume: () => void, stop: () => Promise<void>}>}
 */
export const startRedis = (port) =>
  start(port, "redis-server", (p, folder) => ["--port", p, "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no"]);

/** Likewise a NATS server. */
export const startNATS = (port) => start(port, natsd, (p) => [p]);

// PostgreSQL refuses to run as root; Debian keeps it off the path.
const postgresAs = process.getuid?.() === 0 ? Object.fromEntries(["u", "g"].map((of) => [`${of}id`, Number(execFileSync("id", [`-${of}`, "postgres"]))])) : {};
const postgres = (name) => {
  const folders = existsSync("/usr/lib/postgresql") ? readdirSync("/usr/lib/postgresql").sort((a, b) => b - a) : [];
  return folders.map((version) => `/usr/lib/postgresql/${version}/bin/${name}`).find(existsSync) ?? name;
};
let template; // a database that nobody has used, once made

/** A folder that PostgreSQL may write to. */
function postgresFolder(name) {
  const folder = mkdtempSync(join(tmpdir(), name));
  if (postgresAs.uid) chownSync(folder, postgresAs.uid, postgresAs.gid);
  return folder;
}

/** Likewise PostgreSQL, with a user "tester" and the database "postgres". */
export async function startPostgres(port) {
  if (!template) {
    template = postgresFolder("sockeye-template-");
    process.once("exit", () => rmSync(template, { recursive: true, force: true }));
    execFileSync(postgres("initdb"), ["-D", `${template}/data`, "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"], { cwd: template, stdio: "ignore", ...postgresAs });
  }
  const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "shared_buffers=8MB", "autovacuum=off", "jit=off"];
  const broker = await start(port, postgres("postgres"), (p, folder) => {
    execFileSync("cp", ["-a", `${template}/data`, folder]);
    return ["-D", `${folder}/data`, "-p", p, ...settings.flatMap((s) => ["-c", s])];
  }, { ...postgresAs, folder: postgresFolder("sockeye-broker-"), output: "stderr", children: true });
  return { ...broker, address: `tester@${broker.address}/postgres?sslmode=disable` };
}

/** Starts a program; children: it is several processes, which end with it. */
async function start(port, program, args, { folder, output = "stdout", children = false, ...as } = {}) {
  port ??= await freePort();
  folder ??= mkdtempSync(join(tmpdir(), "sockeye-broker-"));
  const stdio = output === "stdout" ? ["ignore", "pipe", "inherit"] : ["ignore", "ignore", "pipe"];
  const child = spawn(program, args(port, folder).map(String), { stdio, cwd: folder, ...as });
  const exited = once(child, children ? "close" : "exit").finally(() => rmSync(folder, { recursive: true, force: true }));
  await limited(program, (resolve, reject) => {
    child[output].setEncoding("utf8").on("data", (text) => { if (/ready to accept connections/i.test(text)) resolve(); });
    exited.then(([code]) => reject(new Error(`${program} ended with ${code}`)), reject);
  });
  const all = () => [child.pid, ...(children ? readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").split(" ").filter(Boolean).map(Number) : [])];
  const signal = (name) => { for (const pid of all()) process.kill(pid, name); };
  return {
    port, address: `127.0.0.1:${port}`,
    /** Stops it from doing anything, and lets it go on. */
    async pause() {
      signal("SIGSTOP");
      await until("it has stopped", () => /^State:\s+T/m.test(readFileSync(`/proc/${child.pid}/status`, "utf8")));
    },
    resume() { if (child.exitCode === null && child.signalCode === null) signal("SIGCONT"); },
    async stop() { child.kill("SIGKILL"); await exited; },
  };
}
