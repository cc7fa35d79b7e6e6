export default {
	zh: {
		title: "长轮询", lead: "WebSocket 之前，以及在弄坏它的代理后面：一个请求一直等到有话可说。看清每一个请求，再看它让位。", transport: "传输方式", upgrade: "先轮询再升级", stay: "一直轮询", straight: "直接 WebSocket", shout: "发送一个事件",
		requests: "请求", get: "GET：等服务器开口", post: "POST：把事件带上去", ws: "WebSocket：双向，直到结束", f1: "次请求", f2: "字节正文", f3: "个下行事件", upgrading: "正在用 2probe 探测 WebSocket…", upgraded: "升级完成，轮询退场",
		n1: "会等待的请求", n1t: "总有一个 GET 开着。服务器有话就回答它，客户端马上再问，感觉就像推送。", n2: "升级", n2t: "旁边打开一个 WebSocket，用 `2probe` 探测。有了回答，开着的轮询收到一个 noop `6` 而释放，一切搬过去，不丢不重。",
		n3: "留下来的时候", n3t: "探测失败，会话就继续轮询。所以 Socket.IO 从轮询开始。",
	},
	en: { upgrading: "probing a WebSocket with 2probe…", upgraded: "upgraded: polling steps back" },
};
