// The matrix again, over PostgreSQL.
process.env.CLUSTER_BACKENDS = "postgres";
await import("./matrix.test.mjs");
