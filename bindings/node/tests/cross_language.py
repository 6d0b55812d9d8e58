"""Asks through openai under f3dx_cache: `cross_language.py MODE PATH URL`; prints results."""

import json
import sys

import openai
from f3dx_cache import use

MODE, PATH, URL = sys.argv[1:]
HOSTS = {"hosts": ["127.0.0.1:*"], "host_aliases": {"127.0.0.1:*": "api.openai.com"}}
MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Grüße, 世界 🙂"},
]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOLS = [{"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}]


def dumped(model):
    return model.model_dump(mode="json", exclude_unset=True)


client = openai.OpenAI(base_url=f"{URL}/v1", api_key="a-key")
chat = client.chat.completions
with use(path=PATH, mode=MODE, **HOSTS) as cache:
    results = {
        "chat": dumped(chat.create(model="gpt-4o", messages=MESSAGES, temperature=0.7)),
        "stream": [
            dumped(chunk) for chunk in chat.create(model="gpt-4o", messages=MESSAGES, stream=True)
        ],
        "tools": dumped(chat.create(model="gpt-4o", messages=MESSAGES, tools=TOOLS)),
        "responses": dumped(client.responses.create(model="gpt-4o", input="Hi")),
        "embeddings": dumped(
            client.embeddings.create(model="text-embedding-3-small", input=["Hi", "Ho"])
        ),
    }
    summary = cache.summary()
print(json.dumps({"results": results, "summary": summary}))
