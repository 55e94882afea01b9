"""Which failures of a job mean that memory ran out."""

from __future__ import annotations

import pytest

from phift.kinds.job.exhausted import Exhausted, exhausted_in, remedy


@pytest.mark.parametrize(
    "text",
    [
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.",
        "torch.cuda.OutOfMemoryError",
        "RuntimeError: CUDA error: out of memory",
        "RuntimeError: CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    ],
)
def test_a_gpu_without_memory_is_recognized(text: str) -> None:
    assert exhausted_in("Execution failed.", f"line 1\n{text}\nline 3") is Exhausted.GPU
    assert remedy(Exhausted.GPU, None).startswith("The GPU ran out of memory. Lower per_device_train_batch_size")


@pytest.mark.parametrize(
    "text",
    [
        "[launch.py:315:sigkill_handler] ['python', 'finetune.py'] exits with return code = -9",
        "RuntimeError: [enforce fail at alloc_cpu.cpp:75] DefaultCPUAllocator: can't allocate memory",
        "subprocess.CalledProcessError: Command died with <Signals.SIGKILL: 9>.",
        "Execution failed. User process exited with exit code 137",
    ],
)
def test_a_node_without_memory_is_recognized(text: str) -> None:
    assert exhausted_in(text, "") is Exhausted.NODE
    assert "memory of the node" in remedy(Exhausted.NODE, None)


@pytest.mark.parametrize("text", ["", "KeyError: 'messages'", "exited with exit code 1", "out of memory of the past"])
def test_other_failures_are_not(text: str) -> None:
    assert exhausted_in(text, text) is Exhausted.NOTHING
