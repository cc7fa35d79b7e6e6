// English and Chinese. English stands in the page's HTML where it is static; a page's dictionary holds the Chinese for it, and
// both languages for what is said while the page runs:
//
//	const t = words({ zh: { title: "你好", sent: "已发送 {n}" }, en: { sent: "sent {n}" } });
//	<h1 data-t="title">Hello</h1>          data-t-placeholder, data-t-aria-label and data-t-title do the same for attributes
//	t("sent", { n: 3 })
//	t.nodes("came", { name })          the same as nodes, for what people wrote: each value stands in a <bdi>, or is nodes, so that a name
//	                                   written from right to left does not turn our words around
//
// `backticks` in a text become <code>.

import { $$, remember } from "./dom.js";

export const chinese = document.documentElement.lang.startsWith("zh");

const common = {
	zh: {
		connecting: "正在连接…", connected: "已连接 · {transport}", lost: "连接已断开，正在重连…", refused: "被拒绝：{why}",
		stopped: "已断开。{why}", docs: "文档", limit: "服务器说：{why}", skip: "跳到内容", demos: "演示", playground: "试验场", doctor: "诊断",
		serverSource: "服务端源码", clientSource: "客户端源码", theme: "切换深色与浅色", language: "Switch to English", close: "关闭", raw: "原始文件",
		"error.slow_down": "太快了，请稍等", "error.empty": "不能为空", "error.too_long": "最多 {limit} 个字符", "error.length": "一行 1 到 {limit} 个字符",
		"error.too_big": "一张图片最多 700 KB", "error.no_picture": "这不是 PNG、JPEG、GIF 或 WebP 图片（{type}）", "error.no_room": "请先进入房间", "error.full": "已满（最多 {limit}）",
		"error.stroke": "服务器不收这一笔", "error.stale": "别人更快，文字已经变了", "error.edit": "修改落在文字之外", "error.origin": "这不能作为请求头", "error.refused": "服务器按你的要求拒绝了连接", "error.no_luck": "这个事件总是失败", "error.internal": "服务器出了差错",
		"why.timeout": "服务器没有按时回答。", "why.refused": "服务器按你的要求拒绝了连接。", "why.offline": "没有连接。", "why.unreachable": "连不上服务器。", "why.nothing": "服务器没有回应。", "why.namespace": "服务器没有这个命名空间。", "why.server": "服务器结束了连接。", "why.client": "由本页断开。", "why.network": "线路断了。", "why.silent": "服务器太久没有动静。", "why.garbage": "收到的内容读不懂。",
		copy: "复制", copied: "已复制", next: "下一个：{title}", home: "首页", you: "你", madeWith: "由 Sockeye 提供，一个用 Go 写的 Socket.IO 服务器。",
	},
	en: {
		"why.timeout": "The server has not answered in time.", "why.refused": "You asked to be refused.", "why.offline": "There is no connection.", "why.unreachable": "The server cannot be reached.", "why.nothing": "The server does not answer.", "why.namespace": "The server has no such namespace.", "why.server": "The server has ended the connection.", "why.client": "This page has left.", "why.network": "The line is broken.", "why.silent": "The server was silent for too long.", "why.garbage": "What came cannot be read.",
		connecting: "Connecting…", connected: "Connected · {transport}", lost: "Connection lost, trying again…", refused: "Refused: {why}",
		stopped: "Disconnected. {why}", docs: "Docs", limit: "The server says: {why}", skip: "Skip to the content", demos: "Demos", playground: "Playground", doctor: "Doctor",
		serverSource: "Server source", clientSource: "Client source", theme: "Switch between dark and light", language: "切换到中文", close: "Close", raw: "Plain file",
		copy: "Copy", copied: "Copied", next: "Next: {title}", home: "Home", you: "you", madeWith: "Served by Sockeye, a Socket.IO server in Go.",
	},
};

const fill = (text, values) => String(text).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

export function words(dictionary = {}) {
	const mine = { ...common[chinese ? "zh" : "en"], ...dictionary.en, ...(chinese ? dictionary.zh : {}) };
	const t = (key, values = {}) => fill(mine[key] ?? key, values);
	t.nodes = (key, values = {}) => String(mine[key] ?? key).split(/\{(\w+)\}/).flatMap((part, i) => (i % 2 === 0 ? part : Array.isArray(values[part]) ? values[part] : apart(values[part]))).filter((part) => part !== "");
	translate(chinese ? mine : {});
	return t;
}

// What somebody wrote, apart from our words around it in the direction it is written in.
export function apart(text) {
	const node = document.createElement("bdi");
	node.textContent = text;
	return node;
}

// Why the server refused, in the reader's language: its own English words, or ours for the code.
export function explain({ code, message, data }) {
	const text = chinese && common.zh["error." + code];
	return text ? fill(text, data ?? {}) : message;
}

// What clients and browsers say when something fails, which is for programmers, as a sentence for everybody.
const reasons = [
	[/^operation has timed out$|^signal timed out$|operation timed out|TimeoutError/, "timeout"],
	[/^socket has been disconnected$|^offline$/, "offline"],
	[/^(xhr|fetch|websocket|webtransport|jsonp|transport|probe) .*error|^(timeout|server error|forced close)$/, "unreachable"],
	[/^Invalid namespace$/, "namespace"],
	[/^you asked to be refused$|^not this time$/, "refused"], // words of our own demos
	[/^io server disconnect$/, "server"],
	[/^io client disconnect$/, "client"],
	[/^transport (close|error)$/, "network"],
	[/^ping timeout$/, "silent"],
	[/^parse error$/, "garbage"],
	[/Failed to fetch|NetworkError|Load failed|network error|fetch failed/i, "nothing"],
];

// Takes an error, what connect_error brings, or the reason of a disconnect.
export function plainly(what) {
	const text = String(what?.message ?? what);
	const known = reasons.find(([pattern]) => pattern.test(text));
	if (known) return common[chinese ? "zh" : "en"]["why." + known[1]];
	return what?.data?.code ? explain({ ...what.data, message: text }) : text;
}

export function switchLanguage() {
	const other = chinese ? "en" : "zh", kept = remember("lang", other);
	const same = document.querySelector(`link[rel="alternate"][hreflang^="${other}"]`); // a document's other language has its own address
	const to = new URL(same?.href ?? location.href);
	if (kept) to.searchParams.delete("lang");
	else if (!same) to.searchParams.set("lang", other); // where nothing can be kept, the address tells first.js
	if (to.href === location.href) location.reload();
	else location.assign(to);
}

// Text in which `backticks` mark code, as nodes.
export function rich(text) {
	return text.split("`").map((part, i) => {
		if (i % 2 === 0) return part;
		const code = document.createElement("code");
		code.textContent = part;
		return code;
	});
}

function translate(dictionary) {
	for (const node of $$("[data-t]")) {
		const text = dictionary[node.dataset.t] ?? node.textContent;
		node.replaceChildren(...rich(text));
	}
	for (const name of ["placeholder", "aria-label", "title", "data-empty"]) {
		const attribute = "data-t-" + name;
		for (const node of $$(`[${attribute}]`)) {
			const text = dictionary[node.getAttribute(attribute)];
			if (text !== undefined) node.setAttribute(name, text);
		}
	}
}
