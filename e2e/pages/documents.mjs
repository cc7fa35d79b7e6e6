// The documents as pages: reached from everywhere, searched without a server, read on any window, printed.
import { test } from "node:test";
import assert from "node:assert/strict";
import { whole } from "../lib/patience.mjs";
import { leave, says, visit } from "./visit.mjs";

export default function (world) {
  test("every document reads in a narrow window, light and dark, without a barrier", async () => {
    const res = await fetch(world.program.url + "docs/");
    const urls = [...new Set([...(await res.text()).matchAll(/<li><a href="\/(docs\/[^"#]*)"/g)].map(([, url]) => url))];
    assert.ok(urls.length > 15, urls.join(" "));
    const page = await visit(world, "docs/", { viewport: { width: 320, height: 700 }, colorScheme: "dark" });
    // Every other one in make test.
    for (const url of urls.filter((_, i) => whole || i % 2 === 0)) {
      await page.goto(world.program.url + url);
      await page.locator(".top nav").waitFor();
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${url} is wider than its window`);
      assert.equal(await page.locator("h1").count(), 1, url);
    }
    await leave(page);
    for (const [path, lang] of [["docs/", "en-US"], ["docs/zh/", "zh-CN"], ["docs/guide/rooms/", "en-US"], ["docs/threats/", "zh-CN"], ["docs/readme/", "en-US"]]) {
      await leave(await visit(world, path, { lang, colorScheme: lang === "zh-CN" ? "dark" : "light" }));
    }
  });

  test("search finds a heading, with keys alone, and says when there is nothing", async () => {
    const page = await visit(world, "docs/");
    await page.locator(".top nav").waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("nginx");
    await says(page, "#found a", "nginx");
    await page.keyboard.press("Enter");
    await page.waitForURL(/proxies/);
    await page.fill("#q", "xyzzy plugh");
    await says(page, "#found", "Nothing about");
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("#found > *").count(), 0);
    await page.fill("#q", "<b>");
    await page.locator("#found > *").first().waitFor();
    assert.equal(await page.locator("#found b").count(), 0);
    await leave(page);
    const chinese = await visit(world, "docs/zh/?q=" + encodeURIComponent("文档"), { lang: "zh-CN" });
    await says(chinese, "#found mark", "文档");
    await leave(chinese);
  });

  test("a document in two languages leads to its other one, and the switch does", async () => {
    const page = await visit(world, "docs/", { lang: "zh-CN" });
    await says(page, ".doc-other", "本页有中文版");
    await page.click(".doc-other a");
    await says(page, "h1", "文档");
    await page.getByRole("button", { name: "Switch to English" }).click();
    await says(page, "h1", "Documentation");
    assert.equal(await page.locator(".doc-other").count(), 0);
    await leave(page);
  });

  test("it reads without scripts, prints without the frame, and answers old addresses", async () => {
    const plain = await visit(world, "docs/guide/rooms/", { javaScriptEnabled: false });
    await says(plain, "h1", "Rooms");
    assert.equal(await plain.locator('.docs-menu a[aria-current="page"]').count(), 1);
    await plain.context().close();
    const page = await visit(world, "docs/guide/rooms.md"); // as GitHub has it
    assert.match(page.url(), /\/docs\/guide\/rooms\/$/);
    await page.locator(".top nav").waitFor();
    await page.emulateMedia({ media: "print" });
    for (const hidden of [".top", ".docs-side", ".foot"]) assert.ok(await page.locator(hidden).isHidden(), hidden);
    assert.ok(await page.locator(".doc pre").first().isVisible());
    await page.context().close();
    const none = await fetch(world.program.url + "docs/nothing/", { headers: { accept: "text/html" } });
    assert.equal(none.status, 404);
    assert.match(await none.text(), /<title>Nothing here/);
  });
}
