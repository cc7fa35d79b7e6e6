// What the page says. English stands in index.html where it is static.
export default {
	zh: {
		title: "检视", lead: "服务器此刻在做什么：谁在哪里，说了什么，又为何离开。", node: "节点", figures: "数字", spaces: "命名空间", rooms: "房间", sockets: "套接字",
		findRoom: "查找房间", order: "排序", byId: "按 ID", mostBuffered: "待发最多", mostIn: "发来最多", mostOut: "收到最多", findSocket: "按 ID 或地址查找", fromStart: "从头", further: "往后", id: "ID", transport: "传输", address: "地址", age: "时长", inRooms: "房间", traffic: "收 / 发", buffered: "待发",
		one: "一个套接字", choose: "请在上面选一个。", act: "操作", to: "对象：房间，或套接字的 ID", which: "房间，用逗号分隔", event: "事件", args: "参数，一个 JSON 数组", conn: "断开整个连接：官方客户端会自己回来", go: "执行",
		feed: "正在发生", filter: "按事件、ID 或地址过滤", pause: "暂停", resume: "继续", clear: "清空", nothing: "还没有。", reasons: "原因与上限", nodes: "节点", up: "运行", broker: "代理", goroutines: "协程",
		frames: "把某些人发的写进日志", framesHint: "在每个节点的日志里为某个套接字 ID、地址或命名空间的每个事件写一行，不含内容。", framesOf: "ID、地址或命名空间", framesOn: "开始记录", framesOff: "停止", framesIs: "正在记录 {of}", framesEnd: "已停止",
		all: "全部节点", live: "有回答的节点：{n}", gone: "没有回答：{nodes}。下面没有它们的内容。", away: "{node} 已不在集群中，最后一次回答是 {at}。下面没有它的内容。", lastHeard: "最后一次回答：{at}", lost: "服务器没有回应，正在重试…", refused: "服务器拒绝了：{why}", empty: "没有",
		join: "加入", leave: "离开", emit: "发送事件", disconnect: "断开", reached: "已到达 {n} 个套接字，{nodes} 个节点", noArray: "参数必须是 JSON 数组，例如 [1, \"a\"]", sure: "断开 {to}？",
		"f.sockets": "套接字", "f.in": "收到事件 / 秒", "f.out": "发出 / 秒", "f.bytes": "字节 / 秒", "f.waiting": "等待发出", "f.errors": "处理出错",
		"r.disconnected": "断开", "r.dropped": "丢弃", "r.ignored": "无人理会", "r.limits": "到达上限", "r.refused": "拒绝的请求，按代码", "r.cluster": "集群", noReasons: "还没有什么可报告的。",
		data: "数据", agent: "浏览器", origin: "来源", handling: "正在处理", recovered: "已恢复状态", left: "这个套接字不在了。", roomsOf: "所在房间", onlyOne: "只看 {id} 的事件", skipped: "略去 {n} 条", yes: "是", brokerUp: "已连接", brokerDown: "未连接",
		"k.connect": "连接", "k.disconnect": "断开", "k.in": "收", "k.out": "发", "k.unheard": "无人处理", "k.dropped": "丢弃", "k.limit": "上限", "k.panic": "恐慌", receivers: "{n} 个接收者", everything: "全部套接字", look: "只能看，不能改。",
	},
	en: {
		all: "All nodes", live: "Nodes that answer: {n}", gone: "No answer from {nodes}. Nothing of them is shown below.", away: "{node} is not in the cluster any more; it answered last at {at}. Nothing of it is shown below.", lastHeard: "answered last at {at}", lost: "The server does not answer, trying again…", refused: "The server refuses: {why}", empty: "None",
		join: "Join", leave: "Leave", emit: "Send an event", disconnect: "Disconnect", reached: "Reached: sockets {n}, nodes {nodes}", noArray: "The arguments are a JSON array, such as [1, \"a\"]", sure: "Disconnect {to}?", pause: "Pause", resume: "Go on",
		"f.sockets": "sockets", "f.in": "events in / s", "f.out": "sent / s", "f.bytes": "bytes / s", "f.waiting": "messages waiting", "f.errors": "handler errors",
		"r.disconnected": "Disconnected", "r.dropped": "Dropped", "r.ignored": "Ignored", "r.limits": "Limits reached", "r.refused": "Requests refused, by code", "r.cluster": "Cluster", noReasons: "There is nothing to report yet.",
		data: "Data", agent: "Browser", origin: "Origin", handling: "At work", recovered: "Recovered", left: "This socket is gone.", roomsOf: "Rooms", onlyOne: "Events of {id} only", skipped: "{n} left out", yes: "yes", brokerUp: "connected", brokerDown: "not connected",
		"k.connect": "connected", "k.disconnect": "left", "k.in": "in", "k.out": "out", "k.unheard": "no handler", "k.dropped": "dropped", "k.limit": "limit", "k.panic": "panic", receivers: "receivers: {n}", everything: "", look: "This inspection may only look.",
		id: "Id", transport: "Transport", address: "Address", age: "Age", traffic: "In / out", buffered: "Buffered", node: "Node", framesIs: "{of} is logged", framesEnd: "Stopped",
	},
};
