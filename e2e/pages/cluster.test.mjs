// The demos on two programs that are one cluster: one visitor on each, in one Chromium.
import { after, before, describe, test } from "node:test";
import assert from "node:assert/strict";
import { startRedis, freePort } from "../lib/brokers.mjs";
import { whole } from "../lib/patience.mjs";
import { startBrowser, startProgram } from "../lib/program.mjs";
import { leave, says, until, visit } from "./visit.mjs";

/** What two programs are told so that they find each other, and how to end what they need for it. */
const ways = {
  async mesh() {
    const nodes = (await Promise.all([1, 2].map(freePort))).map((port) => `127.0.0.1:${port}`);
    return { args: nodes.map((listen) => ["--cluster", `mesh://${nodes}`, "--cluster-listen", listen]), stop() {} };
  },
  async redis() {
    const redis = await startRedis();
    return { args: [1, 2].map(() => ["--cluster", `redis://${redis.address}`]), stop: () => redis.stop() };
  },
};

// In make test over the one without a broker; the cluster's own tests have them all.
for (const [name, way] of Object.entries(ways).filter(([name]) => whole || name === "mesh")) {
  describe(`demos on two programs over ${name}`, { concurrency: 2 }, () => {
    const left = {}, right = {};
    let broker;
    before(async () => {
      broker = await way();
      left.browser = right.browser = await startBrowser();
      [left.program, right.program] = await Promise.all(broker.args.map((args) => startProgram("--log", "info", ...args)));
      for (const { program } of [left, right]) await program.says("node joined the cluster");
    });
    after(async () => {
      await left.browser.close();
      for (const { program } of [left, right]) assert.equal((await program.stop()).code, 0, program.log());
      await broker.stop();
    });
    const both = async (path) => [await visit(left, path), await visit(right, path)];

    test("chat: two talk, each sees the other, and who comes later finds the lines on either program", async () => {
      const [ann, ben] = await both("chat/#pool");
      await says(ann, "#count", "2");
      await says(ben, "#count", "2");
      await ann.fill("#name", "Ann");
      await ann.click("#seat button");
      await says(ben, "#people li", "Ann");
      await ben.locator("#text").pressSequentially("hel", { delay: 30 });
      await says(ann, "#typing", "typing");
      for (const [page, text, other] of [[ben, "hello from the right", ann], [ann, "hello from the left", ben]]) {
        await page.fill("#text", text);
        await page.keyboard.press("Enter");
        await says(other, "#lines .text", text);
      }
      for (const world of [left, right]) {
        const late = await visit(world, "chat/#pool");
        await says(late, "#lines .text", "hello from the right");
        await says(late, "#lines .text", "hello from the left");
        assert.equal(await late.locator("#lines .text").count(), 2);
        await leave(late);
      }
      await says(ann, "#count", "2");
      await leave(ben);
      await says(ann, "#count", "1");
      await leave(ann);
    });

    test("whiteboard: drawn on one, seen on the other, found by who comes first there, undone, cleared", async () => {
      const stroke = async (page) => {
        await page.locator("#board").focus();
        for (const key of ["Space", "ArrowRight", "ArrowDown", "Space"]) await page.keyboard.press(key);
      };
      const ann = await visit(left, "whiteboard/#a");
      await says(ann, "#people", "1 here");
      await stroke(ann);
      await says(ann, "#count", "Strokes: 1");
      const ben = await visit(right, "whiteboard/#a"); // the first on that program
      await says(ben, "#count", "Strokes: 1");
      await says(ann, "#people", "2 here");
      await stroke(ben);
      await says(ann, "#count", "Strokes: 2");
      await ann.click("#undo");
      await says(ben, "#count", "Strokes: 1");
      await ben.click("#clear");
      await says(ann, "#count", "Strokes: 0");
      for (const page of [ann, ben]) await leave(page);
    });

    test("cursors: both type at once and end with the same text", async () => {
      const [ann, ben] = await both("cursors/#a");
      await until(ann, () => document.querySelectorAll("#people li").length === 2);
      await ann.locator("#text").click();
      await ann.keyboard.type("left\n");
      await until(ben, () => document.querySelector("#text").value === "left\n");
      await ben.locator("#text").click();
      await ben.keyboard.press("Control+Home");
      await Promise.all([ann.keyboard.type("below", { delay: 10 }), ben.keyboard.type("above ", { delay: 20 })]);
      for (const page of [ann, ben]) await until(page, () => document.querySelector("#text").value === "above left\nbelow");
      await ben.keyboard.press("End");
      await ann.locator('.caret[data-line="1"]').waitFor();
      for (const page of [ann, ben]) await leave(page);
    });

    test("home: the counters are those of both, and a fish leaps on both", async () => {
      const [ann, ben] = await both("");
      const clients = (page) => page.evaluate(() => Number(document.querySelector("#clients").textContent.replace(/\D/g, "")));
      for (const page of [ann, ben]) await until(page, () => Number(document.querySelector("#clients").textContent.replace(/\D/g, "")) >= 2);
      assert.ok(await clients(ann) >= 2);
      for (const page of [ann, ben]) await leave(page);
    });
  });
}
