// Every demo: its folder in public/, its file in namespaces/, its title and one line about it. The home page's gallery, the order of
// "next" and the source buttons all come from here.

export const demos = [
	{ id: "welcome", go: "welcome.go", title: "Welcome", zh: "欢迎", line: "The smallest one: the server says hello.", zhLine: "最小的演示：服务器说一声你好。" },
	{ id: "chat", go: "chat.go", title: "Chat", zh: "聊天", line: "Rooms, who is here, who is typing, the last 50 lines.", zhLine: "房间、在线名单、正在输入、最近 50 条。" },
	{ id: "whiteboard", go: "whiteboard.go", title: "Whiteboard", zh: "白板", line: "Draw together. Whoever comes late gets the picture.", zhLine: "一起画，后来的人也能看到整幅画。" },
	{ id: "cursors", go: "cursors.go", title: "Cursors", zh: "光标", line: "One text, many hands, everybody’s caret in view.", zhLine: "一篇文字，多人编辑，彼此的光标都看得见。" },
	{ id: "counter", go: "counter.go", title: "Counter", zh: "计数", line: "The server counts, the client closes at ten.", zhLine: "服务器数数，数到十由客户端关闭。" },
	{ id: "echo", go: "echo.go", title: "Echo", zh: "回声", line: "What goes up comes back, over Socket.IO and plain WebSocket.", zhLine: "发什么回什么，Socket.IO 与原生 WebSocket 各一份。" },
	{ id: "subprotocol", go: "kaazing.go", title: "Sub-protocol", zh: "子协议", line: "Agree on a language in the handshake, or part at once.", zhLine: "握手时商定子协议，谈不拢就立刻分开。" },
	{ id: "lifecycle", go: "lifecycle.go", title: "Lifecycle", zh: "生命周期", line: "Each event of a connection, with a button that causes it.", zhLine: "连接的每一个事件，配一个触发它的按钮。" },
	{ id: "polling", go: "polling.go", title: "Long polling", zh: "长轮询", line: "Watch the requests, then watch the upgrade happen.", zhLine: "看请求一来一回，再看升级怎样发生。" },
	{ id: "binary", go: "binary.go", title: "Binary", zh: "二进制", line: "Drop an image here, it appears at everyone.", zhLine: "拖入一张图片，所有人都会看到。" },
	{ id: "acks", go: "acks.go", title: "Acks", zh: "确认", line: "At most once, at least once, and what a timeout means.", zhLine: "至多一次、至少一次，以及超时意味着什么。" },
	{ id: "origin", go: "origin.go", title: "Origin guard", zh: "来源检查", line: "Which handshakes are let in, which are not, and why.", zhLine: "哪些握手放行，哪些拒绝，以及为什么。" },
	{ id: "recovery", go: "recovery.go", title: "Recovery", zh: "恢复", line: "Cut the network and see what comes back.", zhLine: "切断网络，看看什么会回来。" },
];

export const extras = [
	{ id: "playground", go: "playground.go", title: "Playground", zh: "试验场", line: "Any namespace, any event, every frame on the wire decoded.", zhLine: "任意命名空间、任意事件，线上每一帧都拆给你看。" },
	{ id: "doctor", title: "Doctor", zh: "诊断", line: "Why won’t it connect? Each step checked, with the fix.", zhLine: "为什么连不上？逐步检查，附上解法。" },
];

export const find = (id) => [...demos, ...extras].find((demo) => demo.id === id);
