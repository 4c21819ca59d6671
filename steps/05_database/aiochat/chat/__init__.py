"""The chat: messages, and the sockets that carry them."""
