"""A model's workflows, read and checked once: graphs in API form, and which input of which node takes what is ordered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.abilities import Abilities
from engine.errors import BadShot
from engine.providers.base import Order
from engine.providers.catalog import CatalogError, Model

Word = Literal[
    "prompt", "negative", "first_frame", "last_frame", "frames", "seconds", "fps", "width", "height", "seed", "name"
]
Start = Literal["text", "first", "first_last"]
_FRAMES_OF: Mapping[Start, frozenset[Word]] = {
    "text": frozenset(),
    "first": frozenset({"first_frame"}),
    "first_last": frozenset({"first_frame", "last_frame"}),
}
_SAMPLERS = frozenset({"KSampler", "KSamplerAdvanced", "SamplerCustom", "SamplerCustomAdvanced"})


@dataclass(frozen=True, slots=True)
class Slot:
    """One input of one node."""

    node: str
    input: str

    def __str__(self) -> str:
        return f"{self.node}.{self.input}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """A graph in API form: nodes by id, each with `class_type` and `inputs`."""

    name: str
    graph: Mapping[str, Any]
    slots: Mapping[Word, tuple[Slot, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a model's row says about how to order from it."""

    workflows: Mapping[Start, Workflow]
    fps: float
    step: int
    multiple: int
    sizes: Mapping[str, Mapping[str, tuple[int, int]]]
    """By ratio and resolution."""
    output: str
    """The node whose file is the clip; empty: whichever saves a video."""
    files: Mapping[str, str]
    """Where a model file can be loaded, by its name."""

    def workflow_for(self, order: Order) -> Workflow:
        """The one that starts from what is given.

        Raises:
            BadShot: the model has none for it.
        """
        start: Start = "first_last" if order.last_frame else "first" if order.first_frame else "text"
        found = self.workflows.get(start)
        if found is None or (order.last_frame and not order.first_frame):
            raise BadShot(f"{order.model} has no workflow for the pictures of this shot; /models says what it takes.")
        return found


def samplers_of(graph: Mapping[str, Any]) -> frozenset[str]:
    """The nodes that take the time: those that sample, not those that choose a sampler."""
    return frozenset(
        node
        for node, each in graph.items()
        if each["class_type"] in _SAMPLERS or str(each["class_type"]).endswith("Sampler")
    )


def is_link(value: object) -> bool:
    """Whether an input comes from another node: its id and the number of its output."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int)


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _GraphRow(_Row):
    workflow: str
    inputs: dict[Word, str | list[str]] = Field(default_factory=dict)


class _WireRow(_Row):
    workflow: str = ""
    graphs: dict[Start, str | _GraphRow] = Field(default_factory=dict)
    inputs: dict[Word, str | list[str]] = Field(default_factory=dict)
    fps: float = Field(default=16, gt=0)
    step: int = Field(default=1, gt=0)
    multiple: int = Field(default=16, gt=0)
    sizes: dict[str, dict[str, tuple[int, int]]] = Field(default_factory=dict)
    set: dict[str, str | bool | int | float] = Field(default_factory=dict)
    output: str = ""
    files: dict[str, str] = Field(default_factory=dict)


class _Wrong(Exception):
    """What is wrong with a row, without where it is."""


def plan_of(provider: str, name: str, model: Model) -> Plan:
    """The plan of a model's row; reads its workflow files.

    Raises:
        CatalogError: a file, a node or an input is not there, or the row promises what its graphs cannot do.
    """
    try:
        row = _WireRow.model_validate(dict(model.wire))
        plan = _plan(row, model.abilities)
    except ValidationError as wrong:
        said = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'the table'}: {each['msg']}"
            for each in wrong.errors(include_url=False)
        )
        raise _error(provider, name, said) from wrong
    except _Wrong as wrong:
        raise _error(provider, name, str(wrong)) from wrong
    return plan


def _error(provider: str, model: str, what: str) -> CatalogError:
    place = f'[providers.{provider}.models."{model}".wire]'
    return CatalogError(f"{place} in nextshot.toml cannot be used ({what}): mend it, or take the model out.")


def _plan(row: _WireRow, can: Abilities) -> Plan:
    graphs = dict(row.graphs)
    if row.workflow:
        start: Start = (
            "first_last" if "last_frame" in row.inputs else "first" if "first_frame" in row.inputs else "text"
        )
        graphs.setdefault(start, row.workflow)
    workflows = {start: _workflow(row, start, given, can) for start, given in graphs.items()}
    for start, promised in (("text", can.text), ("first", can.first_frame), ("first_last", can.last_frame)):
        if promised and start not in workflows:
            raise _Wrong(f"graphs has no {start}, which the model is said to do")
    if can.last_frame and not can.last_needs_first:
        raise _Wrong("a last frame without a first one is not possible here: last_needs_first has to stay true")
    for word in ("references", "extend", "edit", "remix", "audio_choice"):
        if getattr(can, word):
            raise _Wrong(f"{word} is not possible with a workflow")
    for slot in row.set:
        if not any(_has(workflow.graph, _slot(slot)) for workflow in workflows.values()):
            raise _Wrong(f"set: no graph has the input {slot}")
    return Plan(
        workflows=workflows,
        fps=row.fps,
        step=row.step,
        multiple=row.multiple,
        sizes=row.sizes,
        output=row.output,
        files=row.files,
    )


def _workflow(row: _WireRow, start: Start, given: str | _GraphRow, can: Abilities) -> Workflow:
    own = given if isinstance(given, _GraphRow) else _GraphRow(workflow=given)
    graph = _graph(own.workflow)
    unused = _FRAMES_OF["first_last"] - _FRAMES_OF[start]
    slots = {word: _slots(value) for word, value in {**row.inputs, **own.inputs}.items() if word not in unused}
    for word, taken in slots.items():
        for slot in taken:
            _check(own.workflow, graph, word, slot)
    needed: set[Word] = {"prompt", *_FRAMES_OF[start]}
    needed |= {word for word, is_so in (("seed", can.seed), ("negative", can.negative)) if is_so}  # type: ignore[misc]  # words
    for word in sorted(needed - set(slots)):
        raise _Wrong(f"inputs has no {word} for {own.workflow}" + (" (or [] for none)" if word == "prompt" else ""))
    if can.min_seconds != can.max_seconds and not {"frames", "seconds"} & set(slots):
        raise _Wrong(f"inputs has neither frames nor seconds for {own.workflow}, so its length cannot be chosen")
    if row.output and row.output not in graph:
        raise _Wrong(f"output: {own.workflow} has no node {row.output}")
    for at, value in row.set.items():
        slot = _slot(at)
        if _has(graph, slot):
            graph[slot.node]["inputs"][slot.input] = value
    return Workflow(name=own.workflow, graph=graph, slots=slots)


def _graph(name: str) -> dict[str, Any]:
    """The graph of a workflow of ours, or of a file of the operator's."""
    try:
        if name.endswith(".json"):
            text = Path(name).expanduser().read_text(encoding="utf-8")
        else:
            folder = resources.files("engine.providers.comfyui").joinpath("workflows")
            text = folder.joinpath(f"{name}.json").read_text(encoding="utf-8")
        graph = json.loads(text)
    except OSError as error:
        raise _Wrong(f"the workflow {name} cannot be read") from error
    except ValueError as error:
        raise _Wrong(f"the workflow {name} is not JSON") from error
    if isinstance(graph, dict) and {"nodes", "links"} <= set(graph):
        raise _Wrong(f"the workflow {name} is as the editor saves it; export it with Workflow, Export (API)")
    if not isinstance(graph, dict) or not graph:
        raise _Wrong(f"the workflow {name} is not in API form")
    for node, each in graph.items():
        is_node = isinstance(each, dict) and isinstance(each.get("inputs"), dict)
        if not is_node or not isinstance(each.get("class_type"), str):
            raise _Wrong(f"the workflow {name} is not in API form: node {node} has no class_type and inputs")
    for node, slot, value in inputs_of(graph):
        if is_link(value) and value[0] not in graph:
            raise _Wrong(f"the workflow {name} is cut: {node}.{slot} comes from node {value[0]}, which is not there")
    return graph


def inputs_of(graph: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Every input of a graph: node, name, value."""
    for node, each in graph.items():
        for name, value in each["inputs"].items():
            yield node, name, value


def _slots(value: str | list[str]) -> tuple[Slot, ...]:
    return tuple(_slot(each) for each in ([value] if isinstance(value, str) else value))


def _slot(text: str) -> Slot:
    node, _, name = text.partition(".")
    if not node or not name:
        raise _Wrong(f'inputs: {text!r} has to be "node.input", as "6.text"')
    return Slot(node, name)


def _has(graph: Mapping[str, Any], slot: Slot) -> bool:
    return slot.node in graph and slot.input in graph[slot.node]["inputs"]


def _check(name: str, graph: Mapping[str, Any], word: str, slot: Slot) -> None:
    if slot.node not in graph:
        raise _Wrong(f"inputs.{word}: {name} has no node {slot.node}")
    inputs = graph[slot.node]["inputs"]
    kind = graph[slot.node]["class_type"]
    if slot.input not in inputs:
        raise _Wrong(f"inputs.{word}: node {slot.node} ({kind}) of {name} has no input {slot.input}")
    if is_link(inputs[slot.input]):
        source = inputs[slot.input][0]
        raise _Wrong(f"inputs.{word}: {slot} of {name} is fed by node {source}; name that node's input instead")
