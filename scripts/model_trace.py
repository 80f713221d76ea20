"""Makes the TorchScript trace of a Hugging Face model's attention, and compares it with the model's eager attention.

A library for export_model.py, which checks and writes the trace.
"""

import contextlib
import warnings
from unittest import mock

TOLERANCE = 1e-5  # the largest difference from eager attention that is accepted
BY_LENGTH = "a trace can't follow code that decides by a text's length; README's table names what traces, and what needs no trace"


class ExportError(Exception):
    """What went wrong, in words for the user, and what to do."""

    def __init__(self, what: str, hint: str = ""):
        super().__init__(what + (f"\n  hint: {hint}" if hint else ""))


def cause_of(error: Exception) -> str:
    """The line of an error that tells what happened. TorchScript says first where it happened, and tells this last."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[-1 if "TorchScript" in lines[0] else 0]


def load(source: str):
    """The model of `source` (a directory or a hub id) in float32 with eager attention."""
    import torch
    from transformers import AutoConfig, AutoModel

    try:
        config = AutoConfig.from_pretrained(source)
        if getattr(config, "is_encoder_decoder", False):
            raise ExportError(
                f"{source}: {config.model_type} is an encoder-decoder model, expected one stack",
                "attnviz runs T5, mT5, BART, mBART, Marian, Pegasus and Blenderbot from their checkpoints, without an export",
            )
        # In float32 from the start, because a later conversion can't undo the rounding of buffers computed when the model is made.
        model = AutoModel.from_pretrained(source, config=config, dtype=torch.float32, attn_implementation="eager")
    except ExportError:
        raise
    except Exception as error:  # of transformers, of safetensors, or of what either calls
        raise ExportError(
            f"{source}: transformers can't load it: {cause_of(error)}",
            "name a directory with config.json and model.safetensors, or a model of the Hugging Face hub",
        ) from error
    return model.eval()


def takes_types(model) -> bool:
    """Whether the model tells the sentences of a pair apart by token types."""
    return getattr(model.config, "type_vocab_size", 0) > 1


def positions(model) -> int:
    """The most tokens of a sentence; 0 where the model has no limit of its own."""
    limits = (getattr(model.config, name, None) for name in ("max_position_embeddings", "max_seq_len"))
    limit = next((limit for limit in limits if limit and limit > 0), 0)  # XLNet says -1
    # RoBERTa and its kin count positions from the padding id onwards.
    padding = getattr(getattr(model, "embeddings", None), "padding_idx", None)
    return limit if padding is None else limit - padding - 1


def attentions_of(model, input_ids, attention_mask=None, token_type_ids=None):
    """The attention that the model returns, a tensor for each layer; an empty tuple where it returns none."""
    arguments = {"input_ids": input_ids, "attention_mask": attention_mask, "output_attentions": True, "return_dict": True}
    if token_type_ids is not None:
        arguments["token_type_ids"] = token_type_ids
    if getattr(model.config, "use_cache", False):
        arguments["use_cache"] = False
    return tuple(getattr(model(**arguments), "attentions", None) or ())


def make_wrapper(model, masked):
    """The module that is traced: it takes token ids (and a mask, and types) and gives one tensor for each layer."""
    from torch import nn

    forwards = {
        (True, True): lambda self, input_ids, attention_mask, token_type_ids: attentions_of(
            self.model, input_ids, attention_mask, token_type_ids),
        (True, False): lambda self, input_ids, attention_mask: attentions_of(self.model, input_ids, attention_mask),
        (False, True): lambda self, input_ids, token_type_ids: attentions_of(self.model, input_ids, None, token_type_ids),
        (False, False): lambda self, input_ids: attentions_of(self.model, input_ids),
    }  # fmt: skip

    class Attentions(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        forward = forwards[masked, takes_types(model)]

    return Attentions().eval()


def make_input(model, lengths, seed=0, masked=True) -> dict:
    """A padded batch of random sentences of `lengths` tokens. For a model with token types, each is a pair of sentences."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    padding = getattr(model.config, "pad_token_id", None) or 0
    size = (len(lengths), max(lengths))
    ids = torch.randint(0, model.config.vocab_size, size, generator=generator)
    ids[ids == padding] = (padding + 1) % model.config.vocab_size
    mask = torch.arange(size[1])[None, :] < torch.tensor(lengths)[:, None]
    ids[~mask] = padding
    inputs = {"input_ids": ids, **({"attention_mask": mask.long()} if masked else {})}
    if takes_types(model):
        halves = torch.tensor(lengths)[:, None] // 2
        inputs["token_type_ids"] = ((torch.arange(size[1])[None, :] >= halves) & mask).long()
    return inputs


def run(model, inputs, what):
    """The model's eager attention for `inputs`, which an error calls `what`."""
    import torch

    try:
        with torch.no_grad():
            return attentions_of(model, **inputs)
    except Exception as error:
        raise ExportError(
            f"{model.config.model_type}: transformers can't run it on {what}: {cause_of(error)}",
            "attnviz takes models that read token ids and give attention weights",
        ) from error


def check_attention(model) -> None:
    """Raises unless the model gives what attnviz draws: for each layer, a [batch, heads, tokens, tokens] tensor whose rows
    sum to 1."""
    import torch

    kind, tokens = model.config.model_type, 9
    hint = "attnviz draws attention from each token to each, layer by layer; it has no other use for a model"
    if getattr(model.config, "vocab_size", None) is None:
        raise ExportError(f"{kind}: reads no tokens of a text: its config.json has no vocab_size", hint)
    layers = run(model, make_input(model, [tokens]), f"{tokens} tokens")
    given, all_layers = [layer for layer in layers if isinstance(layer, torch.Tensor)], model.config.num_hidden_layers
    if not given and getattr(model.config, "attention_type", "") == "block_sparse":
        hint = 'set "attention_type": "original_full" in its config.json, which attends to the whole text'
    if len(given) != all_layers or len(given) != len(layers):
        raise ExportError(f"{kind}: gives attention weights of {len(given) or 'none'} of its {all_layers} layers", hint)
    for layer in given:
        if layer.dim() != 4 or layer.shape != (1, given[0].shape[1], tokens, tokens):
            raise ExportError(
                f"{kind}: gives attention of the shape {list(layer.shape)} for {tokens} tokens, "
                f"expected [1, heads, {tokens}, {tokens}] of every layer", hint)  # fmt: skip
    off = max((layer.sum(-1) - 1).abs().max().item() for layer in given)
    if not off <= 1e-3:
        raise ExportError(
            f"{kind}: rows of its attention are off 1 by up to {off:.1g}, expected weights that sum to 1",
            "attnviz draws how each token shares out its attention; this model gives something else, or keeps a part back "
            "(gpt_oss for its sinks)",
        )


def operators_of_functions():
    """While this is active, an autograd function written in Python runs as plain calls of the operators in its forward():
    a trace can hold those, but not the function itself."""
    import torch

    def apply(function, *arguments):
        # Where a function leaves setup_context() as it is, its forward() takes the context as its first argument.
        has_context = function.setup_context is torch.autograd.Function.setup_context
        return function.forward(*([mock.MagicMock()] if has_context else []), *arguments)

    return mock.patch.object(torch.autograd.Function, "apply", classmethod(apply))


def operators_of_experts():
    """While this is active, mixtures of experts run without two operators that do not check their arguments, and can read or
    write beyond a tensor: attnviz refuses to run a trace that calls them."""
    import torch
    from transformers.integrations import moe

    def histc(values, bins, **_):
        return (values[:, None] == torch.arange(bins)).sum(0)

    def grouped_mm(rows, weights, offs):
        expert = (torch.arange(rows.size(0))[:, None] >= offs).sum(-1)
        return torch.cat([rows[expert == number] @ weights[number] for number in range(weights.size(0))])

    patches = contextlib.ExitStack()
    patches.enter_context(mock.patch.object(torch, "histc", histc))
    patches.enter_context(mock.patch.object(moe, "_grouped_mm", grouped_mm))
    return patches


def trace(model, masked=True):
    """The model's trace, meant for every batch size and length; compare() shows whether it is right for others than its own."""
    import torch

    wrapper = make_wrapper(model, masked)
    inputs = make_input(model, [9, 5] if masked else [9], masked=masked)
    try:
        with torch.no_grad(), operators_of_functions(), operators_of_experts(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a value became a constant; compare() finds where it matters
            return torch.jit.trace(wrapper, tuple(inputs.values()), check_trace=False)
    except Exception as error:
        raise ExportError(f"{model.config.model_type}: can't be traced: {cause_of(error)}", BY_LENGTH) from error


def shapes(model, masked=True) -> list:
    """The sentence lengths of each batch that is compared: single sentences up to the longest that the model takes, and
    padded batches if the model takes a mask."""
    limit = positions(model)
    some = [[11], [7, 3, 7], [23, 10], [1, 4, 16, 9]] if masked else [[3], [7], [11], [23]]
    batches = [[1], [2], *some, [64], [limit or 512]]
    return [[min(length, limit or length) for length in batch] for batch in batches]


def largest_difference(mine, other) -> float:
    """Between two tensors' numbers. NaN equals NaN, and is infinitely far from everything else."""
    off = (mine - other).abs()
    off[mine.isnan() & other.isnan()] = 0
    return off.nan_to_num(nan=float("inf"), posinf=float("inf")).max().item()


def difference(given, expected, row, length) -> float:
    """The largest difference between two results for the sentence in `row`; either may hold a padded batch, or it alone."""
    pairs = ((mine[row if len(mine) > 1 else 0], other[row if len(other) > 1 else 0]) for mine, other in zip(given, expected))
    return max(largest_difference(a[:, :length, :length], b[:, :length, :length]) for a, b in pairs)


def run_alone(model, inputs, row, length):
    """The model's eager attention for one sentence of a batch by itself, without padding."""
    return run(model, {name: tensor[row : row + 1, :length] for name, tensor in inputs.items()}, f"{length} tokens")


def masks_padding(model) -> bool:
    """Whether a sentence keeps its attention when a batch pads it. It does not where, say, a convolution reads the padding."""
    for lengths in [batch for batch in shapes(model) if len(batch) > 1]:
        inputs = make_input(model, lengths)
        together = run(model, inputs, f"a batch of {lengths} tokens")
        for row, length in enumerate(lengths):
            if not difference(run_alone(model, inputs, row, length), together, row, length) <= TOLERANCE / 2:
                return False
    return True


def compare(traced, model, report, masked=True) -> float:
    """The largest difference between the attention of the trace and the model's eager attention, for the same batch and for
    each of its sentences alone; raises if it is above TOLERANCE."""
    import torch

    kind, largest = model.config.model_type, 0.0
    for seed, lengths in enumerate(shapes(model, masked)):
        batch = f"a batch of {lengths} tokens"
        inputs = make_input(model, lengths, seed, masked)
        expected = run(model, inputs, batch)
        try:
            with torch.no_grad():
                got = traced(**inputs)
        except RuntimeError as error:
            raise ExportError(f"{kind}: its trace fails on {batch}: {cause_of(error)}", BY_LENGTH) from error
        if [layer.shape for layer in got] != [layer.shape for layer in expected]:
            raise ExportError(f"{kind}: its trace gives other shapes than the model for {batch}", BY_LENGTH)
        off = 0.0
        for row, length in enumerate(lengths):
            own = run_alone(model, inputs, row, length)
            off = max(off, difference(got, expected, row, length), difference(got, own, row, length))
        report(f"compare: {len(lengths)} × {max(lengths)} tokens: largest difference {off:.1e}")
        if not off <= TOLERANCE:
            raise ExportError(
                f"{kind}: the trace's attention differs by {off:.1e} from eager attention for {batch}, "
                f"expected at most {TOLERANCE:g}; nothing was written", BY_LENGTH)  # fmt: skip
        largest = max(largest, off)
    return largest
