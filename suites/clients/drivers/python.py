"""The clients of PyPI: python3 python.py CLIENT. It reports as driver.js says."""

import asyncio
import json
import sys
import threading
import time
import urllib.request


printing = threading.Lock()


class Job:
    def __init__(self, described):
        self.name, self.url, self.millis = (described[key] for key in ("name", "url", "millis"))
        self.enough, self.once = described.get("enough"), described.get("once")
        self.since, self.events, self.over = time.monotonic(), 0, threading.Event()

    def report(self, what, **more):
        if self.over.is_set():
            return
        at = round((time.monotonic() - self.since) * 1000)
        line = {"job": self.name, "what": what, "at": at, "time": time.time() * 1000, **more}
        with printing:
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
        if what == "event":
            self.events += 1
            if more["data"] == "end" or self.events == self.enough:
                self.over.set()

    def failed(self, error):
        self.report("error", text=f"{type(error).__name__}: {error}"[:300])


def by_hand(read):
    """Reads again and again, as the users of a client do that does not reconnect itself."""

    def listen(job):
        last = ""
        for _ in range(20):
            headers = {"accept": "text/event-stream", **({"last-event-id": last} if last else {})}
            try:
                for type_, data, id_ in read(job, headers):
                    if id_ is not None:
                        last = id_
                    job.report("event", type=type_, data=data, lastEventId=last)
                    if job.over.is_set():
                        return
                job.report("ended")
            except Exception as error:
                job.failed(error)
            if job.over.wait(0.1):
                return

    return listen


@by_hand
def httpx_sse(job, headers):
    import httpx
    from httpx_sse import connect_sse

    with httpx.Client(timeout=20, trust_env=False) as client:
        with connect_sse(client, "GET", job.url, headers=headers) as source:
            job.report("open")
            for event in source.iter_sse():
                yield event.event, event.data, event.id


@by_hand
def sseclient_py(job, headers):
    import requests
    import sseclient

    with requests.get(job.url, headers=headers, stream=True, timeout=20) as response:
        job.report("open")
        for event in sseclient.SSEClient(response).events():
            yield event.event, event.data, event.id


@by_hand
def requests_sse(job, headers):
    from requests_sse import EventSource

    headers.pop("accept")
    with EventSource(job.url, headers=headers, timeout=20, on_open=lambda: job.report("open")) as source:
        for event in source:
            yield event.type or "message", event.data, event.last_event_id


def aiohttp_sse_client(job):
    from datetime import timedelta

    from aiohttp_sse_client.client import EventSource

    async def listen():
        # It knows the server's reconnection time, and ends with the stream unless asked again.
        last = ""
        for _ in range(20):
            try:
                again = {"headers": {"last-event-id": last}} if last else {}
                async with EventSource(job.url, **again, on_open=lambda: job.report("open"),
                                       reconnection_time=timedelta(milliseconds=100)) as source:
                    async for event in source:
                        last = event.last_event_id or last
                        job.report("event", type=event.type or "message", data=event.data, lastEventId=event.last_event_id)
                        if job.over.is_set():
                            return
                job.report("ended")
            except Exception as error:
                job.failed(error)
            await asyncio.sleep(0.1)

    run_async(job, listen())


def run_async(job, listening):
    async def bounded():
        task = asyncio.ensure_future(listening)
        while not task.done() and not job.over.is_set():
            await asyncio.wait([task], timeout=0.02)
        task.cancel()
        await asyncio.wait([task], timeout=1)

    asyncio.run(bounded())


def sdk(open_):
    def listen(job):
        try:
            for data in open_(job):
                if data is not None:
                    job.report("event", data=data)
                if job.over.is_set():
                    return
            job.report("event", data="end")
        except Exception as error:
            job.failed(error)
            job.report("closed")

    return listen


MESSAGES = [{"role": "user", "content": "hello"}]


@sdk
def openai(job):
    import openai

    client = openai.OpenAI(base_url=job.url, api_key="none", max_retries=0)
    stream = client.chat.completions.create(model="zoo", messages=MESSAGES, stream=True)
    job.report("open")
    for chunk in stream:
        yield chunk.choices[0].delta.content


@sdk
def openai_responses(job):
    import openai

    client = openai.OpenAI(base_url=job.url, api_key="none", max_retries=0)
    stream = client.responses.create(model="zoo", input="hello", stream=True)
    job.report("open")
    for event in stream:
        if event.type == "error":
            raise RuntimeError(event.message)
        yield event.delta if event.type == "response.output_text.delta" else None


@sdk
def anthropic(job):
    import anthropic

    client = anthropic.Anthropic(base_url=job.url, api_key="none", max_retries=0)
    stream = client.messages.create(model="zoo", max_tokens=9, messages=MESSAGES, stream=True)
    job.report("open")
    for event in stream:
        yield event.delta.text if event.type == "content_block_delta" else None


def mcp(job):
    from mcp import ClientSession

    try:
        from mcp.client.streamable_http import streamable_http_client as connect
    except ImportError:
        from mcp.client.streamable_http import streamablehttp_client as connect

    async def listen():
        async def heard(params):
            job.report("event", data=params.data)

        try:
            async with connect(job.url) as streams:
                async with ClientSession(*streams[:2], logging_callback=heard) as session:
                    await session.initialize()
                    result = await session.call_tool("zoo", {})
                    job.report("event", data=result.content[0].text)
        except BaseException as error:
            while getattr(error, "exceptions", None):
                error = error.exceptions[0]
            job.failed(error)
            job.report("closed")
            if isinstance(error, asyncio.CancelledError):
                raise

    run_async(job, listen())


CLIENTS = {
    "httpx-sse": httpx_sse, "sseclient-py": sseclient_py, "requests-sse": requests_sse,
    "aiohttp-sse-client": aiohttp_sse_client, "openai": openai, "openai Responses": openai_responses,
    "anthropic": anthropic, "mcp": mcp,
}
listen = CLIENTS[sys.argv[1]]


def work(rest):
    while True:
        try:
            job = Job(rest.pop(0))
        except IndexError:
            return
        # One that hangs is left behind; the process does not wait for it.
        thread = threading.Thread(target=listen, args=(job,), daemon=True)
        thread.start()
        job.over.wait(job.millis / 1000)
        job.over.set()


described = json.load(sys.stdin)
jobs = described["jobs"]
# What is imported is not measured.
warm = Job({**jobs[0], "url": jobs[0]["warm"]})
warm.over.set()
warming = threading.Thread(target=listen, args=(warm,), daemon=True)
warming.start()
warming.join(30)
workers = [threading.Thread(target=work, args=(jobs,)) for _ in range(described["atOnce"])]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
sys.stdout.flush()
import os

os._exit(0)
