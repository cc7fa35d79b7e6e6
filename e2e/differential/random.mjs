// Numbers from a seed, and what generators make of them. The same seed makes the same cases for ever.

/** A generator of numbers in [0, 1): mulberry32. */
function numbers(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Choices made from a seed. */
export function random(seed) {
  const next = numbers(seed);
  const r = {
    int: (below) => Math.floor(next() * below),
    chance: (p) => next() < p,
    pick: (list) => list[r.int(list.length)],
    /** One of the keys of {key: weight}. */
    weighted: (weights) => {
      const entries = Object.entries(weights);
      let at = next() * entries.reduce((sum, [, w]) => sum + w, 0);
      return (entries.find(([, w]) => (at -= w) < 0) ?? entries.at(-1))[0];
    },
    /** n results of make, n below most. */
    several: (most, make) => Array.from({ length: r.int(most) + 1 }, make),
    /** text with one character taken out, put in, doubled or changed. */
    mutate: (text, alphabet) => {
      const at = r.int(text.length + 1);
      const c = r.pick([...alphabet]);
      return [
        () => text.slice(0, at) + c + text.slice(at),
        () => text.slice(0, at) + text.slice(at + 1),
        () => text.slice(0, at) + c + text.slice(at + 1),
        () => text.slice(0, at) + text.slice(Math.max(0, at - 1), at) + text.slice(at),
      ][r.int(4)]();
    },
  };
  return r;
}
