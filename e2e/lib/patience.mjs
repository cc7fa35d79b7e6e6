// One measure for every deadline of these tests, and for the heartbeats of the servers they drive.

/** How many times as long as usual things may take here and now; e2e/run has it measured (scripts/slow). */
export const slow = Math.max(1, Math.round(Number(process.env.SLOW) || 1));

/** So many milliseconds, on this machine. */
export const stretch = (ms) => ms * slow;

/** How long a fault lasts, ms: shortly, or with FAULTS=long (make test-cluster-faults) as long as it should. */
export const lasts = (short, long) => (process.env.FAULTS === "long" ? long : short);

/** Whether all of a product is tried (WHOLE=1: make test-long), or what make test has of it. */
export const whole = process.env.WHOLE === "1";
