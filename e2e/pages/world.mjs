// One program and one Chromium for many visitors.
import { after, before, describe } from "node:test";
import assert from "node:assert/strict";
import { startBrowser, startProgram } from "../lib/program.mjs";

/** Runs the tests that each part registers, several at a time. */
export function pages(name, ...parts) {
  describe(name, { concurrency: 3 }, () => {
    const world = {};
    before(async () => { [world.program, world.browser] = await Promise.all([startProgram("--log", "error"), startBrowser()]); });
    after(async () => {
      await world.browser.close();
      assert.equal((await world.program.stop()).code, 0, world.program.log());
    });
    for (const part of parts) part(world);
  });
}
