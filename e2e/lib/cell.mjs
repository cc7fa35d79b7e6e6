// One test of the matrix: its name carries client, transport and area, which report.mjs counts.
import { test } from "node:test";
import { client48, clients, transports } from "./clients.mjs";
import { stretch, whole } from "./patience.mjs";

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

/** Whether a title is tried on the nth of three, which take turns by title; with WHOLE=1 (make test-long) on each. */
export const turn = (title, nth) => whole || [...title].reduce((n, letter) => n + letter.codePointAt(0), nth) % 3 === 0;

/**
 * Declares a cell of a product of clients and transports: the newest client has each title over every transport, and each other client has it over
 * one, by turns, or with WHOLE=1 over all: no client goes without a title or a transport.
 */
export function crossed(client, transport, area, title, body) {
  if (client === client48 || turn(title, clients.indexOf(client) + Object.keys(transports).indexOf(transport))) cell(client, transport, area, title, body);
}
