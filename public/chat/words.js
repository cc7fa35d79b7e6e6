export default {
	zh: {
		title: "聊天", lead: "再开一个窗口访问本页。只要有人在，房间就活在服务器上；最近 50 条等着下一位来客。",
		roomLabel: "房间", talkLabel: "对话", linesLabel: "消息", name: "你的名字", room: "房间", enter: "进入", here: "此刻在场", say: "说点什么", send: "发送",
		came: "{name} 进来了", went: "{name} 离开了", typing: "{names} 正在输入…", entered: "你进入了 {room}", unsent: "有 {n} 条还没有送到，连接恢复后会发送。",
		n1: "说出去，并且知道它到了", n1t: "`say` 是一次调用：回答是服务器收下的那一行，或者拒收的理由。超过 500 字就是一个理由。",
		n2: "“正在输入”可以丢", n2t: "`typing` 是易失的：来不及接收的读者不需要它，所以直接丢弃，而不是排队。",
		n3: "空房间不占任何东西", n3t: "历史属于房间，最后一位成员离开两分钟后消失（这么久也许只是断了网），什么都不写入磁盘。",
	},
	en: { came: "{name} came in", went: "{name} left", typing: "{names} typing…", entered: "You are in {room}", unsent: "Not sent yet: {n}. It will be, once the connection is back." },
};
