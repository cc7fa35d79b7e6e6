// @ts-check
import { $, page } from "/assets/page.js";
import { connect } from "/assets/live.js";
import { colour } from "/assets/source.js";

const t = page("welcome", { zh: { who: "服务器说", there: "服务端，有人连接时", here: "在这个页面里" } });

/** @import { Socket } from "socket.io-client" */
/** @import { Main } from "../../namespaces/api/events" */
/** @type {Socket<Main.ServerToClientEvents, Main.ClientToServerEvents>} */
const socket = connect("/", { t });
socket.on("welcome", (text) => { $("#message").textContent = text; });
socket.on("disconnect", () => { $("#message").textContent = "…"; });

$("#go").append(...colour(`const Greeting socketio.Event[string] = "welcome"

ns.OnConnect(func(ctx context.Context, s *socketio.Socket) {
	Greeting.Emit(s, "web Socket Works")
})`));
$("#js").append(...colour(`const socket = io();

socket.on("welcome", (text) => {
	document.querySelector("#message").textContent = text;
});`));
