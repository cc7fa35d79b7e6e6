// Who routes by room tells nodes little that nobody wants there; Node's adapters beside.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { lasts, stretch } from "../lib/patience.mjs";
import { astray, runs } from "./routed.mjs";

describe("300 rooms, each with its members on one of three nodes", { concurrency: 2 }, () => {
  for (const [backend, kind] of lasts([["mesh", "go"]], runs)) {
    const everywhere = backend === "redis"; // its format has one channel pattern for all rooms, which Node's servers share
    test(`${backend}, ${kind === "go" ? "ours" : "Node's"}: nodes without a member get ${everywhere ? "all of it" : "5 % at most"}`, { timeout: stretch(60_000) }, async (t) => {
      const { sent, members, strays, astray: percent } = await astray(backend, kind);
      t.diagnostic(`${strays} of ${sent} messages reached a node without a member: ${percent} %`);
      assert.ok(members >= sent, `${members} of ${sent} reached the member's node`);
      if (everywhere) assert.ok(strays >= sent, `${strays} of ${sent}`);
      else assert.ok(percent <= 5, `${strays} of ${sent}`);
    });
  }
});
