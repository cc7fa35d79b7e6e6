// The playground, as somebody tries out a server with it: ours, Node's, and what is none.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { startBrowser, startProgram } from "../lib/program.mjs";
import { lastPoll, leave, says, until, visit } from "./visit.mjs";

describe("playground", { concurrency: 2 }, () => {
  const world = {};
  before(async () => { [world.program, world.browser] = await Promise.all([startProgram("--log", "error", "--allow-eio3"), startBrowser()]); });
  after(async () => {
    await world.browser.close();
    assert.equal((await world.program.stop()).code, 0, world.program.log());
  });

  test("connect, emit, ack, binary, the wire, a share link", async () => {
    const page = await visit(world, "playground/", { permissions: ["clipboard-read", "clipboard-write"] });
    await page.click("#connect");
    await says(page, "#timeline li.down", "hello");
    const cut = () => page.locator("#args textarea").evaluate((area) => area.scrollHeight - area.clientHeight);
    assert.ok(await cut() <= 0, "the argument it begins with is cut off");
    await page.locator("#args textarea").fill('{\n"a": 1,\n"b": 2,\n"c": 3\n}');
    assert.ok(await cut() <= 0, "what was written is cut off");
    await page.locator("#args textarea").fill('{"你好": [1, null]}');
    await page.click("#more");
    await page.locator("#args select").nth(1).selectOption("file");
    await page.locator("#args input[type=file]").nth(1).setInputFiles({ name: "x", mimeType: "", buffer: Buffer.from([1, 2, 3]) });
    await page.click("#send");
    await says(page, "#timeline li.down", /echo ← ack · \d+ ms {"你好":\[1,null\]}\s+<3 bytes>/);

    await page.locator("#frames button:has(.count)").first().click();
    await says(page, "#anatomy dd", "Socket.IO BINARY_EVENT");
    await says(page, "#anatomy dd", "how many binary attachments follow");
    await says(page, "#anatomy dd", "an ack is wanted");
    await says(page, "#anatomy pre", /^0000 {2}34 35 31 2d 2f 70/);

    await page.click("#as-link");
    await says(page, "#copied", "Link copied");
    const link = await page.evaluate(() => navigator.clipboard.readText());
    await page.fill("#search", "你好");
    await until(page, () => [...document.querySelectorAll("#timeline li:not([hidden])")].every((li) => li.textContent.includes("你好")));
    await page.fill("#search", "");
    await page.fill("#only", "nothing");
    await until(page, () => document.querySelectorAll("#timeline li.down:not([hidden])").length === 0);
    const download = page.waitForEvent("download");
    await page.click("#export");
    assert.equal((await download).suggestedFilename(), "timeline.json");

    const other = await visit(world, link.slice(link.indexOf("playground/")));
    assert.equal(await other.locator("#args textarea").first().inputValue(), '{"你好":[1,null]}');
    await leave(other);
    await leave(page);
  });

  test("the server's namespaces, and what is none", async () => {
    const page = await visit(world, "playground/");
    await page.locator("#known option").first().waitFor({ state: "attached" });
    const names = await page.locator("#known option").evaluateAll((all) => all.map(({ value }) => value));
    assert.ok(names.includes("/") && names.includes("/acks-careful") && !names.includes("/welcome"), names.join(" "));
    const asked = new Set();
    page.on("request", (it) => asked.add(new URL(it.url()).host));
    page.on("websocket", (it) => asked.add(new URL(it.url()).host));
    const join = async (text, joined) => {
      await page.click("#clear");
      await page.fill("#namespace", text);
      await page.click("#connect");
      if (joined) {
        await says(page, "#timeline li.info", "connect");
        assert.equal(await page.inputValue("#namespace"), joined);
      }
    };
    for (const name of names) await join(name, name);
    for (const [text, joined] of [["chat", "/chat"], ["//chat", "/chat"], [" echo ", "/echo"], ["", "/"], [new URL("chat", world.program.url).href, "/chat"]]) {
      await join(text, joined);
      await says(page, "#namespace-problem", "taken as " + joined);
    }
    for (const [text, why] of [["http://other.example/chat", "address of a server"], ["other.example", "address of a server"], ["//other.example/chat", "address of a server"], ["localhost:1/chat", "address of a server"], ["[::1]:1", "address of a server"], ["/chat /echo", "One namespace"], ["/chat,/echo", "One namespace"], ["/chat?a=1", "query below"]]) {
      await join(text);
      await says(page, "#namespace-problem", why);
      assert.equal(await page.getAttribute("#namespace", "aria-invalid"), "true");
    }
    await join("chta");
    await says(page, "#cause", "Did you mean /chat?");
    assert.deepEqual([...asked], [new URL(world.program.url).host]);
    await leave(page, { expected: [lastPoll] });
  });

  test("garbage is marked where it breaks, a refusal and a silence are shown", async () => {
    const page = await visit(world, "playground/", { viewport: { width: 390, height: 800 }, colorScheme: "dark" });
    for (const [text, where] of [['{"a": tru}', "line 1, column 7"], ["[1,\n2,, 3]", "line 2, column 3"], ['{"a" 1}', "expected a colon"], ['"x', "expected a closing quote"], ["1 2", "expected the end"], ["", "expected a value"], ['{"a":1,}', "double quotes"], ["[01]", "column 2"]]) {
      await page.locator("#auth").evaluate((area) => area.closest("details").setAttribute("open", ""));
      await page.fill("#auth", text);
      await page.click("#connect");
      await says(page, "#auth-problem", where);
      assert.equal(await page.locator("#auth").getAttribute("aria-invalid"), "true");
    }
    await page.fill("#auth", '{"refuse": true}');
    await page.click("#connect");
    await says(page, "#timeline li.info", "you asked to be refused");
    await says(page, "#state", "Refused");
    await page.fill("#auth", "{}");
    await page.click("#connect");
    await says(page, "#timeline li.down", "hello");
    await page.fill("#event", "silence");
    await page.fill("#timeout", "300");
    await page.click("#send");
    await says(page, "#timeline li.info", "no ack within 300 ms");
    await page.fill("#namespace", "/nowhere");
    await page.click("#connect");
    await says(page, "#timeline li.info", "Invalid namespace");
    await says(page, "#cause", "It has: ");
    await leave(page, { expected: [lastPoll] });
  });

  test("two connections side by side, with the client of today and the old one", async () => {
    const page = await visit(world, "playground/");
    await page.click("#connect");
    await says(page, "#timeline li.down", "hello");
    await page.click("#another");
    await page.selectOption("#version", "2.5");
    await page.click("#connect");
    await until(page, () => document.querySelectorAll('.slot[data-state="on"]').length === 2);
    assert.deepEqual(await page.locator(".slot bdi").allInnerTexts(), ["/playground · 4.8", "/playground · 2.5"]);
    await page.click("#send");
    await says(page, "#timeline li.down:has(.nr:text-is('2'))", /echo ← ack/);
    await page.click(".slot:has-text('4.8')");
    assert.equal(await page.inputValue("#version"), "4.8");
    await page.click("#send");
    await says(page, "#timeline li.down:has(.nr:text-is('1'))", /echo ← ack/);
    await page.check("#mine");
    await until(page, () => [...document.querySelectorAll("#timeline li:not([hidden]) .nr")].every((it) => it.textContent === "1"));
    await page.getByRole("button", { name: "Close connection 2" }).click();
    await until(page, () => document.querySelectorAll(".slot").length === 1);
    await page.click("#send");
    await leave(page, { expected: [lastPoll] });
  });
});
