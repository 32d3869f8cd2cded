"""Memory that was freed is kept for the next layer, instead of going back to the system and coming again.

Ours. Linux' usual allocator (glibc) hands a layer's output back as soon as it is freed, and the next
layer's comes as a thousand page faults: 8,300 of them for one photo of 480 × 320, a seventh of its time.
`Trainer.run` and `load_weights` see to it.
"""

import ctypes

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # their numbers in glibc's malloc.h
LARGEST = 32 << 20  # bytes: older glibc takes no more; larger blocks still go back at once
KEPT = 1 << 30


def keep_freed() -> bool:
    """Let this process keep up to 1 GB of freed memory; whether that could be had (with glibc, it can)."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another allocator; Windows knows no library of no name
        return False
    return bool(mallopt(MMAP_THRESHOLD, LARGEST) and mallopt(TRIM_THRESHOLD, KEPT))
