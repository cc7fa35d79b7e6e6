// @ts-check
import { io } from "socket.io-client";

/** @import { Socket } from "socket.io-client" */
/** @import { Main } from "./api/events" */

/** @type {Socket<Main.ServerToClientEvents, Main.ClientToServerEvents>} */
const socket = io();

// docs:wrong
socket.emit("chat mesage", { from: "Ann", text: "hi" });
socket.emit("chat message", { from: "Ann", txt: "hi" });
socket.emit("chat message", { from: "Ann", text: "hi", mood: "angry" });
socket.on("chat message", (line) => line.body.length);
socket.emitWithAck("count", "hi").then((n) => n + 1);
// docs:end
