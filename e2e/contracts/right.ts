// Programs that are right: all of this compiles against the official client's own types.
import { io, type Socket } from "socket.io-client";
import type { Chat, Cursors, Failure, Lifecycle, Line, Namespaces, Person, Whiteboard } from "../../namespaces/api/events";
import type { Shop, Thing } from "../../cmd/sockeye-events/testdata/shop";

const chat: Socket<Chat.ServerToClientEvents, Chat.ClientToServerEvents> = io("/chat");

chat.on("line", (line) => { const text: string = line.text; void text; });
chat.on("people", (people) => people.map((person: Person) => person.name));
chat.on("slow down", (why) => why.length);
chat.emit("typing", true);
chat.emit("say", "hello", (answer) => {
  if ("error" in answer) { const failure: Failure = answer; return failure.error.code; }
  const line: Line = answer;
  return line.at;
});
chat.timeout(1000).emit("join", { room: "a", name: "b" }, (err, answer) => {
  if (!err && !("error" in answer)) for (const line of answer.history) line.from.length;
});

async function asked() {
  const answer = await chat.emitWithAck("join", { room: "a", name: "b" });
  if ("error" in answer) throw new Error(answer.error.message);
  return answer.people.length;
}
void asked;

// Both ways: the server asks, the page answers.
const life: Socket<Lifecycle.ServerToClientEvents, Lifecycle.ClientToServerEvents> = io("/lifecycle");
life.on("question", (text, answer) => answer(text + "!"));
life.on("question", (_, answer) => answer({ error: { code: "no", message: "no" } }));

const board: Socket<Whiteboard.ServerToClientEvents, Whiteboard.ClientToServerEvents> = io("/whiteboard");
board.emit("stroke", { id: "a.1", pen: "red", width: 2, points: [0, 0] }, (failure) => failure?.error.message);
board.emit("undo");
board.on("undo", (id) => id.toUpperCase());

// By name.
type In<N extends keyof Namespaces> = Socket<Namespaces[N]["serverToClient"], Namespaces[N]["clientToServer"]>;
const cursors: In<"/cursors"> = io("/cursors");
cursors.emit("edit", { id: "1", version: 1, at: 0, cut: 0, put: "x" }, (answer) => typeof answer === "number" && answer + 1);
void ({} as Cursors.ServerToClientEvents);

const shop: Socket<Shop.ServerToClientEvents, Shop.ClientToServerEvents> = io("/shop");
shop.emit("moved", 1, 2);
shop.on("moved", (x, y) => x + y);
shop.emit("be quiet", (failure) => failure?.error.code);
shop.emit("free", "a", { b: 1 }, (colour) => colour === "red");
shop.on("said", (thing: Thing) => {
  const made: Date = new Date(thing.made);
  if (thing.size === 0) return thing.note?.length;
  if (thing.data instanceof ArrayBuffer) return thing.data.byteLength;
  return (thing.maybe ?? 0) + thing.corner[1] + made.getTime() + (thing.tags?.x?.length ?? 0) + thing.inline.x;
});
