// Pages on which people meet: chat, whiteboard, cursors, binary.
import { test } from "node:test";
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { io } from "client-4.8";
import { connected, lastPoll, leave, says, until, visit, watched } from "./visit.mjs";

export default function (world) {
  test("chat: two talk, a third finds the history, markup stays text", async () => {
    const ann = await visit(world, "chat/#pool"), ben = await visit(world, "chat/#pool", { lang: "zh-CN", colorScheme: "dark", viewport: { width: 390, height: 800 } });
    await says(ann, "#count", "2");
    await ann.fill("#name", "Ann");
    await ann.click("#seat button");
    await says(ben, "#people li", "Ann");

    await ben.locator("#text").pressSequentially("正在", { delay: 30 });
    await says(ann, "#typing", "typing");
    await ben.fill("#text", "");
    await ann.fill("#text", '<img src=x onerror="alert(1)"> hello');
    await ann.keyboard.press("Enter");
    await says(ben, "#lines .text", '<img src=x onerror="alert(1)"> hello');
    assert.equal(await ben.locator("#lines img").count(), 0);
    await says(ann, "#lines li.mine:not(.pending) .text", "hello");

    await ann.fill("#text", "x".repeat(501));
    await ann.click("#composer button");
    await says(ann, "#problem", "1 to 500 characters");
    await ben.fill("#text", "x".repeat(501));
    await ben.click("#composer button");
    await says(ben, "#problem", "一行 1 到 500 个字符");
    await ann.fill("#text", "last");
    await ann.keyboard.press("Enter");
    await says(ben, "#lines .text", "last");
    assert.ok(!(await ben.locator("#lines").innerText()).includes("xxxx"));

    const cat = await visit(world, "chat/#pool");
    await says(cat, "#lines .text", "last");
    await leave(cat);
    await says(ann, "#lines .news", "left");
    await ann.fill("#name", "x".repeat(10) + "\u202e");
    await ann.click("#seat button");
    await until(ann, () => document.querySelector("#people").innerText.includes("xxxxxxxxxx (you)"));
    await leave(ann);
    await leave(ben);
  });

  test("gate: what overtakes the answer waits for it", async () => {
    const source = await readFile(new URL("../../public/assets/gate.js", import.meta.url), "utf8");
    const { gate } = await import("data:text/javascript," + encodeURIComponent(source));
    const joining = gate(), seen = [], hear = joining.behind((what) => seen.push(what));
    hear("before");
    joining.shut();
    hear("one");
    hear("two");
    seen.push("answer");
    joining.open();
    hear("after");
    joining.shut();
    hear("of a connection that ended");
    joining.shut();
    joining.open();
    assert.deepEqual(seen, ["before", "answer", "one", "two", "after"]);
  });

  test("chat: a flood reaches nobody, and its sender is told", async () => {
    const page = await visit(world, "chat/#flood");
    await connected(page);
    const flooder = io(world.program.url + "chat", { transports: ["websocket"], forceNew: true });
    await once(flooder, "connect");
    await flooder.emitWithAck("join", { room: "flood", name: "Flood" });
    const told = once(flooder, "slow down");
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => flooder.emitWithAck("say", `line ${i}`)));
    assert.match((await told)[0], /too fast/);
    const refused = answers.filter((answer) => answer.error);
    assert.ok(refused.length > 150 && refused.every((answer) => answer.error.code === "slow_down"));
    await says(page, "#lines .text", "line 3");
    assert.ok(await page.locator("#lines .text").count() < 50);
    for (const name of ["", " \n", "n".repeat(25)]) assert.ok((await flooder.emitWithAck("join", { room: "flood", name })).error);
    flooder.disconnect();
    await says(page, "#count", "1");
    await leave(page);
  });

  test("whiteboard: seen while it is drawn, kept for the late, undone, cleared", async () => {
    const painted = () => {
      const { width, height } = document.querySelector("#board");
      return document.querySelector("#board").getContext("2d").getImageData(0, 0, width, height).data.some((v) => v !== 0);
    };
    const ann = await visit(world, "whiteboard/#a"), ben = await visit(world, "whiteboard/#a");
    await says(ann, "#people", "2 here");
    const box = await ann.locator("#board").boundingBox();
    await ann.mouse.move(box.x + 100, box.y + 100);
    await ann.mouse.down();
    for (let i = 0; i < 20; i++) await ann.mouse.move(box.x + 100 + i * 9, box.y + 100 + i * 5);
    await until(ben, painted); // before the pen is lifted
    await ann.mouse.up();
    await says(ben, "#count", "Strokes: 1");

    await ben.locator("#board").focus(); // by keyboard
    for (const key of ["Space", "ArrowRight", "ArrowRight", "ArrowDown", "Space"]) await ben.keyboard.press(key);
    await says(ann, "#count", "Strokes: 2");
    const cat = await visit(world, "whiteboard/#a", { lang: "zh-CN", colorScheme: "dark", viewport: { width: 390, height: 800 } });
    await says(cat, "#count", "2 笔");
    await until(cat, painted);
    await ben.click("#undo");
    await says(ann, "#count", "Strokes: 1");
    await ben.click("#undo"); // not ann's
    const states = await watched(ann, "#state");
    await ann.getByRole("button", { name: "Restart the server’s side" }).click();
    await until(ann, (states) => states.some((text) => /lost/.test(text)) && /^Connected/.test(states.at(-1)), states); // gone for a moment
    await says(ann, "#people", "3 here");
    await says(ann, "#count", "Strokes: 1"); // and finds the picture again
    await ann.click("#clear");
    await says(cat, "#count", "0 笔");
    for (const page of [ann, ben, cat]) await leave(page);
  });

  test("whiteboard: a slow reader waits alone, a delay keeps the order, a mended network brings the picture", async () => {
    const ann = await visit(world, "whiteboard/#slow"), ben = await visit(world, "whiteboard/#slow");
    await says(ann, "#people", "2 here");
    const press = (page, name) => page.getByRole("button", { name }).click();
    await press(ann, "Read slowly");
    await says(ann, "#state", "polling");
    await says(ann, "#people", "2 here");
    const stroke = async (page) => {
      await page.locator("#board").focus();
      for (const key of ["Space", "ArrowRight", "ArrowDown", "Space"]) await page.keyboard.press(key);
    };
    await stroke(ben);
    await says(ben, "#count", "Strokes: 1"); // at once
    await says(ann, "#count", "Strokes: 1"); // with her next poll
    await press(ann, "Read normally");
    await says(ann, "#state", "websocket");
    await ann.locator("#chaos input").fill("500");
    await ben.click("#clear");
    for (let i = 0; i < 3; i++) await stroke(ben);
    await says(ann, "#count", "Strokes: 3"); // as many only in this order
    await ann.locator("#chaos input").fill("3000");
    await ben.click("#clear");
    await stroke(ben);
    await says(ben, "#count", "Strokes: 1");
    await press(ann, "Cut the network"); // what is on its way to her is lost
    await says(ann, "#state", "lost");
    await stroke(ben);
    await says(ben, "#count", "Strokes: 2");
    await press(ann, "Mend the network");
    await says(ann, "#count", "Strokes: 2");
    await ann.locator("#chaos input").fill("0");
    await stroke(ben);
    await says(ann, "#count", "Strokes: 3"); // behind what was held, were it not gone
    await leave(ann, { expected: [lastPoll] });
    await leave(ben);
  });

  test("whiteboard: strokes that are none are refused", async () => {
    const bad = io(world.program.url + "whiteboard", { forceNew: true });
    await once(bad, "connect");
    await bad.emitWithAck("join", "b");
    const id = bad.id + ".1", good = { id, pen: "ink", width: 5, points: [0, 0, 1, 1] };
    assert.equal(await bad.emitWithAck("stroke", good), undefined);
    for (const change of [{ id: "somebody.1" }, { width: 1e9 }, { points: [] }, { points: [0] }, { points: Array(2004).fill(.5) }, { points: [1e30, 0] }, { pen: "x".repeat(99) }, { points: "no" }]) {
      assert.ok((await bad.emitWithAck("stroke", { ...good, ...change })).error, JSON.stringify(change).slice(0, 60));
    }
    bad.disconnect();
  });

  test("cursors: both type at once and end with the same text; a cut loses nothing", async () => {
    const ann = await visit(world, "cursors/#a"), ben = await visit(world, "cursors/#a", { lang: "zh-CN", colorScheme: "dark" });
    await until(ann, () => document.querySelectorAll("#people li").length === 2);
    const text = (page) => page.inputValue("#text");
    const same = async () => {
      for (let i = 0; i < 100; i++) {
        const [a, b] = [await text(ann), await text(ben)];
        if (a === b && !(await ann.locator("#bar").innerText()).includes("unconfirmed")) return a;
        await ann.waitForTimeout(50);
      }
      assert.fail(`${JSON.stringify(await text(ann))} and ${JSON.stringify(await text(ben))}`);
    };
    await ann.locator("#text").click();
    await ann.keyboard.type("one\ntwo\n");
    await same();
    await ben.locator("#text").click();
    await ben.keyboard.press("Control+Home");
    await Promise.all([ann.keyboard.type("three 😀", { delay: 10 }), ben.keyboard.type("十 ", { delay: 20 })]);
    assert.equal(await same(), "十 one\ntwo\nthree 😀");
    await ben.keyboard.press("ArrowDown");
    await ann.locator('.caret[data-line="2"]').waitFor();

    await ann.getByRole("button", { name: "Cut the network" }).click();
    await ann.locator("#text").focus();
    await ann.keyboard.type(" offline");
    await ben.keyboard.type("meanwhile ");
    await ann.getByRole("button", { name: "Mend the network" }).click();
    const all = await same();
    for (const word of ["offline", "meanwhile", "three", "十"]) assert.ok(all.includes(word), all);
    await leave(ann);
    await until(ben, () => document.querySelectorAll("#people li").length === 1);
    await leave(ben);
  });

  test("binary: a picture appears at the other, what is none does not", async () => {
    const ann = await visit(world, "binary/"), ben = await visit(world, "binary/", { lang: "zh-CN", colorScheme: "dark", viewport: { width: 390, height: 800 } });
    await Promise.all([connected(ann), connected(ben)]);
    await ann.click("#draw");
    for (const page of [ann, ben]) await until(page, () => document.querySelector("#wall img")?.naturalWidth === 640);
    await ben.locator("#file").setInputFiles({ name: "fake.png", mimeType: "image/png", buffer: Buffer.from("not an image at all") });
    await says(ben, "#problem", "text/plain");
    assert.equal(await ann.locator("#wall li").count(), 1);
    await leave(ann);
    await leave(ben);
  });
}
