// One test of the matrix: its name carries client, transport and area, which report.mjs counts.
import { test } from "node:test";
import { stretch } from "./patience.mjs";

/**
 * Declares a test that belongs to a cell of the matrix.
 * body gets `use(socket)`, which closes the socket when the test ends.
 */
export function cell(client, transport, area, title, body) {
  test(`${client.name ?? client} / ${transport} / ${area}: ${title}`, { timeout: stretch(60000) }, async (t) => {
    const opened = [];
    try {
      await body((socket) => { opened.push(socket); return socket; }, t);
    } finally {
      for (const socket of opened) socket.close();
    }
  });
}
