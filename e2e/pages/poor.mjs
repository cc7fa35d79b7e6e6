// Pages where something is missing: the browser client that was not built in, and a browser that lets no page keep anything.
import { test } from "node:test";
import assert from "node:assert/strict";
import { connected, leave, says, visit } from "./visit.mjs";

export default function (world) {
  test("without the browser client each page says what is missing and what to do", async () => {
    const page = await visit(world, "chat/");
    await page.route(/\/socket\.io\/socket\.io\.|\/playground\/client\/4\.js/, (route) => route.fulfill({ status: 404, contentType: "text/plain", body: "socket.io.js is not built into this server.\nrun make client" }));
    for (const path of ["", "chat/", "playground/"]) {
      await page.goto(world.program.url + path);
      if (path === "playground/") await page.getByRole("button", { name: "Connect", exact: true }).click();
      await page.getByText("run make client").waitFor();
    }
    await leave(page, { expected: [/status of 404/] });
  });

  test("where storage is forbidden the pages work, and theme and language change", async () => {
    const page = await visit(world, "404");
    await page.addInitScript(() => {
      for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(globalThis, name, { get() { throw new DOMException("denied", "SecurityError"); } });
    });
    await page.goto(world.program.url + "chat/#nothing kept");
    await connected(page);
    await page.fill("#text", "heard");
    await page.keyboard.press("Enter");
    await says(page, "#lines .text", "heard");
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
    await page.click('button[aria-label^="Switch between"]');
    assert.equal(await theme(), "dark");
    await page.click('button[lang="zh-CN"]');
    await says(page, "h1", "聊天");
    assert.equal(new URL(page.url()).hash, "#nothing%20kept");
    await page.click('button[lang="en"]');
    await says(page, "h1", "Chat");
    await page.goto(world.program.url + "playground/");
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await connected(page);
    await leave(page, { expected: [/404/] });
  });
}
