"""Answers with what it was asked: as a document, as an event stream, or as chunked text."""

import json

from azureml_inference_server_http.api.aml_request import rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse

ROOM = 40


def init():
    pass


@rawhttp
def run(request):
    data = json.loads(request.get_data())["input_data"]
    messages, parameters = data["input_string"], data["parameters"]
    words = sum(len(message["content"].split()) for message in messages)
    if words > ROOM:
        text = f"This model's maximum context length is {ROOM} tokens, but the messages have {words}."
        return AMLResponse(json.dumps({"error": {"code": "BadRequest", "message": text}}), 400, {})
    asked = messages[-1]["content"]
    first = "; ".join(f"{message['role']}: {message['content']}" for message in messages[:-1])
    answer = f"{asked.upper()} after [{first}] with {json.dumps(parameters)}"
    if asked == "fail":
        raise ValueError("no")
    if asked == "nothing":
        answer = " "
    if asked == "escape":
        answer = "\x1b[31mred\x1b[0m \u202e"
    accepts = "text/event-stream" in request.headers.get("Accept", "")
    if asked == "always" or (parameters.get("format") == "events" and accepts):
        return AMLResponse(events(answer, asked), 200, {"Content-Type": "text/event-stream"})
    if parameters.get("format") == "text":
        return AMLResponse((f"{word} ".encode() for word in answer.split(" ")), 200, {"Content-Type": "text/plain"})
    return {"output": answer}


def events(answer, asked):
    for number, word in enumerate(answer.split(" ")):
        if asked == "break" and number:
            yield 'data: {"error": {"message": "out of memory"}}\n\n'
            return
        delta = {"content": word if not number else f" {word}"}
        yield f"data: {json.dumps({'choices': [{'delta': delta}]})}\n\n"
    yield "data: [DONE]\n\n"
