"""What the log says of an error: its type and place. Its words could quote contents."""

from pathlib import Path


def places(error: BaseException) -> str:
    """Such as "ValueError at app.py:12 loaded.py:34"."""
    found, trace = [], error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        found.append(f"{Path(code.co_filename).name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return f"{type(error).__name__} at {' '.join(found[-6:])}"
