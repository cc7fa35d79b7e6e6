// Builds the application in ./app and runs it.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const binaries = mkdtempSync(join(tmpdir(), "googollee-"));
process.on("exit", () => rmSync(binaries, { recursive: true, force: true }));

const go = (...args) => execFileSync("go", args, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
const built = {};

/**
 * Builds one of three programs of the same handlers, and returns where it is:
 * "original" is go-socket.io, "sockeye" our package in its place, and "replaced" the source of "original", built with a replace
 * directive.
 */
export function build(name) {
  if (built[name]) return built[name];
  const out = join(binaries, name);
  const app = "./e2e/googollee/app";
  if (name === "original") go("build", "-tags", "original", "-o", out, app);
  if (name === "sockeye") go("build", "-race", "-o", out, app);
  if (name === "replaced") {
    const mod = join(binaries, "replaced.mod");
    copyFileSync(join(root, "go.mod"), mod);
    if (existsSync(join(root, "go.sum"))) copyFileSync(join(root, "go.sum"), join(binaries, "replaced.sum"));
    else writeFileSync(join(binaries, "replaced.sum"), "");
    go("mod", "edit", `-replace=github.com/googollee/go-socket.io=${join(root, "compat/go-socket.io")}`, mod);
    go("build", "-race", "-mod=mod", `-modfile=${mod}`, "-tags", "original", "-o", out, app);
  }
  return (built[name] = out);
}

/** Starts a program; {url, port, log, alive, exited, stop}. */
export async function start(name) {
  const child = spawn(build(name), [], { env: { ...process.env, PORT: "0", GORACE: "halt_on_error=1" }, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text) => { log += text; });
  const exited = once(child, "exit");
  const port = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = /^listening on port (\d+)$/.exec(line);
      if (found) resolve(Number(found[1]));
    });
    exited.then(([code]) => reject(new Error(`${name} ended (${code}) before it listened: ${log}`)));
  });
  return {
    url: `http://127.0.0.1:${port}`, port, exited, log: () => log,
    alive: () => child.exitCode === null && child.signalCode === null,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await exited;
      if (/WARNING: DATA RACE/.test(log)) throw new Error(`${name}:\n${log}`);
    },
  };
}
