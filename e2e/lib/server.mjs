// Starts the conformance server that the suites drive: ours, or with E2E_SERVER=reference Node's.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Which server is under test: "sockeye" or "reference". */
export const underTest = process.env.E2E_SERVER ?? "sockeye";

/**
 * Starts a server with a profile on a free port, or on the given one: the one under test, or the one named ("newer": ours as a later version might be, see cluster/newer). env is added to the environment.
 * With network (of startNetwork) it runs there. told is what it tells of a cluster's history, as it comes.
 * @returns {Promise<{url: string, port: number, pid: number, log: () => string, told: object[], stop: () => Promise<number>, kill: () => Promise<void>}>}
 */
export async function startServer(profile, { port = 0, server = underTest, env = {}, network } = {}) {
  const command = server === "reference" ? [process.execPath, here("../reference/main.mjs")] : [here(server === "newer" ? "../../bin/newer" : "../../bin/fixture")];
  if (network) command.unshift(...network.exec);
  const child = spawn(command[0], command.slice(1), {
    env: { ...process.env, PORT: String(port), PROFILE: profile, GORACE: "halt_on_error=1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  const told = [];
  child.stderr.setEncoding("utf8").on("data", (text) => { log += text; });
  const exited = once(child, "exit");
  const taken = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("history ")) told.push(JSON.parse(line.slice(8)));
      const listening = /^listening on port (\d+)$/.exec(line);
      if (listening) resolve(Number(listening[1]));
    });
    child.once("error", reject);
    exited.then(([code, signal]) => reject(new Error(`server ended (${code ?? signal}) before it listened: ${log}`)));
  });
  let asked = null;
  const end = async (signal) => {
    if (asked !== null) return asked;
    const early = child.exitCode !== null || child.signalCode !== null;
    if (!early) child.kill(signal);
    const [code] = await exited;
    // A crash and the race detector's reports must fail the suite that provoked them.
    if (early || /WARNING: DATA RACE|^panic:|fatal error:/m.test(log)) throw new Error(`the server failed:\n${log}`);
    return (asked = code ?? signal);
  };
  return {
    url: `http://${network?.node ?? "127.0.0.1"}:${taken}`, port: taken, pid: child.pid, log: () => log, told,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
}
