"""Django Channels on daphne, with the layer in memory: there is one process."""

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from daphne.server import Server
from django.conf import settings
from django.urls import path

from bench.peers.common import BACKLOG, HOST, answer, options

# It drops what is above the capacity, 100 if nobody says otherwise.
LAYER = {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 100_000}}

ROOM = "room"


class Chat(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        await self.channel_layer.group_add(ROOM, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(ROOM, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        event = {"type": "say", "text": answer(text_data or "")}
        await self.channel_layer.group_send(ROOM, event)

    async def say(self, event: dict[str, str]) -> None:
        await self.send(text_data=event["text"])


if __name__ == "__main__":
    given = options()
    settings.configure(SECRET_KEY="bench", ALLOWED_HOSTS=["*"], CHANNEL_LAYERS={"default": LAYER})
    django.setup()
    app = ProtocolTypeRouter({"websocket": URLRouter([path("ws", Chat.as_asgi())])})
    endpoint = f"tcp:port={given.port}:interface={HOST}:backlog={BACKLOG}"
    Server(app, endpoints=[endpoint], verbosity=0).run()
