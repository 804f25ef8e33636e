"""The nodes that the shipped workflows use, as `/object_info` defines them, and the check that a server makes of a graph.

From https://github.com/Comfy-Org/ComfyUI: nodes.py, comfy_extras/nodes_wan.py, nodes_lt.py, nodes_lt_audio.py, nodes_video.py,
nodes_custom_sampler.py, nodes_model_advanced.py; the check is `validate_prompt` of execution.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SIDE = 16384
"""MAX_RESOLUTION of nodes.py."""
_SAMPLERS = ["euler", "euler_ancestral", "uni_pc", "res_multistep"]
_SCHEDULERS = ["simple", "normal", "beta"]

MODEL_FILES: Mapping[str, list[str]] = {
    "diffusion_models": [
        "wan2.2_i2v_high_noise_14B_fp8_scaled.safetensors",
        "wan2.2_i2v_low_noise_14B_fp8_scaled.safetensors",
        "wan2.2_t2v_high_noise_14B_fp8_scaled.safetensors",
        "wan2.2_t2v_low_noise_14B_fp8_scaled.safetensors",
        "wan2.2_ti2v_5B_fp16.safetensors",
        "ltx-2.5-22b-distilled-transformer-int8.safetensors",
    ],
    "text_encoders": [
        "umt5_xxl_fp8_e4m3fn_scaled.safetensors",
        "gemma4-12b-with-proj-ltx-2.5-comfy-int8-convrot.safetensors",
    ],
    "vae": [
        "wan_2.1_vae.safetensors",
        "wan2.2_vae.safetensors",
        "ltx-2.5-video-vae-bf16.safetensors",
        "ltx-2.5-audio-vae-bf16.safetensors",
    ],
    "loras": [
        "wan2.2_i2v_lightx2v_4steps_lora_v1_high_noise.safetensors",
        "wan2.2_i2v_lightx2v_4steps_lora_v1_low_noise.safetensors",
        "wan2.2_t2v_lightx2v_4steps_lora_v1.1_high_noise.safetensors",
        "wan2.2_t2v_lightx2v_4steps_lora_v1.1_low_noise.safetensors",
    ],
}
"""By the folder below `models/`."""


def _int(low: int, high: int = SIDE, step: int = 1) -> list[Any]:
    return ["INT", {"min": low, "max": high, "step": step}]


def _float(low: float, high: float) -> list[Any]:
    return ["FLOAT", {"min": low, "max": high}]


def _old(options: list[str]) -> list[Any]:
    return [options, {}]


def _new(options: list[str]) -> list[Any]:
    return ["COMBO", {"options": options, "multiselect": False}]


_SEED = ["INT", {"min": 0, "max": 0xFFFFFFFFFFFFFFFF}]
_TEXT = ["STRING", {"multiline": True}]
_PAIR = {"positive": ["CONDITIONING"], "negative": ["CONDITIONING"]}
_WAN = {
    **_PAIR,
    "vae": ["VAE"],
    "width": _int(16, step=16),
    "height": _int(16, step=16),
    "length": _int(1, step=4),
    "batch_size": _int(1, 4096),
}
_SAMPLER = {
    "model": ["MODEL"],
    **_PAIR,
    "latent_image": ["LATENT"],
    "steps": _int(1, 10000),
    "cfg": _float(0, 100),
    "sampler_name": _old(_SAMPLERS),
    "scheduler": _old(_SCHEDULERS),
}
_CODECS = [{"key": "auto", "inputs": {}}, {"key": "h264", "inputs": {}}]


def definitions(files: Mapping[str, list[str]]) -> dict[str, dict[str, Any]]:
    """Every class of nodes by name, with the model files that are there."""
    table: dict[str, tuple[list[str], dict[str, Any], dict[str, Any]]] = {
        "UNETLoader": (
            ["MODEL"],
            {"unet_name": _old(files["diffusion_models"]), "weight_dtype": _old(["default", "fp8_e4m3fn"])},
            {},
        ),
        "CLIPLoader": (
            ["CLIP"],
            {"clip_name": _old(files["text_encoders"]), "type": _old(["wan", "ltxv", "sd3"])},
            {"device": _old(["default", "cpu"])},
        ),
        "VAELoader": (["VAE"], {"vae_name": _old(files["vae"])}, {}),
        "LoraLoaderModelOnly": (
            ["MODEL"],
            {"model": ["MODEL"], "lora_name": _old(files["loras"]), "strength_model": _float(-100, 100)},
            {},
        ),
        "ModelSamplingSD3": (["MODEL"], {"model": ["MODEL"], "shift": _float(0, 100)}, {}),
        "CLIPTextEncode": (["CONDITIONING"], {"text": _TEXT, "clip": ["CLIP"]}, {}),
        "LoadImage": (["IMAGE", "MASK"], {"image": [["example.png"], {"image_upload": True}]}, {}),
        "EmptyImage": (
            ["IMAGE"],
            {"width": _int(1), "height": _int(1), "batch_size": _int(1, 4096), "color": _int(0, 0xFFFFFF)},
            {},
        ),
        "RepeatImageBatch": (["IMAGE"], {"image": ["IMAGE"], "amount": _int(1, 4096)}, {}),
        "WanImageToVideo": (["CONDITIONING", "CONDITIONING", "LATENT"], _WAN, {"start_image": ["IMAGE"]}),
        "WanFirstLastFrameToVideo": (
            ["CONDITIONING", "CONDITIONING", "LATENT"],
            _WAN,
            {"start_image": ["IMAGE"], "end_image": ["IMAGE"]},
        ),
        "Wan22ImageToVideoLatent": (
            ["LATENT"],
            {
                "vae": ["VAE"],
                "width": _int(32, step=32),
                "height": _int(32, step=32),
                "length": _int(1, step=4),
                "batch_size": _int(1, 4096),
            },
            {"start_image": ["IMAGE"]},
        ),
        "KSampler": (["LATENT"], {**_SAMPLER, "seed": _SEED, "denoise": _float(0, 1)}, {}),
        "KSamplerAdvanced": (
            ["LATENT"],
            {
                **_SAMPLER,
                "add_noise": _old(["enable", "disable"]),
                "noise_seed": _SEED,
                "start_at_step": _int(0, 10000),
                "end_at_step": _int(0, 10000),
                "return_with_leftover_noise": _old(["disable", "enable"]),
            },
            {},
        ),
        "VAEDecode": (["IMAGE"], {"samples": ["LATENT"], "vae": ["VAE"]}, {}),
        "VAEDecodeTiled": (
            ["IMAGE"],
            {
                "samples": ["LATENT"],
                "vae": ["VAE"],
                "tile_size": _int(64, 4096, 32),
                "overlap": _int(0, 4096, 32),
                "temporal_size": _int(8, 4096, 4),
                "temporal_overlap": _int(4, 4096, 4),
            },
            {},
        ),
        "EmptyLTXVLatentVideo": (
            ["LATENT"],
            {
                "width": _int(64, step=32),
                "height": _int(64, step=32),
                "length": _int(1, step=8),
                "batch_size": _int(1, 4096),
            },
            {},
        ),
        "LTXVEmptyLatentAudio": (
            ["LATENT"],
            {
                "frames_number": _int(1, 1000),
                "frame_rate": ["FLOAT,INT", {"min": 1.0, "max": 1000.0}],
                "batch_size": _int(1, 4096),
                "audio_vae": ["VAE"],
            },
            {},
        ),
        "LTXVPreprocess": (["IMAGE"], {"image": ["IMAGE"], "img_compression": _int(0, 100)}, {}),
        "LTXVConditioning": (["CONDITIONING", "CONDITIONING"], {**_PAIR, "frame_rate": _float(0, 1000)}, {}),
        "LTXVImgToVideoInplace": (
            ["LATENT"],
            {
                "vae": ["VAE"],
                "image": ["IMAGE"],
                "latent": ["LATENT"],
                "strength": _float(0, 1),
                "bypass": ["BOOLEAN", {}],
            },
            {},
        ),
        "LTXVAddGuide": (
            ["CONDITIONING", "CONDITIONING", "LATENT"],
            {
                **_PAIR,
                "vae": ["VAE"],
                "latent": ["LATENT"],
                "image": ["IMAGE"],
                "frame_idx": _int(-9999, 9999),
                "strength": _float(0, 10),
            },
            {},
        ),
        "LTXVCropGuides": (["CONDITIONING", "CONDITIONING", "LATENT"], {**_PAIR, "latent": ["LATENT"]}, {}),
        "LTXVConcatAVLatent": (["LATENT"], {"video_latent": ["LATENT"], "audio_latent": ["LATENT"]}, {}),
        "LTXVSeparateAVLatent": (["LATENT", "LATENT"], {"av_latent": ["LATENT"]}, {}),
        "LTXVAudioVAEDecode": (["AUDIO"], {"samples": ["LATENT"], "audio_vae": ["VAE"]}, {}),
        "LTXVDualCFGGuider": (
            ["GUIDER"],
            {"model": ["MODEL"], **_PAIR, "video_cfg": _float(0, 100), "audio_cfg": _float(0, 100)},
            {},
        ),
        "RandomNoise": (["NOISE"], {"noise_seed": _SEED}, {}),
        "SamplerEulerAncestral": (["SAMPLER"], {"eta": _float(0, 100), "s_noise": _float(0, 100)}, {}),
        "ManualSigmas": (["SIGMAS"], {"sigmas": ["STRING", {}]}, {}),
        "SamplerCustomAdvanced": (
            ["LATENT", "LATENT"],
            {
                "noise": ["NOISE"],
                "guider": ["GUIDER"],
                "sampler": ["SAMPLER"],
                "sigmas": ["SIGMAS"],
                "latent_image": ["LATENT"],
            },
            {},
        ),
        "CreateVideo": (
            ["VIDEO"],
            {"images": ["IMAGE"], "fps": _float(1, 120)},
            {"audio": ["AUDIO"], "color_space": _new(["sRGB", "HDR", "HDR PQ"])},
        ),
        "SaveVideo": (
            ["VIDEO"],
            {
                "video": ["VIDEO"],
                "filename_prefix": ["STRING", {}],
                "format": ["COMFY_DYNAMICCOMBO_V3", {"options": [{"key": "auto"}, {"key": "mp4"}]}],
                "format.codec": ["COMFY_DYNAMICCOMBO_V3", {"options": _CODECS}],
            },
            {"codec": ["COMFY_DYNAMICCOMBO_V3", {"options": _CODECS}]},
        ),
        "SaveImage": ([], {"images": ["IMAGE"], "filename_prefix": ["STRING", {}]}, {}),
    }
    return {
        kind: {
            "name": kind,
            "input": {"required": required, "optional": optional},
            "output": outputs,
            "output_node": kind in {"SaveVideo", "SaveImage"},
            "python_module": "nodes",
        }
        for kind, (outputs, required, optional) in table.items()
    }


def fault_of(
    graph: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], pictures: set[str]
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The `error` and `node_errors` of a graph that a server does not take; None: it takes it."""
    for node, each in graph.items():
        kind = each.get("class_type")
        if kind not in known:
            return _error(
                "missing_node_type",
                f"Node '{kind}' not found. The custom node may not be installed.",
                f"Node ID '#{node}'",
                {"node_id": node, "class_type": kind},
            ), {}
    if not any(known[each["class_type"]]["output_node"] for each in graph.values()):
        return _error("prompt_no_outputs", "Prompt has no outputs", ""), {}
    errors = {}
    for node, each in graph.items():
        wrong = _errors_of(each, graph, known, pictures)
        if wrong:
            errors[node] = {"errors": wrong, "dependent_outputs": [], "class_type": each["class_type"]}
    if errors:
        return _error("prompt_outputs_failed_validation", "Prompt outputs failed validation", ""), errors
    return None


def _errors_of(
    each: Mapping[str, Any], graph: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], pictures: set[str]
) -> list[dict[str, Any]]:
    wrong = []
    defined = known[each["class_type"]]["input"]
    for name, spec in {**defined["required"], **defined["optional"]}.items():
        about = {"input_name": name}
        if name not in each["inputs"]:
            if name in defined["required"]:
                wrong.append(_error("required_input_missing", "Required input is missing", name, about))
            continue
        value = each["inputs"][name]
        kind, more = spec[0], spec[1] if len(spec) > 1 else {}
        options = kind if isinstance(kind, list) else more.get("options")
        if isinstance(value, list):
            made = known[graph[value[0]]["class_type"]]["output"][value[1]]
            if made != kind:
                wrong.append(_error("return_type_mismatch", "Return type mismatch between linked nodes", name, about))
        elif more.get("image_upload"):
            if value not in pictures:
                words = f"image - Invalid image file: {value}"
                wrong.append(_error("custom_validation_failed", "Custom validation failed for node", words, about))
        elif options is not None:
            keys = [one["key"] if isinstance(one, dict) else one for one in options]
            if value not in keys:
                words = f"{name}: {value!r} not in {keys}"
                about = {**about, "received_value": value}
                wrong.append(_error("value_not_in_list", "Value not in list", words, about))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            if value < more.get("min", value):
                wrong.append(_error("value_smaller_than_min", f"Value {value} smaller than min", name, about))
            if value > more.get("max", value):
                wrong.append(_error("value_bigger_than_max", f"Value {value} bigger than max", name, about))
        elif kind in {"INT", "FLOAT"} or kind in {"MODEL", "CLIP", "VAE", "IMAGE", "LATENT", "CONDITIONING"}:
            wrong.append(_error("invalid_input_type", f"Failed to convert an input value to {kind}", name, about))
    return wrong


def _error(kind: str, message: str, details: str, extra: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"type": kind, "message": message, "details": details, "extra_info": dict(extra or {})}
