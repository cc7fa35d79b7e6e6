// What all pages share, and the two that have nothing else: home and welcome.
import { test } from "node:test";
import assert from "node:assert/strict";
import { connected, leave, says, until, visit } from "./visit.mjs";

export default function (world) {
  test("home: live counters, a fish that others see, every source one click away", async () => {
    const ann = await visit(world, ""), ben = await visit(world, "", { lang: "zh-CN", colorScheme: "dark", viewport: { width: 390, height: 800 } });
    await until(ann, () => Number(document.querySelector("#clients").textContent) >= 2);
    await ann.click("#leap");
    await says(ben, "#frame", /"fish"|"pulse"/);
    assert.equal(await ann.locator("#gallery li").count(), 13);
    const links = await ann.locator("#gallery .src a").evaluateAll((all) => all.map((a) => a.href));
    for (const href of links) {
      const res = await fetch(href);
      assert.equal(res.status, 200, href);
      assert.match(res.headers.get("content-type"), /^text\/(plain|javascript)/, href);
    }
    await ann.locator("#gallery .src a", { hasText: "chat.go" }).click();
    await says(ann, "dialog pre", "package namespaces");
    await leave(ann);
    await says(ben, "h1", "说一次");
    await leave(ben);
  });

  test("home is short on a phone", async () => {
    // It was 6,020 px, and is at most half of that with a way in for those who want to build.
    for (const lang of ["en-US", "zh-CN"]) {
      const page = await visit(world, "", { lang, viewport: { width: 390, height: 844 } });
      await page.locator("#gallery li").nth(12).waitFor();
      const long = await page.evaluate(() => document.documentElement.scrollHeight);
      assert.ok(long <= 3010, `${long} px long on a phone, ${lang}`);
      for (const way of [/\/chat\/$/, /\/docs\/(zh\/)?tutorial\/$/]) assert.match(await page.locator(".hero a").evaluateAll((all) => all.map((a) => a.href).join("\n")), new RegExp(way.source, "m"));
      await leave(page);
    }
  });

  test("language and theme are followed, switched and remembered", async () => {
    const page = await visit(world, "echo/", { lang: "zh-CN", colorScheme: "dark" });
    await says(page, "h1", "回声");
    await page.getByRole("button", { name: "Switch to English" }).click();
    await says(page, "h1", "Echo");
    const ground = async () => {
      await until(page, () => !document.getAnimations().some((a) => a instanceof CSSTransition)); // the colour is that at the end
      return page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    };
    const dark = await ground();
    await page.getByRole("button", { name: "Switch between dark and light" }).click();
    const light = await ground();
    assert.notEqual(dark, light);
    await page.reload();
    await says(page, "h1", "Echo");
    assert.equal(await ground(), light);
    await page.keyboard.press("Tab"); // the first stop of a keyboard is the way past the bar
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("href")), "#main");
    await page.getByRole("link", { name: "Server source" }).click();
    await says(page, "dialog h2", "echo.go");
    await page.keyboard.press("Escape");
    await page.locator("dialog").waitFor({ state: "detached" });
    await leave(page);
  });

  test("welcome: the smallest, in both languages", async () => {
    for (const lang of ["en-US", "zh-CN"]) {
      const page = await visit(world, "welcome/", { lang });
      await says(page, "#message", "web Socket Works");
      await connected(page);
      await leave(page);
    }
  });
}
