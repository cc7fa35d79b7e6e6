export default {
	zh: {
		title: "来源检查", lead: "任何网站发起 WebSocket 时，浏览器都会带上 cookie。所以服务器在每种传输上都问一声握手从哪里来，只放行自己的页面。", real: "两个页面真的来试", own: "本页", stranger: "沙盒框架里的陌生人", again: "让两者都试试",
		any: "任意来源", anyHint: "页面不能选择自己的 Origin 头，服务器可以：它用你写的值对自己握手，并给你看自己的回答。", transport: "传输方式", try: "试试", attempts: "尝试", outcome: "结果", why: "原因",
		in: "放行", out: "拒绝 · {status}", none: "（没有 Origin）", programs: "程序不带 Origin", same: "主机与端口都相同", opaque: "null：不属于任何网站", port: "端口不同", host: "主机不同", odd: "不是一个来源", listed: "服务器的配置允许它",
		n1: "它防什么", n1t: "跨站 WebSocket 劫持：别的页面以你的名义、带着你的 cookie 打开到服务器的套接字。CORS 拦不住，WebSocket 没有 CORS。", n2: "必须完全一致", n2t: "主机与端口都要相同。`localhost` 不是 `127.0.0.1`，另一个端口就是另一个网站。", n3: "有意放开", n3t: "`OriginList(\"https://app.example\")` 写明还有谁可以。程序不带 Origin，放行。",
	},
	en: {
		in: "let in", out: "refused · {status}", none: "(no Origin)", programs: "programs send none", same: "same host and port", opaque: "null belongs to no site", port: "another port", host: "another host", odd: "not an origin", listed: "the server is configured to allow it",
	},
};
