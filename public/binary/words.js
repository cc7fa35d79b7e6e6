export default {
	zh: {
		title: "二进制", lead: "拖入一张图片。字节原样上行，不用 base64，随后出现在每个打开本页的屏幕上。", drop: "把图片拖到这里，或选择一张", limits: "PNG、JPEG、GIF 或 WebP。超过 600 KB 的先缩小。", sending: "正在发送", draw: "手边没有？发一条鱼", wall: "图片",
		by: "来自 {name}", notImage: "浏览器读不出这张图片", size: "{type} · {kb} KB", alt: "{name} 的图片", unsent: "有 {n} 张还没有送到，连接恢复后会发送。",
		n1: "附件", n1t: "数据包是 `451-[\"show\",{\"data\":{\"_placeholder\":true,\"num\":0}}]`。字节作为单独一帧跟在后面，到 Go 里就是 `[]byte`。", n2: "不听它自称", n2t: "服务器自己看开头的字节。名为 `.png` 的文本文件会被拒绝，不管浏览器怎么说。", n3: "墙上六张", n3t: "墙上留着最近六张，最后一个人离开两分钟后取下：这么久也许只是断了网。",
	},
	en: { by: "from {name}", notImage: "the browser cannot read this image", size: "{type} · {kb} KB", alt: "A picture by {name}", unsent: "Not sent yet: {n}. It will be, once the connection is back." },
};
