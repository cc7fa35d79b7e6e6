// English and Chinese. English stands in the page's HTML where it is static; a page's dictionary holds the Chinese for it, and
// both languages for what is said while the page runs:
//
//	const t = words({ zh: { title: "你好", sent: "已发送 {n}" }, en: { sent: "sent {n}" } });
//	<h1 data-t="title">Hello</h1>          data-t-placeholder, data-t-aria-label and data-t-title do the same for attributes
//	t("sent", { n: 3 })
//
// `backticks` in a text become <code>.

import { $$, remember } from "./dom.js";

export const chinese = document.documentElement.lang.startsWith("zh");

const common = {
	zh: {
		connecting: "正在连接…", connected: "已连接 · {transport}", lost: "连接已断开，正在重连…", refused: "被拒绝：{why}",
		stopped: "已断开", limit: "服务器说：{why}", skip: "跳到内容", demos: "演示", playground: "试验场", doctor: "诊断",
		serverSource: "服务端源码", clientSource: "客户端源码", theme: "切换深色与浅色", language: "Switch to English", close: "关闭", raw: "原始文件",
		"error.slow_down": "太快了，请稍等", "error.empty": "不能为空", "error.too_long": "最多 {limit} 个字符", "error.length": "一行 1 到 {limit} 个字符",
		"error.too_big": "一张图片最多 700 KB", "error.no_picture": "这不是 PNG、JPEG、GIF 或 WebP 图片（{type}）", "error.no_room": "请先进入房间", "error.full": "已满（最多 {limit}）",
		copy: "复制", copied: "已复制", next: "下一个：{title}", home: "首页", you: "你", madeWith: "由 Sockeye 提供，一个用 Go 写的 Socket.IO 服务器。",
	},
	en: {
		connecting: "Connecting…", connected: "Connected · {transport}", lost: "Connection lost, trying again…", refused: "Refused: {why}",
		stopped: "Disconnected", limit: "The server says: {why}", skip: "Skip to the content", demos: "Demos", playground: "Playground", doctor: "Doctor",
		serverSource: "Server source", clientSource: "Client source", theme: "Switch between dark and light", language: "切换到中文", close: "Close", raw: "Plain file",
		copy: "Copy", copied: "Copied", next: "Next: {title}", home: "Home", you: "you", madeWith: "Served by Sockeye, a Socket.IO server in Go.",
	},
};

const fill = (text, values) => String(text).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

export function words(dictionary = {}) {
	const mine = { ...common[chinese ? "zh" : "en"], ...dictionary.en, ...(chinese ? dictionary.zh : {}) };
	const t = (key, values = {}) => fill(mine[key] ?? key, values);
	translate(chinese ? mine : {});
	return t;
}

// Why the server refused, in the reader's language: its own English words, or ours for the code.
export function explain({ code, message, data }) {
	const text = chinese && common.zh["error." + code];
	return text ? fill(text, data ?? {}) : message;
}

export function switchLanguage() {
	remember("lang", chinese ? "en" : "zh");
	location.reload();
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
