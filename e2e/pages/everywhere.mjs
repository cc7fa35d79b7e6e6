// What holds on every page, also on those that come: widths, directions of writing, words for what fails.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { demos, extras } from "../../public/assets/demos.js";
import { whole } from "../lib/patience.mjs";
import { connected, lastPoll, leave, says, turned, until, visit } from "./visit.mjs";

const all = ["", ...[...demos, ...extras].map(({ id }) => id + "/")];
const languages = ["en-US", "zh-CN"];

export default function (world) {
  test("every page fits into 320 px, in both languages, with what it says when the server is gone", async () => {
    for (const [i, lang] of languages.entries()) {
      const page = await visit(world, "nowhere", { lang, viewport: { width: 320, height: 640 } });
      // Home in both, the others by turns; with WHOLE=1 all in both.
      for (const path of ["", ...all.filter((path, k) => whole || k % 2 === i), "nowhere"]) {
        await page.goto(world.program.url + path);
        await page.locator(".top nav").waitFor(); // the script has run
        assert.ok(await page.locator(`.top a[href="/docs/${lang === "zh-CN" ? "zh/" : ""}"]`).first().isVisible(), `${lang} /${path} does not lead to the documents`);
        const wide = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(await wide() <= 0, `${lang} /${path} is too wide by ${await wide()} px`);
        const state = page.locator("#state");
        if (await state.count()) {
          await state.evaluate((node, text) => { node.textContent = text; }, lang === "zh-CN" ? "已断开。服务器太久没有动静。再说一遍：服务器太久没有动静。" : "Disconnected. The server was silent for too long.");
          assert.ok(await wide() <= 0, `${lang} /${path} is too wide by ${await wide()} px once it says more`);
        }
      }
      await page.context().close();
    }
  });

  test("what is written from right to left stands apart from our words, on every page that shows it", async () => {
    const name = "مريم", text = "مرحبا 1";
    const shown = [];
    const page = await visit(world, "nowhere");
    await page.evaluate((it) => sessionStorage.setItem("sockeye.name", it), name);
    for (const path of all.filter((path) => path !== "doctor/")) {
      await page.goto(world.program.url + path);
      if (path === "playground/") {
        await page.click("#connect");
        await says(page, "#timeline li.down", "hello");
        await page.locator("#args select").first().selectOption("text");
      }
      if (path === "subprotocol/") await page.click("#form .primary");
      if (path === "binary/") {
        await connected(page);
        await page.click("#draw");
      }
      const fields = page.locator("main :is(input:not([type], [list]), textarea):enabled:visible:not([readonly]):not(#only)");
      if (await fields.count()) {
        if (await page.locator("#state").count()) await connected(page);
        for (const field of await fields.all()) {
          await field.fill(await field.evaluate((it) => it.id === "name") ? name : text);
          await field.press("Enter");
        }
        await page.evaluate(() => document.querySelector("main button#send:enabled")?.click());
      }
      if (await fields.count() || path === "binary/" || path === "cursors/") {
        await until(page, () => /[\u0600-\u06ff]/.test(document.querySelector("main").innerText)); // shown at all
        shown.push(path);
      }
      assert.deepEqual(await turned(page), [], `/${path}`);
    }
    for (const path of ["chat/", "cursors/", "binary/", "echo/", "subprotocol/", "origin/", "playground/"]) assert.ok(shown.includes(path), path);
    await page.goto(world.program.url + "welcome/"); // and the check sees what stands among other words
    for (const good of [false, true]) {
      await page.evaluate((good) => {
        const p = document.createElement("p"), it = document.createElement(good ? "bdi" : "span");
        it.textContent = "مريم";
        p.append(it, " came in");
        document.querySelector("main").replaceChildren(p);
      }, good);
      assert.equal((await turned(page)).length, good ? 0 : 1);
    }
    await page.context().close();
  });

  test("chat: those who come, go and type from right to left stand apart", async () => {
    const ann = await visit(world, "chat/#rtl"), ben = await visit(world, "chat/#rtl");
    await says(ann, "#count", "2");
    await ben.fill("#name", "מרים 2");
    await ben.click("#seat button");
    await says(ann, "#people bdi", "מרים 2");
    await ben.locator("#text").pressSequentially("ש");
    await says(ann, "#typing bdi", "מרים 2");
    assert.deepEqual(await turned(ann), []);
    await ben.fill("#text", "שלום 1");
    await ben.keyboard.press("Enter");
    await says(ann, "#lines .text", "שלום 1");
    await leave(ben);
    await says(ann, "#lines .news bdi", "מרים 2");
    await leave(ann);
  });

  test("what fails is told in a sentence, in the reader's language", async () => {
    const raw = ["operation has timed out", "socket has been disconnected", "xhr poll error", "xhr post error", "websocket error", "fetch read error", "timeout", "Invalid namespace", "io server disconnect",
      "io client disconnect", "transport close", "transport error", "ping timeout", "parse error", "forced close", "server error", "you asked to be refused", "not this time"];
    for (const lang of languages) {
      const elsewhere = await visit(world, "doctor/", { lang }); // which may ask other servers
      const said = await elsewhere.evaluate(async (raw) => {
        const { plainly } = await import("/assets/words.js");
        const browser = await fetch("http://127.0.0.1:1/", { mode: "no-cors" }).catch((err) => err);
        return [...raw.map((text) => plainly(new Error(text))), plainly(browser)];
      }, raw);
      for (const [i, sentence] of said.entries()) assert.match(sentence, lang === "zh-CN" ? /^[^a-z]+。$/ : /^[A-Z][^{}]+\.$/, raw[i]);
      await leave(elsewhere, { expected: [/ERR_/] });
      const page = await visit(world, "playground/", { lang });
      await page.fill("#namespace", "/nowhere");
      await page.click("#connect");
      await says(page, "#state", lang === "zh-CN" ? "被拒绝：服务器没有这个命名空间。" : "Refused: The server has no such namespace.");
      await says(page, "#cause", "/whiteboard");
      await leave(page, { expected: [lastPoll, /ERR_/] });
    }
    // What the client is made of knows no other words for an end or a failure to connect than those above.
    const source = await readFile(new URL("../node_modules/engine.io-client/build/esm/socket.js", import.meta.url), "utf8").catch(() => readFile(new URL("../node_modules/engine-client-6/build/esm/socket.js", import.meta.url), "utf8"));
    for (const [, reason] of source.matchAll(/_onClose\("([^"]+)"/g)) assert.ok(raw.includes(reason), reason);
  });

  test("home: no fish crosses the words, wide or narrow, in both languages", async () => {
    for (const lang of languages) for (const width of whole ? [1200, 390, 320] : lang === "zh-CN" ? [390] : [1200, 320]) {
      const page = await visit(world, "", { lang, viewport: { width, height: 800 } });
      await connected(page);
      const seen = await page.evaluate(async () => {
        const { River } = await import("/river.js");
        const words = document.querySelector(".hero-words"), canvas = document.createElement("canvas");
        document.querySelector("#river").replaceWith(canvas);
        const river = new River(canvas, words);
        const coloured = (x, y, w, h) => {
          const scale = canvas.width / canvas.clientWidth, { data } = river.ink.getImageData(x * scale, y * scale, Math.max(1, w * scale), Math.max(1, h * scale));
          let n = 0;
          for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 60) n++; // the lines of the water are fainter
          return n;
        };
        const box = words.getBoundingClientRect(), at = canvas.getBoundingClientRect(), bottom = box.bottom - at.top;
        let among = 0, below = 0;
        for (const kind of ["up", "down", "leap"]) for (let x = 0; x <= 1; x += .1) {
          river.fish = [];
          for (let i = 0; i < 25; i++) river.add(kind, x);
          river.draw(x * 7);
          among += coloured(box.left - at.left, 0, box.width, bottom);
          below += coloured(0, bottom, canvas.clientWidth, canvas.clientHeight - bottom);
        }
        return { among, below };
      });
      assert.equal(seen.among, 0, `${lang}, ${width} px`);
      assert.ok(seen.below > 1000, `${seen.below} pixels of fish below the words`);
      await page.context().close();
    }
  });

  test("home leads to the documentation", async () => {
    for (const lang of languages) {
      const page = await visit(world, "", { lang });
      await page.locator("#gallery li").first().waitFor();
      const links = await page.locator(".top a, main a[href^='/docs/'], .foot a").evaluateAll((all) => all.map((a) => a.href).filter((href) => href.includes("/docs/")));
      assert.ok(links.length >= 5, links.join(" "));
      for (const href of links) assert.equal((await fetch(href)).status, 200, href);
      assert.ok(links.some((href) => href.endsWith(lang === "zh-CN" ? "/docs/zh/readme/" : "/docs/readme/")), links.join(" "));
      await leave(page);
    }
  });
}
