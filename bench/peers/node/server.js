// `ws` on Node, as its documentation broadcasts: a look over the fence.
const { WebSocketServer, WebSocket } = require("ws");

const port = Number(process.argv[2]);
const server = new WebSocketServer({ host: "127.0.0.1", port, path: "/ws", backlog: 1024 });
let id = 0;

function answer(data) {
  const { text } = JSON.parse(data);
  const at = new Date().toISOString();
  return JSON.stringify({ type: "message", id: ++id, user: "anonymous", text: String(text), at });
}

server.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (data) => {
    const text = answer(data);
    for (const client of server.clients) {
      if (client.readyState === WebSocket.OPEN) client.send(text);
    }
  });
});
