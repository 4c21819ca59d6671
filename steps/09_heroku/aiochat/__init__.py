"""A chat, built with aiohttp."""
