// Brokers of the test's own: on a free loopback port, in a folder that goes with them.
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createClient, ErrorReply } from "redis";
import { limited, until } from "./clients.mjs";

const run = promisify(execFile);

/**
 * A loopback port that nobody has, and that the system gives to no connection: a broker may come back to it. Nobody else is given
 * it as long as this process lives, which holds the port of UDP with the same number for that (internal/freeport does too).
 */
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const held = createSocket("udp4"), probe = createServer();
    try {
      await Promise.all([once(held, "listening"), held.bind({ port, address: "127.0.0.1", exclusive: true })]);
      held.unref();
      await Promise.all([once(probe, "listening"), probe.listen(port, "127.0.0.1")]);
    } catch {
      held.close();
      continue; // somebody has it
    }
    probe.close();
    await once(probe, "close");
    return port;
  }
}

/**
 * Starts a Redis Cluster of three masters, and replicas of the first of them. Each is a broker as of startRedis.
 * @returns {Promise<{address: string, masters: object[], replicas: object[], stop: () => Promise<void>}>}
 */
export async function startCluster(replicas = 0) {
  const all = await Promise.all(Array.from({ length: 3 + replicas }, async () => {
    const bus = await freePort();
    const one = await start(undefined, "redis-server", (p, folder) => ["--port", p, "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no",
      "--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", 1000, "--repl-diskless-sync-delay", 0]);
    return { ...one, bus };
  }));
  const masters = all.slice(0, 3);
  const clients = await Promise.all(all.map((one) => createClient({ url: `redis://${one.address}` }).connect()));
  const say = (i, ...words) => clients[i].sendCommand(words.map(String));
  try {
    for (const i of all.keys()) await say(i, "CLUSTER", "SET-CONFIG-EPOCH", i + 1);
    for (const i of masters.keys()) await say(i, "CLUSTER", "ADDSLOTSRANGE", Math.floor(i * 16384 / 3), Math.floor((i + 1) * 16384 / 3) - 1);
    for (const one of all.slice(1)) await say(0, "CLUSTER", "MEET", "127.0.0.1", one.port, one.bus);
    const every = (what, test) => until(what, async () => (await Promise.all([...all.keys()].map(test))).every(Boolean));
    await every("all know all", async (i) => (await say(i, "CLUSTER", "INFO")).includes(`cluster_known_nodes:${all.length}\r`));
    for (const i of all.keys()) if (i >= 3) await say(i, "CLUSTER", "REPLICATE", await say(i - 3, "CLUSTER", "MYID"));
    await every("the Cluster is well", async (i) => (await say(i, "CLUSTER", "INFO")).includes("cluster_state:ok") &&
      (await say(i, "CLUSTER", "NODES")).match(/slave/g)?.length === (replicas || undefined) &&
      (i < 3 || (await say(i, "INFO", "replication")).includes("master_link_status:up")));
  } finally {
    await Promise.all(clients.map((c) => c.disconnect()));
  }
  return { address: masters.map((one) => one.address).join(), masters, replicas: all.slice(3), stop: () => Promise.all(all.map((one) => one.stop())) };
}

/**
 * Starts a Redis master with a replica, and three Sentinels that watch them.
 * @returns {Promise<{address: string, master: object, replica: object, stop: () => Promise<void>}>} the address is the Sentinels'
 */
export async function startSentinels() {
  const master = await startRedis();
  const plain = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", 0];
  const replica = await start(undefined, "redis-server", (p, folder) => ["--port", p, "--dir", folder, ...plain, "--replicaof", "127.0.0.1", master.port]);
  await asked(replica, "the replica follows", async (say) => (await say("INFO", "replication")).includes("master_link_status:up"));
  const sentinels = await Promise.all([1, 2, 3].map(() => start(undefined, "redis-server", (p, folder) => {
    const file = join(folder, "sentinel.conf");
    writeFileSync(file, `port ${p}\nbind 127.0.0.1\ndir ${folder}\nsentinel monitor mymaster 127.0.0.1 ${master.port} 2\n` +
      "sentinel down-after-milliseconds mymaster 500\nsentinel failover-timeout mymaster 3000\n");
    return [file, "--sentinel"];
  }, { ready: /\+monitor master/ })));
  for (const one of sentinels) {
    await asked(one, "the Sentinels know one another and the replica", async (say) => {
      const list = await say("SENTINEL", "MASTER", "mymaster");
      const is = (name) => list[list.indexOf(name) + 1];
      return is("num-other-sentinels") === "2" && is("num-slaves") === "1";
    });
  }
  const all = [...sentinels, replica, master];
  return { address: sentinels.map((one) => one.address).join(), master, replica, stop: () => Promise.all(all.map((one) => one.stop())) };
}

/** Asks a broker of Redis until the test holds. say sends a command. Who is cut off amid it, as Sentinels do to all when a replica takes over, asks again. */
export async function asked(broker, what, test) {
  const client = createClient({ url: `redis://${broker.address}`, socket: { reconnectStrategy: 50 } }).on("error", () => {});
  await client.connect();
  try {
    let answer;
    await until(what, async () => (answer = await test((...words) => client.sendCommand(words.map(String))).catch((err) => {
      if (err instanceof ErrorReply) throw err;
    })));
    return answer;
  } finally {
    await client.disconnect();
  }
}

const natsd = fileURLToPath(new URL("../../bin/natsd", import.meta.url));

/**
 * Starts redis-server, on a port that it may be given back after it was killed. lasting: it stores what it has, to be started again with its folder.
 * @returns {Promise<{port: number, address: string, folder: string, pause: () => Promise<void>, resume: () => void, stop: () => Promise<void>}>}
 */
export const startRedis = (port, { lasting = false } = {}) =>
  start(port, "redis-server", (p, folder) => ["--port", p, "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", lasting ? "yes" : "no"],
    { folder: lasting === true ? undefined : lasting || undefined, lasting });

/** Likewise a NATS server. */
export const startNATS = (port) => start(port, natsd, (p) => [p]);

/** Likewise a NATS server with JetStream. */
export const startJetStream = (port) => start(port, natsd, (p, folder) => [p, folder]);

// PostgreSQL refuses to run as root; Debian keeps it off the path.
let postgresAs = {};
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
    if (process.getuid?.() === 0) postgresAs = Object.fromEntries(["u", "g"].map((of) => [`${of}id`, Number(execFileSync("id", [`-${of}`, "postgres"]))]));
    const folder = postgresFolder("sockeye-template-");
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    // Beside what else this process does: its clients would be taken for gone meanwhile.
    template = run(postgres("initdb"), ["-D", `${folder}/data`, "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"], { cwd: folder, ...postgresAs }).then(() => folder);
  }
  const folder = postgresFolder("sockeye-broker-");
  await run("cp", ["-a", `${await template}/data`, folder], postgresAs);
  const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "shared_buffers=8MB", "autovacuum=off", "jit=off"];
  const args = (p) => ["-D", `${folder}/data`, "-p", p, ...settings.flatMap((s) => ["-c", s])];
  const broker = await start(port, postgres("postgres"), args, { ...postgresAs, folder, output: "stderr", children: true });
  return { ...broker, address: `tester@${broker.address}/postgres?sslmode=disable` };
}

/** Starts a program; children: it is several processes, which end with it. */
async function start(port, program, args, { folder, output = "stdout", ready = /ready to accept connections/i, children = false, lasting = false, ...as } = {}) {
  port ??= await freePort();
  folder ??= mkdtempSync(join(tmpdir(), "sockeye-broker-"));
  const clear = () => rmSync(folder, { recursive: true, force: true });
  const stdio = output === "stdout" ? ["ignore", "pipe", "inherit"] : ["ignore", "ignore", "pipe"];
  const child = spawn(program, args(port, folder).map(String), { stdio, cwd: folder, ...as });
  const exited = once(child, children ? "close" : "exit").finally(() => { if (!lasting) clear(); });
  if (lasting) process.once("exit", clear);
  await limited(program, (resolve, reject) => {
    child[output].setEncoding("utf8").on("data", (text) => { if (ready.test(text)) resolve(); });
    exited.then(([code]) => reject(new Error(`${program} ended with ${code}`)), reject);
  });
  const all = () => [child.pid, ...(children ? readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").split(" ").filter(Boolean).map(Number) : [])];
  const signal = (name) => { for (const pid of all()) process.kill(pid, name); };
  return {
    port, address: `127.0.0.1:${port}`, folder,
    /** Stops it from doing anything, and lets it go on. */
    async pause() {
      signal("SIGSTOP");
      await until("it has stopped", () => /^State:\s+T/m.test(readFileSync(`/proc/${child.pid}/status`, "utf8")));
    },
    resume() { if (child.exitCode === null && child.signalCode === null) signal("SIGCONT"); },
    async stop() { child.kill("SIGKILL"); await exited; },
  };
}
