// How the inspection's page bears a crowd of sockets; make crowd. Prints what Chromium measured while somebody looks, and what the server spent.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "./lib/brokers.mjs";
import { startBrowser } from "./lib/program.mjs";
import { leave, says, until, visit } from "./pages/visit.mjs";

const [sockets = 10_000, rate = 10_000, seconds = 20] = process.argv.slice(2).map(Number);
const program = (name) => fileURLToPath(new URL(`../bin/${name}`, import.meta.url));
const port = await freePort(), url = `http://localhost:${port}/`;
const server = spawn(program("benchserver"), { stdio: "inherit", env: { ...process.env, PORT: String(port), OPS: "1" } });
for (;;) if (await fetch(`${url}debug/ops`).then((res) => res.ok, () => new Promise((done) => setTimeout(done, 100)))) break;
const load = spawn(program("loadgen"), ["-port", String(port), "-pid", String(server.pid), "-scenario", "rooms", "-clients", String(sockets), "-rooms", String(sockets), "-rate", String(rate), "-duration", "10m", "-limit", "10m", "-connect-limit", "5m"], { stdio: "inherit" });
const browser = await startBrowser(), world = { program: { url }, browser };

const cpu = async () => (await readFile(`/proc/${server.pid}/stat`, "utf8")).split(") ")[1].split(" ").slice(11, 13).reduce((sum, ticks) => sum + ticks / 100, 0);
const rest = (s) => new Promise((done) => setTimeout(done, s * 1000));
async function spent() {
  const before = await cpu();
  await rest(seconds);
  return (100 * (await cpu() - before) / seconds).toFixed(1) + " % of a processor";
}

try {
  const first = await visit(world, "inspect/");
  await says(first, "#sockets-total", String(sockets));
  await until(first, (rate) => Number(document.querySelectorAll("#figures b")[1].textContent.replace(/\D/g, "")) > rate / 2, rate);
  for (const [name, options] of Object.entries({ wide: {}, narrow: { viewport: { width: 360, height: 740 } }, chinese: { lang: "zh-CN", colorScheme: "dark" } })) {
    const page = await visit(world, "inspect/", options);
    await says(page, "#sockets-total", String(sockets));
    await page.evaluate(() => {
      globalThis.seen = { blocked: [0], frames: [], rounds: [] };
      new PerformanceObserver((list) => list.getEntries().forEach((e) => globalThis.seen.blocked.push(e.duration))).observe({ type: "longtask" });
      new PerformanceObserver((list) => list.getEntries().filter((e) => e.name.includes("/api/")).forEach((e) => globalThis.seen.rounds.push(e.duration))).observe({ type: "resource" });
      let last = performance.now();
      requestAnimationFrame(function frame(now) {
        globalThis.seen.frames.push(now - last);
        last = now;
        requestAnimationFrame(frame);
      });
    });
    await page.click("#sockets-next");
    await page.fill("#socket-text", "A");
    const server = await spent();
    const { blocked, frames, rounds } = await page.evaluate(() => globalThis.seen);
    const at = (list, q) => Math.round(list.toSorted((a, b) => a - b)[Math.min(list.length - 1, Math.floor(q * list.length))]);
    console.log(`${name}: blocked for ${Math.round(Math.max(...blocked))} ms at most, ${blocked.length - 1} times over 50 ms; frames median ${at(frames, 0.5)} ms, 99 % ${at(frames, 0.99)} ms, longest ${at(frames, 1)} ms; an answer median ${at(rounds, 0.5)} ms, longest ${at(rounds, 1)} ms; ${await page.locator("body *").count()} elements; the server took ${server}`);
    await page.screenshot({ path: program(`crowd-${name}.png`), fullPage: true });
    await leave(page);
  }
  await first.context().close();
  await fetch(`${url}debug/ops`); // forgets who has looked
  console.log(`nobody looks: the server took ${await spent()}`);
} finally {
  await browser.close();
  load.kill();
  await once(load, "exit");
  server.kill();
}
