"""What a ComfyUI server answers, as values and errors. Nothing that happens there costs money.

Shapes: https://github.com/Comfy-Org/ComfyUI/blob/master/server.py and execution.py (`validate_prompt`, `PromptQueue`). Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from engine.errors import Billed, Lost, Misunderstood, ProviderError, RenderFailed
from engine.providers.answers import Answer, bad_shot, fault_of_status, misunderstood, redacted
from engine.providers.base import Rendered
from engine.providers.comfyui.installed import folder_of, is_model_file, missing_files, missing_nodes
from engine.providers.comfyui.requests import MARK
from engine.providers.reading import rows_of, table_of, task_id_of, text_of

VIDEOS = (".mp4", ".webm", ".mov", ".mkv", ".m4v")
_SAID_CHARS = 160


@dataclass(frozen=True, slots=True)
class Job:
    """One job in the queue or the history. `key` is ours, if it is one of ours."""

    id: str
    key: str


@dataclass(frozen=True, slots=True)
class Queue:
    """What runs and waits, the next one first."""

    running: tuple[Job, ...]
    waiting: tuple[Job, ...]


def read_taken(answer: Answer, *, model: str, files: Mapping[str, str]) -> str:
    """The task id of an accepted job: ours, or the one of an old server that chooses it itself.

    Raises:
        ProviderError: it was not taken; or Misunderstood.
    """
    if not answer.is_good:
        raise fault_of_refusal(answer, model=model, files=files)
    task_id = task_id_of(answer.table().get("prompt_id"))
    if task_id is None:
        raise not_understood(answer)
    return task_id


def fault_of_refusal(answer: Answer, *, model: str, files: Mapping[str, str]) -> ProviderError:
    """Why a graph was not taken: {"error": {type, message, …}, "node_errors": {node: {class_type, errors: […]}}}."""
    if answer.status != 400:
        return fault_of_status(answer, is_create=True)
    try:
        said = answer.table()
    except Misunderstood:
        return bad_shot(answer)
    error = table_of(said.get("error"))
    if text_of(error.get("type")) in {"missing_node_type", "invalid_prompt"}:
        kind = text_of(table_of(error.get("extra_info")).get("class_type")) or text_of(error.get("message"))[:80] or "?"
        return missing_nodes([kind], service=answer.service, model=model)
    missing: dict[str, str] = {}
    words = [text_of(error.get("message"))]
    for node, each in table_of(said.get("node_errors")).items():
        kind = text_of(table_of(each).get("class_type"))
        for one in rows_of(table_of(each).get("errors")):
            about = table_of(one.get("extra_info"))
            value = about.get("received_value")
            if one.get("type") == "value_not_in_list" and is_model_file(value):
                missing[text_of(value)] = folder_of(kind, text_of(about.get("input_name")))
            words.append(f"{kind} (node {text_of(node)}): {text_of(one.get('message'))}: {text_of(one.get('details'))}")
    if missing:
        return missing_files(missing, service=answer.service, model=model, files=files)
    return bad_shot(answer, words[1] if len(words) > 1 else words[0])


def read_queue(answer: Answer) -> Queue:
    """What runs and waits. Each entry is [number, id, graph, extra data, outputs]; the lowest number is the next."""
    said = _good(answer).table()
    lists = []
    for name in ("queue_running", "queue_pending"):
        entries = said.get(name)
        if not isinstance(entries, list):
            raise not_understood(answer)
        known = [each for each in entries if isinstance(each, list) and len(each) > 1]
        known.sort(key=lambda each: each[0] if isinstance(each[0], int | float) else 0)
        lists.append(tuple(_job(each) for each in known))
    return Queue(*lists)


def read_jobs(answer: Answer) -> tuple[Job, ...]:
    """The jobs in an answer from the history."""
    said = _good(answer).table()
    return tuple(_job([0, task_id, *_prompt(each)[2:]]) for task_id, each in said.items() if isinstance(each, Mapping))


def _job(entry: Sequence[Any]) -> Job:
    mark = table_of(table_of(entry[3] if len(entry) > 3 else None).get(MARK))
    return Job(text_of(entry[1]), text_of(mark.get("key")))


def _prompt(entry: Mapping[str, Any]) -> Sequence[Any]:
    prompt = entry.get("prompt")
    return prompt if isinstance(prompt, list) else [0, "", {}, {}]


def read_history(answer: Answer, task_id: str, url: str) -> Rendered | None:
    """What came of a job; None: it is not over, or the server does not know it. `url`: the server's address.

    Raises:
        RenderFailed: it is over without a clip.
        Misunderstood
    """
    found = _good(answer).table().get(task_id)
    if found is None:
        return None
    if not isinstance(found, Mapping):
        raise not_understood(answer)
    status = table_of(found.get("status"))
    match status.get("status_str"):
        case "success" | None:
            return _rendered(answer, found, url)
        case "error":
            raise _failure(answer, status)
        case word:
            raise not_understood(answer, str(word))


def _rendered(answer: Answer, found: Mapping[str, Any], url: str) -> Rendered:
    prompt = _prompt(found)
    mark = table_of(table_of(prompt[3] if len(prompt) > 3 else None).get(MARK))
    output = mark.get("output")
    videos = [each for node, each in _files(found) if (not output or node == output)]
    if not videos:
        raise RenderFailed(
            f"{answer.service} finished without a video: the workflow has to end in a node that saves one, as SaveVideo.",
            provider=answer.service,
            detail=answer.detail,
            billed=Billed.NO,
        )
    kept = [each for each in videos if each.get("type") == "output"] or videos
    chosen = kept[-1]
    query = {
        "filename": text_of(chosen["filename"]),
        "subfolder": text_of(chosen.get("subfolder")),
        "type": text_of(chosen.get("type")) or "output",
    }
    return Rendered(f"{url}/view?{urlencode(query)}")


def _files(found: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each video that a node has saved. SaveVideo lists its own under `images`, VideoHelperSuite under `gifs`."""
    for node, outputs in table_of(found.get("outputs")).items():
        for listed in table_of(outputs).values():
            for each in rows_of(listed):
                name = each.get("filename")
                if isinstance(name, str) and name.lower().endswith(VIDEOS):
                    yield str(node), each


def _failure(answer: Answer, status: Mapping[str, Any]) -> RenderFailed:
    """messages: [[event, data]]; the last error or interruption is the cause."""
    service = answer.service
    messages = status.get("messages")
    for message in reversed(messages if isinstance(messages, list) else []):
        event, data = (message[0], table_of(message[1])) if isinstance(message, list) and len(message) > 1 else ("", {})
        if event == "execution_interrupted":
            return _failed(
                service, f"The render was stopped at {service}; /retake begins it again.", "execution_interrupted"
            )
        if event == "execution_error":
            kind, node = text_of(data.get("node_type")) or "?", text_of(data.get("node_id")) or "?"
            what = f"{text_of(data.get('exception_type'))}: {text_of(data.get('exception_message'))}"
            detail = redacted(f"{kind} (node {node}): {what}", answer.secrets)[:_SAID_CHARS]
            if _is_memory(what):
                sentence = f"{service} ran out of memory on this shot; choose a lower resolution or fewer seconds."
            else:
                sentence = f"{service} failed at {kind} (node {node}) of the workflow; its log says why. Try again."
            return _failed(service, sentence, detail)
    return _failed(service, f"{service} could not render the shot; its log says why. Try again.", answer.detail)


def _failed(service: str, sentence: str, detail: str) -> RenderFailed:
    return RenderFailed(sentence, provider=service, detail=detail, billed=Billed.NO)


def _is_memory(words: str) -> bool:
    """Torch's OutOfMemoryError, and how ComfyUI and drivers say it."""
    return any(word in words.lower() for word in ("outofmemory", "out of memory", "allocation on device", "oom"))


def forgotten(service: str) -> Lost:
    """The server knows the job no more: its history is in memory and ends with it."""
    return Lost(
        f"{service} has forgotten this render, as it does when it is started anew. Try again.",
        provider=service,
        billed=Billed.NO,
    )


def not_understood(answer: Answer, word: str = "") -> Misunderstood:
    """An answer outside the contract; free all the same."""
    error = misunderstood(answer, word)
    error.billed = Billed.NO
    return error


def _good(answer: Answer) -> Answer:
    if not answer.is_good:
        error = fault_of_status(answer, is_create=False)
        error.billed = Billed.NO
        raise error
    return answer
