export default {
	zh: {
		title: "光标", lead: "大家共用一篇文字。在两个窗口里同时输入：彼此看得见光标，最后文字一致。", editor: "编辑器", shared: "共享文字", here: "此刻在场",
		bar: "版本 {version} · 第 {line} 行，第 {column} 列", waiting: "有未确认的修改", offline: "有修改还没有送到，连接恢复后会发送",
		n1: "光标", n1t: "`cursor` 说的是 `{line, column, userId}`，是易失的：只有最新的才算数，旧的不值得等。",
		n2: "文字", n2t: "`edit` 带着它所依据的版本。有人更快，服务器就说 `stale`；页面先接受对方的修改，挪动自己的，再试一次。",
		n3: "试试坏网络", n3t: "延迟收到的消息，或切断网络，两边都输入，再接好：两边的文字会重新一致。",
	},
	en: { bar: "version {version} · line {line}, column {column}", waiting: "unconfirmed changes", offline: "changes not sent yet; they will be, once the connection is back" },
};
