// What the parts of this page say of themselves, in the language of the document; without a document, in English.

const said = {
	zh: {
		type: "应为{types}", integer: "应为整数", "t.string": "文本", "t.number": "数字", "t.integer": "整数", "t.boolean": "true 或 false", "t.array": "列表", "t.object": "对象", "t.null": "null", "t.binary": "二进制数据", or: " 或 ",
		binary: "应为二进制数据", never: "这里不允许有值", const: "只能是 {value}", enum: "只能是以下之一：{values}", not: "不能是 {value}", notSo: "不能是这样的值",
		minimum: "不能小于 {n}", maximum: "不能大于 {n}", exclusiveMinimum: "必须大于 {n}", exclusiveMaximum: "必须小于 {n}", multipleOf: "必须是 {n} 的倍数",
		minLength: "至少 {n} 个字符", maxLength: "最多 {n} 个字符", filled: "不能为空", pattern: "不符合格式 {pattern}", format: "应为{format}",
		minItems: "至少 {n} 项", maxItems: "最多 {n} 项", uniqueItems: "各项不能重复", contains: "缺少必需的一项", minProperties: "至少 {n} 个成员", maxProperties: "最多 {n} 个成员",
		required: "缺少", additional: "没有这个成员", propertyNames: "不能叫这个名字", anyOf: "不符合任何一种形式：{texts}", oneOf: "符合不止一种形式", deep: "嵌套太深，没有检查",
		"f.date-time": "日期和时间，例如 2026-01-31T12:00:00Z", "f.date": "日期，例如 2026-01-31", "f.time": "时间，例如 12:00:00Z", "f.email": "电子邮件地址", "f.uri": "网址，例如 https://example.com/", "f.hostname": "主机名", "f.ipv4": "IPv4 地址", "f.ipv6": "IPv6 地址", "f.uuid": "UUID",
		noDocument: "这不是 AsyncAPI 文档：{why}", notJSON: "不是 JSON", notObject: "不是对象", tooLarge: "超过 {n} MB", version: "版本 {version} 读不了，能读的是 3.x", noChannels: "没有 channels", lostRef: "{at}：引用 {ref} 没有所指", cycle: "{at}：引用 {ref} 绕回自己",
		badName: "{at}：没有可用的名称", tooMany: "只读了前 {n} 个{what}", events: "事件", namespaces: "命名空间", arguments: "参数", badSchema: "{at}：不是模式", badAction: "{at}：action 应为 send 或 receive", badOperation: "{at}：不是操作",
		notExport: "这不是从试验场导出的文件", newer: "这个文件来自更新的版本", badRequest: "第 {n} 个请求读不了：{why}", full: "浏览器的存储空间已满：只保留到本页关闭", forbidden: "浏览器不允许保存：只保留到本页关闭", fullRequests: "最多保存 {n} 个请求", noName: "需要一个名称", tooLong: "名称最多 {n} 个字符", tooBig: "请求太大", noEvent: "没有事件", deepRequest: "嵌套太深", taken: "已有同名的请求", gone: "没有这个请求", imported: "已导入",
		add: "添加", addTo: "添加到 {name}", remove: "移除 {name}", item: "第 {n} 项", key: "名称", value: "值", given: "提供", null: "null", kind: "{name} 的形式", text: "文本", hex: "十六进制", file: "文件", json: "JSON", bytes: "{n} 字节", notHex: "应为十六进制数字，例如 48 65 6c", badJSON: "不是 JSON：{why}", number: "应为数字", choice: "形式 {n}", more: "还有 {n} 个成员没有列出", twice: "这个名称已经有了", deepForm: "嵌套太深，写成 JSON", now: "现在", fileTooLarge: "文件超过 {n} MB", none: "无",
	},
	en: {
		type: "This must be {types}", integer: "This must be a whole number", "t.string": "a text", "t.number": "a number", "t.integer": "a whole number", "t.boolean": "true or false", "t.array": "a list", "t.object": "an object", "t.null": "null", "t.binary": "binary data", or: " or ",
		binary: "This must be binary data", never: "Nothing may stand here", const: "This must be {value}", enum: "This must be one of {values}", not: "This must not be {value}", notSo: "This must not be so",
		minimum: "This must be at least {n}", maximum: "This must be at most {n}", exclusiveMinimum: "This must be more than {n}", exclusiveMaximum: "This must be less than {n}", multipleOf: "This must be a multiple of {n}",
		minLength: "At least {n} characters", maxLength: "At most {n} characters", filled: "This must not be empty", pattern: "This does not fit {pattern}", format: "This must be {format}",
		minItems: "At least {n} items", maxItems: "At most {n} items", uniqueItems: "No item may come twice", contains: "An item that must be there is missing", minProperties: "At least {n} members", maxProperties: "At most {n} members",
		required: "This is missing", additional: "There is no such member", propertyNames: "A member cannot have this name", anyOf: "None of the forms fits: {texts}", oneOf: "More than one of the forms fits", deep: "This is nested too deeply to be checked",
		"f.date-time": "a date and time, as 2026-01-31T12:00:00Z", "f.date": "a date, as 2026-01-31", "f.time": "a time, as 12:00:00Z", "f.email": "an e-mail address", "f.uri": "an address, as https://example.com/", "f.hostname": "the name of a host", "f.ipv4": "an IPv4 address", "f.ipv6": "an IPv6 address", "f.uuid": "a UUID",
		noDocument: "This is no AsyncAPI document: {why}", notJSON: "it is not JSON", notObject: "it is not an object", tooLarge: "it has more than {n} MB", version: "version {version} cannot be read, 3.x can", noChannels: "it has no channels", lostRef: "{at}: the reference {ref} leads nowhere", cycle: "{at}: the reference {ref} leads back to itself",
		badName: "{at}: there is no name that can be used", tooMany: "Only the first {n} {what} were read", events: "events", namespaces: "namespaces", arguments: "arguments", badSchema: "{at}: this is no schema", badAction: "{at}: an action is send or receive", badOperation: "{at}: this is no operation",
		notExport: "This file was not exported from a playground", newer: "This file comes from a newer version", badRequest: "Request {n} cannot be read: {why}", full: "The browser's storage is full: this lasts as long as the page", forbidden: "The browser forbids storage: this lasts as long as the page", fullRequests: "No more than {n} requests are kept", noName: "it needs a name", tooLong: "a name has at most {n} characters", tooBig: "it is too large", noEvent: "it has no event", deepRequest: "it is nested too deeply", taken: "there is one of this name", gone: "there is no such request", imported: "imported",
		add: "Add", addTo: "Add to {name}", remove: "Remove {name}", item: "Item {n}", key: "Name", value: "Value", given: "given", null: "null", kind: "Form of {name}", text: "Text", hex: "Hex", file: "File", json: "JSON", bytes: "{n} bytes", notHex: "Hexadecimal digits are needed, as in 48 65 6c", badJSON: "This is not JSON: {why}", number: "This must be a number", choice: "Form {n}", more: "{n} more members are not listed", twice: "There is one of this name already", deepForm: "This is nested too deeply: write it as JSON", now: "Now", fileTooLarge: "The file has more than {n} MB", none: "none",
	},
};

const language = () => (globalThis.document?.documentElement?.lang?.startsWith("zh") ? "zh" : "en");

export function say(key, values = {}) {
	return (said[language()][key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(values, name) ? String(values[name]) : whole));
}

// A text that may be anything, short enough to be read in a sentence.
export function short(value, most = 80) {
	let text;
	try {
		text = typeof value === "string" ? value : JSON.stringify(value);
	} catch {
		text = String(value);
	}
	text ??= String(value);
	return text.length > most ? text.slice(0, most - 1) + "…" : text;
}
