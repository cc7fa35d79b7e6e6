// node --test reporter: what failed and why, then the matrix client × transport × area with counts.
// E2E_MATRIX=file.md writes the matrix there as well, as Markdown.
import { writeFileSync } from "node:fs";
import { underTest } from "./server.mjs";

const cellName = /^(?<client>\S[^/]*) \/ (?<transport>[^/]+) \/ (?<area>[^:]+): /;

export default async function* report(source) {
  const rows = new Map(); // "client transport" → area → {pass, fail}
  const areas = new Set();
  const files = new Map(); // file → seconds of its tests, one after another
  let pass = 0, fail = 0, skipped = 0;
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  let told = 0;
  for await (const { type, data } of source) {
    if (type === "test:stderr" || type === "test:stdout") { yield data.message; continue; }
    if (type !== "test:pass" && type !== "test:fail") continue;
    if (data.nesting === 0 && data.file) files.set(data.file, (files.get(data.file) ?? 0) + data.details.duration_ms / 1000);
    // A file reports itself too when it fails as a whole; its tests have been counted by then.
    const file = data.nesting === 0 && data.file?.endsWith(data.name);
    if (file && type === "test:pass") continue;
    if (data.skip !== undefined || data.todo !== undefined) { skipped++; continue; }
    const ok = type === "test:pass";
    ok ? pass++ : fail++;
    if (!ok) yield failure(data);
    if (seconds() >= told + 15) { // a sign of life
      told = seconds();
      yield `${told} s: ${pass} passed, ${fail} failed, now ${data.file?.replace(/.*\//, "") ?? data.name}\n`;
    }
    const at = cellName.exec(data.name)?.groups;
    if (!at) continue;
    areas.add(at.area);
    const row = `${at.client} | ${at.transport}`;
    if (!rows.has(row)) rows.set(row, new Map());
    const counts = rows.get(row).get(at.area) ?? { pass: 0, fail: 0 };
    ok ? counts.pass++ : counts.fail++;
    rows.get(row).set(at.area, counts);
  }
  const matrix = table(rows, [...areas].sort());
  if (process.env.E2E_MATRIX) writeFileSync(process.env.E2E_MATRIX, matrix);
  const longest = [...files].sort(([, a], [, b]) => b - a).slice(0, 12).map(([file, took]) => `${file.replace(/.*\//, "")} ${Math.round(took)} s`);
  yield `\n${matrix}\nThat took ${seconds()} s; the longest: ${longest.join(", ")}.\n${underTest}: ${pass} passed, ${fail} failed, ${skipped} skipped\n`;
}

function failure({ name, details }) {
  const error = details.error?.cause ?? details.error;
  const lines = (error?.stack ?? String(error)).split("\n").filter((line) => line.trim() && !/node_modules|node:internal/.test(line));
  return `FAIL ${name}\n${lines.slice(0, 30).map((line) => `     ${line}`).join("\n")}\n`;
}

function table(rows, areas) {
  const cells = [...rows].sort(([a], [b]) => b.localeCompare(a, "en", { numeric: true })).map(([row, counts]) => {
    const columns = areas.map((area) => {
      const { pass = 0, fail = 0 } = counts.get(area) ?? {};
      return pass + fail === 0 ? "" : fail ? `${pass}/${pass + fail} ✗` : String(pass);
    });
    return `| ${row} | ${columns.join(" | ")} |`;
  });
  return [`| client | transport | ${areas.join(" | ")} |`, `|${"---|".repeat(areas.length + 2)}`, ...cells].join("\n") + "\n";
}
