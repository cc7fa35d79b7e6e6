// The matrix again, over sharded Redis.
process.env.CLUSTER_BACKENDS = "sharded";
await import("./matrix.test.mjs");
