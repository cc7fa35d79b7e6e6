export default {
	zh: {
		title: "白板", lead: "在这里画，另一个窗口会在你落笔的同时看到。后来的人会收到整幅画。", board: "白板", colour: "颜色", width: "粗细", undo: "撤销我的上一笔", clear: "为所有人清空",
		canvas: "画布。键盘：方向键移动画笔，空格落笔与提笔。", keys: "键盘：聚焦画布，方向键移动画笔，空格落笔与提笔。", ink: "墨色", salmon: "鲑红", green: "绿", blue: "蓝", gold: "金", violet: "紫", people: "{n} 人", count: "{n} 笔", unsent: "有 {n} 笔还没有送到，留在这里，连接恢复后会发送。", later: "已经送到的一笔，要等连接恢复才能撤销。",
		n1: "两种消息", n1t: "画的时候，`move` 带着最新的点，是易失的：丢了只是一瞬的空缺。提笔时 `stroke` 带着整条线，这一条会保存。",
		n2: "后来的人", n2t: "`join` 的回答是至今的每一笔。在上面的面板里把自己延迟，到别处画几笔，看看哪些会追上来。",
		n3: "有界", n3t: "一笔最多 1000 个点，一块板最多 3 万个点，最旧的先走。最后一个人离开两分钟后画就没有了：这么久也许只是断了网。",
	},
	en: { people: "{n} here", count: "Strokes: {n}", unsent: "Not sent yet: {n}. It stays here and is sent once the connection is back.", later: "What was sent can be undone once the connection is back." },
};
