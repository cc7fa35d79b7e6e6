export default {
	zh: {
		title: "计数", lead: "服务器每秒数一个数。本页听到十就关闭连接，服务器也就不再为它数。", start: "开始数", counting: "服务器在数…", closed: "由本页关闭：{why}", lost: "连接断了：{why}",
		n1: "谁来停下", n1t: "客户端。服务端处理函数的 context 随连接结束，循环也随之结束，不必手动取消。", n2: "两种关闭", n2t: "Socket.IO 离开命名空间，连接留给别的用途。原生 WebSocket 以关闭握手结束，代码 1000。",
		n3: "用程序试试", n3t: "`new WebSocket(\"ws://localhost:3000/ws/counter\")`，或者给它发文本 `close`。加上 `--root-ws counter`，`ws://localhost:3000/` 也会数数。",
	},
	en: { counting: "The server is counting…", closed: "Closed by this page: {why}", lost: "The connection ended: {why}" },
};
