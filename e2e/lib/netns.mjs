// A node in a network of its own (Linux, root): one wire to its clients, another to its broker, which can be pulled.
import { execFileSync } from "node:child_process";

const ip = (...args) => execFileSync("ip", args.map(String), { stdio: ["ignore", "ignore", "pipe"] });
let made = 0;

/** Whether this machine lets us have one: why not, or nothing. */
export function noNamespaces() {
  if (process.platform !== "linux") return "this is no Linux";
  if (process.getuid() !== 0) return "network namespaces need root";
  const name = `sockeye-try-${process.pid}`;
  try {
    ip("netns", "add", name);
    ip("netns", "del", name);
  } catch (err) {
    return `ip netns: ${err.message.trim().split("\n").at(-1)}`;
  }
}

/**
 * Makes one. exec begins the command of a program that runs in it; node is where its clients reach it, own its address towards the broker, and broker
 * that of the other end, where something on this side is to listen.
 * @returns {{exec: string[], node: string, own: string, broker: string, pull: () => void, plug: () => void, stop: () => void}}
 */
export function startNetwork() {
  const n = process.pid * 8 + made++;
  const name = `sockeye-${n}`;
  const net = `10.${200 + (n % 50)}.${Math.floor(n / 50) % 250}`;
  const wires = [["a", 1, 2], ["b", 5, 6]].map(([letter, here, there]) => ({ here: `sk${n}${letter}`, there: `wire-${letter}`, ip: [`${net}.${here}`, `${net}.${there}`] }));
  const stop = () => {
    try { ip("netns", "del", name); } catch { /* it was not made */ }
    for (const w of wires) try { ip("link", "del", w.here); } catch { /* it has gone with it */ }
  };
  try {
    ip("netns", "add", name);
    ip("-n", name, "link", "set", "lo", "up");
    for (const w of wires) {
      ip("link", "add", w.here, "type", "veth", "peer", "name", w.there, "netns", name);
      ip("addr", "add", `${w.ip[0]}/30`, "dev", w.here);
      ip("link", "set", w.here, "up");
      ip("-n", name, "addr", "add", `${w.ip[1]}/30`, "dev", w.there);
      ip("-n", name, "link", "set", w.there, "up");
    }
  } catch (err) {
    stop();
    throw err;
  }
  return {
    exec: ["ip", "netns", "exec", name], node: wires[0].ip[1], own: wires[1].ip[1], broker: wires[1].ip[0],
    pull: () => ip("link", "set", wires[1].here, "down"),
    plug: () => ip("link", "set", wires[1].here, "up"),
    stop,
  };
}
