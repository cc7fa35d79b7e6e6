export default {
	zh: {
		title: "试验场", lead: "连接本服务器的任意命名空间，发送任何东西，看清线上每一帧的组成。", connection: "连接", namespace: "命名空间", transports: "传输方式",
		upgrade: "先长轮询，再升级", ws: "仅 WebSocket", poll: "仅长轮询", authQuery: "auth 与 query", connect: "连接", disconnect: "断开", emit: "发送", event: "事件", args: "参数",
		more: "增加一个参数", ack: "要确认，时限", copyAs: "复制为", link: "链接", timeline: "时间线", export: "导出", clear: "清空", search: "搜索", subscribe: "订阅：全部事件",
		subscribeLabel: "只订阅这些事件，用逗号分隔", sent: "发出", received: "收到", notes: "记录", empty: "先连接，再发送点什么。", wire: "线上", beats: "也看心跳", frames: "帧",
		choose: "每一帧经过时的样子。选一帧，看各部分的含义与字节。", text: "文本", file: "文件", remove: "删除参数 {n}", value: "参数 {n} 的值", kind: "参数 {n} 的类型",
		idle: "未连接", taken: "命名空间以斜杠开头，当作 {namespace}。", unknown: "服务器没有 {namespace}。它有：{known}", meant: "是想连接 {meant} 吗？",
		"no.host": "这是另一台服务器的地址，不是命名空间。试验场只连接本服务器，例如 /chat。检查别的服务器请用“诊断”。", "no.two": "一次只能连接一个命名空间，名字里没有空格和逗号，例如 /chat。", "no.query": "命名空间不含 ? 和 #。参数请写在下面的 query 里。",
		noFile: "先选一个文件", answered: "已确认", acked: "确认 · {ms} 毫秒", noAck: "{ms} 毫秒内没有确认", dropped: "未连接，先放进缓冲", linked: "链接已复制，其中含有 auth", broken: "第 {line} 行第 {column} 列：应为{wanted}",
		"a value": "一个值", "a colon": "冒号", "the end": "结尾", "a closing quote": "结束的引号", "a string in double quotes": "双引号里的字符串", "a comma or }": "逗号或 }", "a comma or ]": "逗号或 ]",
		"an escape that JSON knows": "JSON 认识的转义", "no line break or control character in a string": "不含换行与控制字符的字符串",
		"Engine.IO open": "Engine.IO 打开", "Engine.IO close": "Engine.IO 关闭", "Engine.IO ping": "Engine.IO 心跳", "Engine.IO pong": "Engine.IO 心跳回答", "Engine.IO message": "Engine.IO 消息", "Engine.IO noop": "Engine.IO 空包",
		"Socket.IO CONNECT": "Socket.IO 连接", "Socket.IO DISCONNECT": "Socket.IO 断开", "Socket.IO EVENT": "Socket.IO 事件", "Socket.IO ACK": "Socket.IO 确认", "Socket.IO CONNECT_ERROR": "Socket.IO 拒绝连接", "Socket.IO BINARY_EVENT": "Socket.IO 二进制事件", "Socket.IO BINARY_ACK": "Socket.IO 二进制确认",
		handshake: "握手", data: "数据", namespace: "命名空间", arguments: "参数", "auth or session id": "auth 或会话 id", "why it was refused": "拒绝的原因", "an ack is wanted, under this id": "要确认，编号如此", "answers the event with this id": "回答这个编号的事件",
		"how many binary attachments follow": "后面跟着几个二进制附件", "attachment, sent as b and base64": "附件，以 b 加 base64 发送", "attachment, a binary frame of its own": "附件，单独的一个二进制帧",
	},
	en: {
		idle: "Not connected", taken: "A namespace begins with a slash: taken as {namespace}.", unknown: "The server has no {namespace}. It has: {known}", meant: "Did you mean {meant}?",
		"no.host": "This is the address of another server, not a namespace. The playground connects to this one, for example to /chat; the doctor examines others.", "no.two": "One namespace at a time, and without blanks or commas: /chat, for example.", "no.query": "A namespace has no ? and no #. Parameters belong into the query below.",
		text: "text", file: "file", remove: "Remove argument {n}", value: "Value of argument {n}", kind: "Kind of argument {n}", noFile: "choose a file first",
		answered: "ack", acked: "ack · {ms} ms", noAck: "no ack within {ms} ms", dropped: "not connected: it waits in the buffer", linked: "Link copied, auth included", broken: "line {line}, column {column}: expected {wanted}",
	},
};
