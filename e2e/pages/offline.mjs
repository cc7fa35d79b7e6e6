// What is made while the network is down: it stays on the page, the page says so, and it arrives once and in order when the network is
// back.
import { test } from "node:test";
import assert from "node:assert/strict";
import { connected, leave, says, until, visit } from "./visit.mjs";

const offlineNoise = [/ERR_INTERNET_DISCONNECTED/, /WebSocket connection to/, /status of 400 .*transport=polling/];

export default function (world) {
  test("whiteboard: strokes drawn offline stay, are undone, and arrive", async () => {
    const ann = await visit(world, "whiteboard/#off"), ben = await visit(world, "whiteboard/#off", { lang: "zh-CN" });
    await says(ann, "#people", "2 here");
    const stroke = async (...keys) => {
      await ann.locator("#board").focus();
      for (const key of ["Space", ...keys, "Space"]) await ann.keyboard.press(key);
    };
    await stroke("ArrowRight", "ArrowRight");
    await says(ben, "#count", "1 笔");
    await ann.getByRole("button", { name: "Cut the network" }).click();
    await says(ann, "#state", "lost");
    assert.ok(await ann.locator("#clear").isDisabled());
    for (const key of ["ArrowDown", "ArrowUp", "ArrowLeft"]) await stroke(key, key);
    await says(ann, "#count", "Strokes: 4");
    await says(ann, "#problem", "Not sent yet: 3");
    await ann.click("#undo");
    await says(ann, "#problem", "Not sent yet: 2");
    await ann.getByRole("button", { name: "Mend the network" }).click();
    await says(ben, "#count", "3 笔");
    await until(ann, () => document.querySelector("#problem").textContent === "");
    await says(ann, "#count", "Strokes: 3");
    await ann.click("#undo"); // what was sent late is hers like the rest
    await says(ben, "#count", "2 笔");
    await leave(ann);
    await leave(ben);
  });

  test("whiteboard: the network goes away without a word, and comes back", async () => {
    const ann = await visit(world, "whiteboard/#silent"), ben = await visit(world, "whiteboard/#silent");
    await says(ann, "#people", "2 here");
    await ann.context().setOffline(true);
    await ann.locator("#board").focus();
    for (const key of ["Space", "ArrowRight", "ArrowRight", "Space"]) await ann.keyboard.press(key);
    await says(ann, "#problem", "Not sent yet: 1"); // by then the answer is overdue, or the line known to be cut
    await says(ann, "#count", "Strokes: 1");
    await ann.context().setOffline(false);
    await says(ben, "#count", "Strokes: 1");
    await until(ann, () => document.querySelector("#problem").textContent === "");
    await says(ann, "#count", "Strokes: 1");
    await leave(ann, { expected: offlineNoise });
    await leave(ben);
  });

  test("chat: what is said offline waits in its place and is said once", async () => {
    const ann = await visit(world, "chat/#off"), ben = await visit(world, "chat/#off", { lang: "zh-CN", viewport: { width: 320, height: 700 } });
    await says(ann, "#count", "2");
    const say = async (page, text) => {
      await page.fill("#text", text);
      await page.keyboard.press("Enter");
    };
    await ann.context().setOffline(true);
    for (const text of ["one", "two", "three"]) await say(ann, text);
    await says(ann, "#lines li.unsent .text", "three");
    await says(ann, "#problem", "Not sent yet: 3");
    assert.equal(await ann.inputValue("#text"), "");
    await ann.context().setOffline(false);
    await says(ben, "#lines .text", "three");
    await until(ann, () => document.querySelectorAll("#lines li.pending, #lines li.unsent").length === 0);
    await until(ann, () => document.querySelector("#problem").textContent === "");
    for (const page of [ann, ben]) assert.deepEqual(await page.locator("#lines .text").allInnerTexts(), ["one", "two", "three"]);
    await leave(ann, { expected: offlineNoise });
    await leave(ben);
  });

  test("cursors: what is typed offline is told to be missing, and gets there once", async () => {
    const ann = await visit(world, "cursors/#off"), ben = await visit(world, "cursors/#off");
    await until(ann, () => document.querySelectorAll("#people li").length === 2);
    await ann.getByRole("button", { name: "Cut the network" }).click();
    await says(ann, "#state", "lost");
    await ann.locator("#text").focus();
    await ann.keyboard.type("offline");
    await says(ann, "#bar", "not sent yet");
    await ann.getByRole("button", { name: "Mend the network" }).click();
    await until(ben, () => document.querySelector("#text").value === "offline");
    await until(ann, () => !/not sent|unconfirmed/.test(document.querySelector("#bar").textContent));
    assert.equal(await ann.inputValue("#text"), "offline");
    await leave(ann);
    await leave(ben);
  });

  test("binary: a picture shown offline hangs when the network is back", async () => {
    const ann = await visit(world, "binary/"), ben = await visit(world, "binary/");
    await Promise.all([connected(ann), connected(ben)]);
    const before = await ben.locator("#wall li").count();
    await ann.context().setOffline(true);
    await ann.click("#draw");
    await says(ann, "#problem", "Not sent yet: 1");
    await ann.context().setOffline(false);
    await until(ben, (n) => document.querySelectorAll("#wall li").length > n || n === 6, before);
    await until(ann, () => document.querySelector("#problem").textContent === "" && document.querySelector("#progress").hidden);
    await leave(ann, { expected: offlineNoise });
    await leave(ben);
  });
}
