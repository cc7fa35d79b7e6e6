// Rehearses the incident and prints the lines that tell of it, each with the second in which it was found.
import { rehearse } from "./rehearse.mjs";

const began = performance.now();
await rehearse((from, text) => console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(5)} s  ${from}\n         ${text}`));
