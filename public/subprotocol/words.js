export default {
	zh: {
		title: "子协议", lead: "WebSocket 客户端可以在握手里提出子协议。这个端点只说其中一种，谈不拢就立刻分开。", offer: "本页提出什么", connect: "连接", close: "关闭", text: "消息", send: "发送", result: "结果", handshake: "握手", empty: "先连接，再说点什么。",
		agreed: "谈妥了：`{protocol}`。现在可以说话。", foreign: "提出的里面没有 `com.kaazing.echo`，服务器一个也没选，浏览器因此拒绝了握手（1006，没有原因）。", none: "什么也没提出。服务器接受了连接，随即以 {code} 关闭：{reason}",
		away: "连接结束：{code} {reason}", n1: "谈妥", n1t: "客户端提出一张单子，服务器选一个并在回答里写明。从此双方都知道怎样读对方的话。`ws://localhost:3000/` 对提出它的客户端也说这个子协议。",
		n2: "没有共同语言", n2t: "浏览器会拒绝一个不从它的单子里选的握手，代码 1006，没有原因。页面知道自己提了什么，所以说得清。", n3: "什么也没提", n3t: "浏览器没有意见，于是由服务器说明缺了什么：以代码 4406 和原因关闭。",
	},
	en: {
		agreed: "Agreed on `{protocol}`. Go on, say something.", foreign: "`com.kaazing.echo` was not among the offers. The server picked none, so the browser refused the handshake (1006, no reason given).",
		none: "Nothing was offered. The server let the connection in, and closed it with {code}: {reason}", away: "The connection ended: {code} {reason}",
	},
};
