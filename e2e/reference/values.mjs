/** n bytes, byte i being i*31+7. */
export const pattern = (n) => Buffer.from(Array.from({ length: n }, (_, i) => (i * 31 + 7) & 255));

/** What arrived, in words that survive JSON. */
export function describe(v) {
  if (v === null || v === undefined) return { t: "null" };
  if (typeof v === "boolean") return { t: "bool", v };
  if (typeof v === "number") return { t: "number", v };
  if (typeof v === "string") return { t: "string", hex: Buffer.from(v).toString("hex") };
  if (v instanceof Uint8Array) return { t: "binary", len: v.length, sum: v.reduce((sum, b) => (Math.imul(sum, 31) + b) >>> 0, 0) };
  if (Array.isArray(v)) return { t: "array", v: v.map(describe) };
  return { t: "object", v: Object.keys(v).sort().map((key) => [key, describe(v[key])]) };
}
