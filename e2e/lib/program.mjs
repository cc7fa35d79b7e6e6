// Starts the program itself, as `make run` does, and a browser to look at it with.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { limited } from "./clients.mjs";

const binary = fileURLToPath(new URL("../../bin/program", import.meta.url));

/**
 * Runs the program with these arguments until it says that it is ready, or ends.
 * @returns {Promise<{url: string, port: string, code: number|undefined, log: () => string, says: (...texts: string[]) => Promise<void>, stop: () => Promise<{code: number, ms: number}>}>}
 */
export async function startProgram(...args) {
  const child = spawn(binary, ["--host", "127.0.0.1", ...args], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, PORT: "0", GORACE: "halt_on_error=1" } });
  let log = "";
  const exited = once(child, "exit").then(([code, signal]) => code ?? signal); // rejects if it cannot be started
  child.stderr.setEncoding("utf8").on("data", (text) => { log += text; });
  const url = await new Promise((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text) => {
      log += text;
      const ready = /open (https?:\/\/\S+)/.exec(log);
      if (ready) resolve(ready[1]);
    });
    exited.then(() => resolve(undefined), reject);
  });
  return {
    url, port: url && new URL(url).port, log: () => log,
    code: url ? undefined : await exited,
    /** Waits until its log has all of these texts. */
    says: (...texts) => limited(`the log to say ${texts}`, (resolve) => {
      const look = () => { if (texts.every((text) => log.includes(text))) resolve(); };
      child.stderr.on("data", look);
      look();
    }, () => log),
    /** Ends it as a crash does. */
    kill: () => { child.kill("SIGKILL"); return exited; },
    async stop() {
      const asked = performance.now();
      child.kill("SIGTERM");
      const code = await exited;
      return { code, ms: performance.now() - asked };
    },
  };
}

// Chromium heeds one list, the last: this begins with what Playwright turns off. The two at the end are parts of its address bar, pages of their own
// that each window of each visitor would render, and that cost more than ours do.
const off = ["AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter",
  "PaintHolding", "ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled",
  "PreconnectToSearch", "WebUIOmniboxPopup", "WebUIOmniboxAimPopup"];

/** Starts Chromium, without these features as well. */
export const startBrowser = (...without) => chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    `--disable-features=${[...off, ...without]}`],
});

/** Opens a page and gathers what it complains about: exceptions, console errors, a broken Content-Security-Policy. */
export async function open(browser, url) {
  const page = await browser.newPage();
  const complaints = [];
  page.on("pageerror", (err) => complaints.push(err.message));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  const response = await page.goto(url, { waitUntil: "load" });
  return { page, complaints, response };
}
