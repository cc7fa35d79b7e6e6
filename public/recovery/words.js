export default {
	zh: {
		title: "恢复", lead: "服务器每秒说两个数。切断网络，等一会儿，接好，看两个客户端谁能拿回错过的。", with: "有连接状态恢复", without: "没有", cut: "切断网络", mend: "接好网络", restart: "由服务器断开两者", beads: "收到的数", live: "当时收到", back: "切断之后补回", lostOne: "永远错过",
		recovered: "已恢复，补回 {n} 个", fresh: "新的会话，错过 {n} 个", on: "已连接", off: "已断开", away: "已离开 {s} 秒",
		n1: "还是那个套接字", n1t: "客户端出示一个私有 id 和最后见到的偏移。两分钟之内，服务器把它的 id、房间和数据还给它。", n2: "以及它错过的", n2t: "发往它房间的事件会保留那么久，按顺序、先于新事件到达，`socket.recovered` 为真。", n3: "不是承诺", n3t: "服务器重启或离开太久，就没有什么可恢复。程序看 `recovered`，为假就去取状态。",
	},
	en: { cut: "Cut the network", mend: "Mend the network", recovered: "recovered, {n} came back", fresh: "a new session, {n} missed", on: "connected", off: "cut off", away: "away for {s} s" },
};
