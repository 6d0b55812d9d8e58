"""What suites do with the SDKs: each asks, and returns what came of it."""

import json

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "The weather in a city",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]
RESPONSES_TOOLS = [{"type": "function", "strict": False, **TOOLS[0]["function"]}]
MESSAGES_TOOLS = [
    {
        "name": "weather",
        "input_schema": TOOLS[0]["function"]["parameters"],
        "description": "Weather",
    }
]


def said(text):
    return [{"role": "user", "content": text}]


def whole(answer):
    return answer.model_dump(), answer._request_id


def joined(events):
    return [event.model_dump() for event in events]


def chat(openai, anthropic):
    return whole(openai.chat.completions.create(model="gpt-4o", messages=said("Name a river")))


def chat_tools(openai, anthropic):
    answer = openai.chat.completions.create(
        model="gpt-4o", messages=said("Weather in Rome?"), tools=TOOLS
    )
    call = answer.choices[0].message.tool_calls[0]
    return call.function.name, json.loads(call.function.arguments), whole(answer)


def chat_stream(openai, anthropic):
    return joined(
        openai.chat.completions.create(
            model="gpt-4o",
            messages=said("Name a lake [[chunk:7]]"),
            stream=True,
            stream_options={"include_usage": True},
        )
    )


def chat_stream_of_tools(openai, anthropic):
    return joined(
        openai.chat.completions.create(
            model="gpt-4o", messages=said("Weather in Oslo?"), tools=TOOLS, stream=True
        )
    )


def chat_stream_helper(openai, anthropic):
    with openai.chat.completions.stream(model="gpt-4o", messages=said("Name a hill")) as stream:
        stream.until_done()
        return stream.get_final_completion().model_dump()


def embeddings(openai, anthropic):
    answer = openai.embeddings.create(model="text-embedding-3-small", input=["a lake", "a hill"])
    return [item.embedding for item in answer.data], answer.usage.model_dump()


def responses(openai, anthropic):
    answer = openai.responses.create(model="gpt-4o", input="Name a sea")
    return answer.output_text, whole(answer)


def responses_tools(openai, anthropic):
    return whole(
        openai.responses.create(model="gpt-4o", input="Weather in Bonn?", tools=RESPONSES_TOOLS)
    )


def responses_stream(openai, anthropic):
    return joined(openai.responses.create(model="gpt-4o", input="Name an ocean", stream=True))


def raw_response(openai, anthropic):
    raw = openai.chat.completions.with_raw_response.create(
        model="gpt-4o", messages=said("Name a tree")
    )
    return raw.status_code, raw.headers["x-request-id"], raw.parse().model_dump(), raw.text


def streaming_response(openai, anthropic):
    with openai.chat.completions.with_streaming_response.create(
        model="gpt-4o", messages=said("Name a bush [[gzip]]")
    ) as raw:
        return raw.headers["x-request-id"], list(raw.iter_lines())


def messages(openai, anthropic):
    return whole(
        anthropic.messages.create(model="claude-4", max_tokens=50, messages=said("Name a bird"))
    )


def messages_tools(openai, anthropic):
    return whole(
        anthropic.messages.create(
            model="claude-4",
            max_tokens=50,
            messages=said("Weather in Kyiv?"),
            tools=MESSAGES_TOOLS,
        )
    )


def messages_stream(openai, anthropic):
    with anthropic.messages.stream(
        model="claude-4", max_tokens=50, messages=said("Name a fish"), tools=MESSAGES_TOOLS
    ) as stream:
        return joined(stream), stream.get_final_message().model_dump(), stream.request_id


def messages_raw_stream(openai, anthropic):
    return joined(
        anthropic.messages.create(
            model="claude-4", max_tokens=50, messages=said("Name a frog"), stream=True
        )
    )


async def async_chat(openai, anthropic):
    return whole(await openai.chat.completions.create(model="gpt-4o", messages=said("A river?")))


async def async_chat_stream(openai, anthropic):
    stream = await openai.chat.completions.create(
        model="gpt-4o", messages=said("A lake?"), stream=True
    )
    return joined([event async for event in stream])


async def async_embeddings(openai, anthropic):
    answer = await openai.embeddings.create(model="text-embedding-3-small", input="a bay")
    return answer.data[0].embedding, answer.usage.model_dump()


async def async_responses(openai, anthropic):
    return whole(await openai.responses.create(model="gpt-4o", input="A sea?"))


async def async_responses_stream(openai, anthropic):
    async with openai.responses.stream(model="gpt-4o", input="An ocean?") as stream:
        return joined([event async for event in stream])


async def async_raw_response(openai, anthropic):
    raw = await openai.chat.completions.with_raw_response.create(
        model="gpt-4o", messages=said("A tree?")
    )
    return raw.status_code, raw.headers["x-request-id"], raw.parse().model_dump()


async def async_streaming_response(openai, anthropic):
    async with openai.chat.completions.with_streaming_response.create(
        model="gpt-4o", messages=said("A bush? [[gzip]]")
    ) as raw:
        return raw.headers["x-request-id"], [line async for line in raw.iter_lines()]


async def async_messages(openai, anthropic):
    return whole(
        await anthropic.messages.create(
            model="claude-4", max_tokens=50, messages=said("A bird?"), tools=MESSAGES_TOOLS
        )
    )


async def async_messages_stream(openai, anthropic):
    async with anthropic.messages.stream(
        model="claude-4", max_tokens=50, messages=said("A fish?")
    ) as stream:
        return await stream.get_final_text(), (await stream.get_final_message()).model_dump()


SYNC = [
    chat,
    chat_tools,
    chat_stream,
    chat_stream_of_tools,
    chat_stream_helper,
    embeddings,
    responses,
    responses_tools,
    responses_stream,
    raw_response,
    streaming_response,
    messages,
    messages_tools,
    messages_stream,
    messages_raw_stream,
]
ASYNC = [
    async_chat,
    async_chat_stream,
    async_embeddings,
    async_responses,
    async_responses_stream,
    async_raw_response,
    async_streaming_response,
    async_messages,
    async_messages_stream,
]
