// The home page: live counters over Socket.IO, a river in which every event is a fish, and the gallery.

import { $, $$, docs, el, lineOf, page, serverSource, clientSource, titleOf } from "/assets/page.js";
import { drawing } from "/assets/dom.js";
import { showSource } from "/assets/source.js";
import { demos } from "/assets/demos.js";
import { connect } from "/assets/live.js";
import { River } from "/river.js";

const t = page("", {
	zh: {
		headline: "说一次，人人立刻听见。",
		pitch: "Sockeye 是用 Go 写的 Socket.IO 服务器。处理函数发出一个事件，该知道的浏览器马上就知道。把演示开在两个窗口里看看。",
		start: "看看：从聊天开始", build: "动手：教程", clients: "此刻在线的浏览器", rate: "每秒事件", total: "启动以来的事件",
		leap: "放一条鱼", frameNote: "上方是本页收到的最后一帧。红色的鱼是发往服务器的事件，来自所有人。",
		gallery: "演示", galleryLine: "每个演示是一个纯 HTML 文件夹加一个短小的 Go 文件，源码都只隔一次点击。",
		playTitle: "试验场", playLine: "连接任意命名空间，发送任意事件，看清线上的每一帧。",
		seeTitle: "想看看", seeLine: "把一个演示开在两个窗口里，看它们如同一个。", seeChat: "房间里聊天", seeBoard: "一起画", seeCut: "切断网络", seeAll: "全部十三个演示",
		buildTitle: "想动手", buildLine: "从空文件夹到两台服务器上的聊天，十五分钟。", tutorial: "七步教程", gin: "放进你的 Gin 应用", node: "从 Node 来", guide: "全部文档",
		docTitle: "诊断", docLine: "“为什么连不上？” 对任意服务器逐步检查，并给出解法。",
	},
});

const river = new River($("#river"), $(".hero-words"));
const socket = connect("/home", { t });
const number = new Intl.NumberFormat();
let seen;

socket.on("pulse", ({ clients, rate, up, down }) => {
	$("#clients").textContent = number.format(clients);
	$("#rate").textContent = number.format(rate);
	$("#total").textContent = number.format(up + down);
	if (seen) {
		river.swim("up", up - seen.up);
		river.swim("down", down - seen.down);
	}
	seen = { up, down };
});
socket.on("fish", () => river.swim("leap", 1));
$("#leap").addEventListener("click", () => socket.emit("leap"));
for (const event of ["connect", "disconnect"]) socket.on(event, () => { $("#leap").disabled = !socket.connected; });

// The frame as it came, its parts in the colours the playground uses.
socket.onAny((event, ...args) => {
	const payload = JSON.stringify([event, ...args]);
	$("#frame").replaceChildren(el("b", {}, "42"), "/home,", el("i", {}, payload));
});

$("#gallery").append(...demos.map((demo, i) => {
	const source = (href) => el("a", { href, onclick(event) {
		if (event.metaKey || event.ctrlKey || event.shiftKey) return;
		event.preventDefault();
		showSource(t, href);
	} }, href.split("/").pop());
	return el(i < 3 ? "li.first" : "li", {},
		el("div.scene", {}, drawing("scenes", demo.id, "0 0 160 90")),
		el("h3", {}, el("a", { href: `/${demo.id}/` }, titleOf(demo))),
		el("p", {}, lineOf(demo)),
		el("div.src", {}, source(serverSource(demo)), source(clientSource(demo))));
}));

for (const link of $$("[data-doc]")) link.href = docs + link.dataset.doc; // those that exist in Chinese too
