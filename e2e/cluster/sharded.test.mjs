// The matrix again, over sharded Redis: one server, and a Cluster of three masters.
process.env.CLUSTER_BACKENDS = "sharded,sharded-cluster";
await import("./matrix.test.mjs");
