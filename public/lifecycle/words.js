export default {
	zh: {
		title: "生命周期", lead: "连接一生中的每个事件，配一个触发它的按钮。亮起的那一行就是它引发的；浏览器的名字旁边是 Go 的名字。", browser: "浏览器里", go: "Go 里", cause: "触发", last: "最近一次", times: "次数",
		n1: "断了不等于走了", n1t: "`transport close` 之后客户端会自己回来；`io server disconnect` 之后不会，因为服务器已经道别。", n2: "错误说得很少", n2t: "浏览器从不说明 WebSocket 为何失败，免得页面借此探测别的机器。代码 1006 的意思只是：没有道别。",
		n3: "一个原因，两个名字", n3t: "双方各从自己的角度称呼结束。Go 这边的原因就是 `OnDisconnect` 收到的那个。",
		connect: "连接", refuse: "被拒绝地连接", say: "说 hello", ask: "请服务器提问", kick: "请服务器道别", drop: "请服务器断线", leave: "主动离开", wait: "由断线引发", beat: "等待心跳", dead: "连一个不存在的路径", close: "关闭", unsaid: "（浏览器不说原因）",
	},
	en: {
		connect: "Connect", refuse: "Connect and be refused", say: "Say hello", ask: "Have the server ask", kick: "Have the server say goodbye", drop: "Have the server drop the line", leave: "Leave", wait: "Comes with a dropped line",
		beat: "Wait for the heartbeat", dead: "Dial a path that is not there", close: "Close", unsaid: "(browsers do not say why)",
	},
};
