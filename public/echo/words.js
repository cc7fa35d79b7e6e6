export default {
	zh: {
		title: "回声", lead: "发什么回什么。一个端口上三个程序：Socket.IO、原生 WebSocket，以及一个用 JSON 回答、由页面追加的程序。", text: "要发送的文本", send: "三处都发", bytes: "发送字节",
		append: "追加", grown: "页面追加给自己的内容", took: "{ms} 毫秒", opened: "已打开", ended: "已关闭 {code}，马上重连",
		n1: "事件有名字和确认", n1t: "在 Socket.IO 里，回声就是对那一个事件的回答，所以页面知道花了多久。", n2: "帧两样都没有", n2t: "WebSocket 消息只是文本或字节。谁对应谁，由程序自己决定。`ws://localhost:3000/` 本身就是回声；加上 `--root-ws append` 则是追加。",
		n3: "文本只是文本", n3t: "`returnText` 作为文本进入页面。发送 `<b>bold</b>`，它原样不变。",
	},
	en: { took: "{ms} ms", opened: "open", ended: "closed {code}, coming back" },
};
