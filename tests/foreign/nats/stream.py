"""A stream of JetStream, by NATS' own client.

In: one JSON object on stdin: {url, make: subjects or null}. With `make`, the stream is made. Out: one JSON
object on stdout: {messages: [{subject, headers, event}]}, all that it stores.
"""

import asyncio
import json
import sys

import nats
from nats.js.api import StreamConfig


async def main():
    question = json.load(sys.stdin)
    client = await nats.connect(question["url"], connect_timeout=20)
    streams = client.jetstream()
    if question["make"]:
        config = StreamConfig(name="events", subjects=[question["make"]])
        await streams.add_stream(config)
    state = (await streams.stream_info("events")).state
    messages = []
    for number in range(state.first_seq or 1, state.last_seq + 1):
        message = await streams.get_msg("events", number)
        messages.append(
            {
                "subject": message.subject,
                "headers": message.headers,
                "event": json.loads(message.data),
            }
        )
    await client.close()
    json.dump({"messages": messages}, sys.stdout)


asyncio.run(main())
