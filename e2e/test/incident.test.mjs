// An operator finds a slow client, a flood and a lost broker, all at once, in metrics, logs and inspection; the document shows such lines.
import { test } from "node:test";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { rehearse } from "../incident/rehearse.mjs";
import { stretch } from "../lib/patience.mjs";

/** A line without what differs from one time to the next. */
const shape = (line) => line.trim().replace(/^time=\S+ /, "").replace(/[\w-]{8}…/g, "ID…").replace(/(to="\\")[\w-]{8,20}/, "$1ID").replace(/ skipped=\d+$/, "")
  .replace(/error=("(\\.|[^"])*"|\S+)/, "error=WHY").replace(/(\d+(\.\d+)?(ms|h|m|s)?)+/g, "N");

test("a slow client, a flood and a lost broker are found and explained by what the program tells", { timeout: stretch(100_000) }, async () => {
  const found = new Set((await rehearse()).map(({ text }) => shape(text)));
  const story = (await readFile(new URL("../../docs/operating.md", import.meta.url), "utf8")).split("## An incident rehearsed")[1];
  const shown = [...story.matchAll(/^```text\n(.*?)^```/gms)].flatMap(([, block]) => block.trim().split("\n"));
  assert.ok(shown.length > 12, "the document shows no lines");
  for (const line of shown) assert.ok(found.has(shape(line)), `docs/operating.md shows what is not told: ${line}\n${[...found].join("\n")}`);
});
