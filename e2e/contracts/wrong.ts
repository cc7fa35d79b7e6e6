// Programs that are wrong: each line below a mark does not compile, or the mark itself is the error.
import { io, type Socket } from "socket.io-client";
import type { Chat, Lifecycle, Whiteboard } from "../../namespaces/api/events";
import type { Shop } from "../../cmd/sockeye-events/testdata/shop";

const chat: Socket<Chat.ServerToClientEvents, Chat.ClientToServerEvents> = io("/chat");

// @ts-expect-error: there is no such event
chat.emit("chat message", "hello");
// @ts-expect-error: it is said, not heard
chat.emit("line", { from: "", name: "", text: "", at: 0 });
// @ts-expect-error: it is heard, not said
chat.on("say", () => {});
// @ts-expect-error: heard it is a boolean
chat.emit("typing", "yes");
// @ts-expect-error: a field is missing
chat.emit("join", { room: "a" }, () => {});
// @ts-expect-error: one argument too many
chat.emit("typing", true, 1);
// @ts-expect-error: a line has no body
chat.on("line", (line) => line.body);
// @ts-expect-error: it may have failed
chat.emit("say", "hello", (answer) => answer.text);
// @ts-expect-error: a call is answered
chat.emit("say", "hello");

const life: Socket<Lifecycle.ServerToClientEvents, Lifecycle.ClientToServerEvents> = io("/lifecycle");
// @ts-expect-error: the answer is a text
life.on("question", (_, answer) => answer(5));

const board: Socket<Whiteboard.ServerToClientEvents, Whiteboard.ClientToServerEvents> = io("/whiteboard");
// @ts-expect-error: there may be no failure
board.emit("stroke", { id: "a.1", pen: "red", width: 2, points: [0] }, (failure) => failure.error);
// @ts-expect-error: said it is an id
board.on("undo", (id) => id.toFixed());

const shop: Socket<Shop.ServerToClientEvents, Shop.ClientToServerEvents> = io("/shop");
// @ts-expect-error: two numbers
shop.emit("moved", 1);
// @ts-expect-error: no such colour
shop.on("few", (page) => page.items?.[0] === "green");
// @ts-expect-error: it may be null
shop.on("said", (thing) => thing.maybe + 1);
// @ts-expect-error: it may be absent
shop.on("said", (thing) => thing.note.length);
// @ts-expect-error: a time is a text on the wire
shop.on("said", (thing) => thing.made.getTime());
// @ts-expect-error: a number in a text
shop.on("said", (thing) => thing.big * 2);
