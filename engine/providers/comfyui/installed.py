"""Whether a server can run a graph, from what it says of its nodes: the classes, and the model files in their lists. Pure.

Both forms of a list are read: [["a", "b"], {…}] of older nodes, ["COMBO", {"options": ["a", "b"]}] of newer ones
(https://docs.comfy.org/custom-nodes/backend/datatypes#combo, and `GET_NODE_INFO_V1` of ComfyUI's comfy_api).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import BadShot, ModelRetired, ProviderError
from engine.providers.comfyui.workflows import Slot, Workflow, inputs_of, is_link

SUFFIXES = (".safetensors", ".gguf", ".ckpt", ".pt", ".pth", ".bin", ".sft", ".onnx")
"""What a model file ends in."""
_FOLDERS = {
    "unet_name": "diffusion_models",
    "clip_name": "text_encoders",
    "clip_name1": "text_encoders",
    "clip_name2": "text_encoders",
    "text_encoder": "text_encoders",
    "vae_name": "vae",
    "lora_name": "loras",
    "ckpt_name": "checkpoints",
    "control_net_name": "controlnet",
}
"""The folder below `models/` in which a loader looks, by its input; ComfyUI's folder_paths.py and nodes.py."""
_FOLDERS_OF_CLASS = {
    "LatentUpscaleModelLoader": "latent_upscale_models",
    "UpscaleModelLoader": "upscale_models",
    "CLIPVisionLoader": "clip_vision",
}
_PICTURES = "LoadImage"
"""Its list names the pictures in one folder only; others are found all the same."""


def read_info(said: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    """The definition of a class of nodes; None: the server does not know it."""
    found = said.get(kind)
    return found if isinstance(found, Mapping) else None


def fault_of_graph(
    workflow: Workflow,
    infos: Mapping[str, Mapping[str, Any] | None],
    *,
    service: str,
    model: str,
    files: Mapping[str, str],
) -> ProviderError | None:
    """Why the server cannot run the graph; None: as far as is known it can. All missing things of one kind are named at once."""
    graph = workflow.graph
    ours = {slot for slots in workflow.slots.values() for slot in slots}
    classes = sorted({each["class_type"] for each in graph.values()})
    unknown = [kind for kind in classes if infos.get(kind) is None]
    if unknown:
        return missing_nodes(unknown, service=service, model=model)
    missing: dict[str, str] = {}
    for node, name, value in inputs_of(graph):
        kind = graph[node]["class_type"]
        options = options_of(infos[kind] or {}, name)
        is_filled = Slot(node, name) in ours or is_link(value) or kind.startswith(_PICTURES)
        if options is None or is_filled or value in options:
            continue
        if is_model_file(value):
            missing[str(value)] = folder_of(kind, name)
        else:
            return BadShot(
                f"{service} does not know {value!r} for {name} of node {node} ({kind}) in the workflow of {model}; "
                f"the operator has to update ComfyUI or change the workflow.",
                provider=service,
            )
    return missing_files(missing, service=service, model=model, files=files) if missing else None


def options_of(info: Mapping[str, Any], name: str) -> list[Any] | None:
    """What an input may be; None: it is no list, or one that only a browser fills."""
    groups = info.get("input")
    for group in ("required", "optional"):
        inputs = groups.get(group) if isinstance(groups, Mapping) else None
        spec = inputs.get(name) if isinstance(inputs, Mapping) else None
        if isinstance(spec, list) and spec:
            kind, more = spec[0], spec[1] if len(spec) > 1 and isinstance(spec[1], Mapping) else {}
            if "remote" in more or "remote_combo" in more or more.get("multiselect"):
                return None
            if isinstance(kind, list):
                return kind
            options = more.get("options")
            return list(options) if kind == "COMBO" and isinstance(options, list) else None
    return None


def is_model_file(value: object) -> bool:
    """Whether a value of a list is the name of a model file."""
    return isinstance(value, str) and value.lower().endswith(SUFFIXES)


def folder_of(kind: str, name: str) -> str:
    """Where the file of a loader's input belongs; empty: not known."""
    folder = _FOLDERS_OF_CLASS.get(kind) or _FOLDERS.get(name, "")
    return f"models/{folder}" if folder else ""


def missing_nodes(kinds: list[str], *, service: str, model: str) -> ProviderError:
    """The server lacks classes of nodes: an extension, or a newer version."""
    named = ", ".join(kinds)
    return BadShot(
        f"{service} has no node {named}, which the workflow of {model} needs; "
        f"the operator has to update ComfyUI or install the extension with it.",
        provider=service,
        detail=f"unknown nodes: {named}",
    )


def missing_files(missing: Mapping[str, str], *, service: str, model: str, files: Mapping[str, str]) -> ProviderError:
    """The server lacks model files. `missing`: the folder of each; `files`: where each can be loaded."""
    parts = []
    for name, folder in sorted(missing.items()):
        place = f" (into {folder})" if folder else ""
        source = f" from {files[name]}" if name in files else ""
        parts.append(f"{name}{source}{place}")
    return ModelRetired(
        f"{service} cannot render with {model}: its operator has to load {', '.join(parts)}.",
        provider=service,
        detail=f"missing files: {', '.join(sorted(missing))}",
    )
