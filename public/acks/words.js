export default {
	zh: {
		title: "确认", lead: "消息发出去了。到了吗？选择服务器怎样表现、发送多仔细，看看双方各知道什么。", messages: "消息", browser: "这个浏览器", server: "服务器", send: "发送", once: "至多一次", timed: "带 1 秒超时", least: "至少一次", mood: "服务器",
		answer: "正常回答", silent: "干活但从不回答", late: "1.5 秒后回答", second: "第二次才回答", sent: "#{n}", again: "#{n} 又一次", ack: "#{n} 确认", known: "#{n} 确认已到", timeout: "#{n} 超时：不知道", gaveUp: "#{n} 放弃：{tries} 次都没有回答", forgot: "#{n} 发了就忘",
		worked: "#{n} 做了一次", double: "#{n} 来了 {times} 次，认得 id，只做一次", wire: "未连接", buffered: "#{n} 未连接，先留着",
		n1: "至多一次", n1t: "`emit` 之后就忘。到一次；若线路恰在此刻断了，就一次也不到，发送者不知道是哪种。", n2: "超时不等于没做", n2t: "它只说没有按时得到回答。活也许早就干了：看看服务器那边。", n3: "至少一次", n3t: "`retries` 会一直重发，直到有回答。服务器可能收到两次，所以每条消息带一个 id，活只干一次。",
	},
	en: {
		sent: "#{n}", again: "#{n} once more", ack: "ack #{n}", known: "#{n}: it was done", timeout: "#{n}: timeout, who knows", gaveUp: "#{n}: no answer in {tries} tries", forgot: "#{n}: sent and forgotten",
		worked: "#{n}: done once", double: "#{n}: came {times} times, known by its id, done once", buffered: "#{n}: no connection, it waits",
	},
};
